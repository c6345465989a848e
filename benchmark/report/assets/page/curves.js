// @ts-check
/* The section of curves: one metric in one setting, with bands over seeds. */

import { chart } from "./chart.js";
import { CHOICES } from "./choices.js";
import { choose, toggle } from "./controls.js";
import { AXIS_WORDS, curvesOf, payload } from "./data.js";
import { byId, make } from "./dom.js";
import { compact } from "./format.js";
import { follow, metric, NONE_SHOWN, noneIsShown, setting, shownVariants, state } from "./state.js";
import { term } from "./terms.js";
import { metricAxis, value } from "./units.js";

/** @import { Variant } from "./payload.d.ts" */
/** @import { Cross, Description, Series } from "./chart.js" */
/** @import { Line, UnpackedCurves } from "./data.js" */
/** @import { Numbers } from "./scale.js" */
/** @import { Name } from "./state.js" */

/** @type {Record<string, (center: string) => string[]>} */
const BANDS = {
  ci: (center) => [`${center}_low`, `${center}_high`],
  iqr: () => ["q25", "q75"],
  minmax: () => ["minimum", "maximum"],
  none: () => [],
};

const logY = () => (state.logy === "auto" ? metric().logarithmic : state.logy === "1");

/* Centred moving average over `count` points; fewer at the ends. */
/** @template {Numbers | undefined} Some @param {Some} numbers @param {number} count @returns {Some | number[]} */
function smoothed(numbers, count) {
  if (!numbers || count < 2) return numbers;
  const half = count >> 1;
  return Array.from(numbers, (_, i) => {
    const reach = Math.min(half, i, numbers.length - 1 - i);
    let sum = 0;
    for (let k = i - reach; k <= i + reach; k++) sum += numbers[k];
    return sum / (2 * reach + 1);
  });
}

/** @type {(curves: UnpackedCurves, format?: (number: number) => string) => Series[]} */
function curveSeries(curves, format = value) {
  const shown = new Map(shownVariants());
  const [low, high] = BANDS[state.band](state.center);
  const width = Number(state.smooth);
  const many = state.variants === "all";
  const series = curves.bands[state.x].flatMap((each) => {
    const variant = shown.get(each.variant);
    if (!variant) return [];
    const center = each.y[`${state.center}_center`];
    const [least, most] = [each.y[low], each.y[high]];
    return {
      name: variant.label,
      optimizer: payload.optimizers[variant.optimizer],
      thin: many && !variant.chosen,
      x: each.x,
      y: smoothed(center, width),
      read: center,
      low: many && !variant.chosen ? undefined : smoothed(least, width),
      high: many && !variant.chosen ? undefined : smoothed(most, width),
      more: (/** @type {number} */ i) =>
        least && Number.isFinite(least[i]) ? `${format(least[i])} to ${format(most[i])}` : "",
    };
  });
  return state.seeds === "1" ? [...seedSeries(curves, shown, width), ...series] : series;
}

/* Trials that trained as one network have no seconds of their own. */
/** @type {(each: Line) => boolean} */
const isPlaced = (each) => Number.isFinite(each.x[state.x].at(-1));

/** @type {(curves: UnpackedCurves, shown: Map<number, Variant>, width: number) => Series[]} */
function seedSeries(curves, shown, width) {
  return curves.lines
    .filter((each) => shown.has(each.variant) && isPlaced(each))
    .map((each) => ({
      name: `${shown.get(each.variant)?.label}, seed ${each.seed}`,
      optimizer: payload.optimizers[shown.get(each.variant)?.optimizer ?? 0],
      faint: true,
      loose: each.diverged,
      x: each.x[state.x],
      y: smoothed(each.y, width),
    }));
}

/** @type {(curves: UnpackedCurves) => Cross[]} */
function crosses(curves) {
  const shown = new Map(shownVariants());
  return curves.lines
    .filter((each) => each.diverged && shown.has(each.variant) && isPlaced(each))
    .map((each) => ({
      optimizer: payload.optimizers[shown.get(each.variant)?.optimizer ?? 0],
      x: each.x[state.x].at(-1) ?? NaN,
      y: each.y.at(-1) ?? null,
      words: `${shown.get(each.variant)?.label}, seed ${each.seed}: diverged`,
    }));
}

/* The curves of means; where no trial is whole, as if all diverged, those of single seeds. */
/** @type {(curves: UnpackedCurves, format?: (value: number) => string) => Series[]} */
export function shownSeries(curves, format) {
  const means = curveSeries(curves, format);
  if (means.length) return means;
  return seedSeries(curves, new Map(shownVariants()), Number(state.smooth));
}

/** @type {() => Description} */
function describeCurves() {
  const curves = curvesOf(state.metric, state.problem);
  const label = `${metric().words} over ${AXIS_WORDS[state.x]} on ${setting().problem}, a line for each optimizer`;
  const series = curves ? shownSeries(curves) : [];
  const ends = curves ? crosses(curves) : [];
  if (noneIsShown()) return { empty: NONE_SHOWN };
  if (!series.length)
    return {
      empty: `Nothing to draw: no trial of the current selection has recorded its ${metric().words}.`,
    };
  return {
    label,
    series,
    crosses: ends,
    x: { log: state.logx === "1", words: AXIS_WORDS[state.x], format: compact },
    y: metricAxis({ log: logY() }),
  };
}

function curvesNote() {
  const curves = curvesOf(state.metric, state.problem);
  const { chosen, others, recorded } = payload.resolution;
  const width = state.variants === "all" ? others : chosen;
  const notes = [];
  const interval = curves?.notes[state.center === "mean" ? 0 : 1];
  if (state.band === "ci" && interval) notes.push(`${interval}.`);
  if (state.band !== "none" && state.variants === "all")
    notes.push("Only the chosen hyperparameters of each optimizer have a band.");
  if (state.smooth !== "0")
    notes.push(
      `The curves are smoothed by a centred moving average over ${state.smooth} points. Read-outs are not.`,
    );
  if (recorded > width)
    notes.push(
      `A curve has up to ${recorded} recorded points and shows at most ${chosen} of them${others < chosen ? ` (${others} if its hyperparameters are not the chosen ones)` : ""}, always with both ends.`,
    );
  if (curves?.lines.some((each) => each.diverged))
    notes.push("A cross marks where a trial diverged; it is left out of means.");
  return notes.join(" ");
}

export function curvesSection() {
  const host = make("div", { id: "curves-chart" });
  const note = make("p.quiet", { id: "curves-note" });
  byId("curves-body").replaceChildren(
    make("div.bar", {}, [
      choose("x", term(Object.values(CHOICES.x), "Against"), CHOICES.x),
      choose("center", term(Object.values(CHOICES.center), "Line"), CHOICES.center),
      choose(
        "band",
        term(["95 % interval", "interquartile range", "min–max"], "Band"),
        CHOICES.band,
      ),
      choose("smooth", term("smoothing", "Smoothing"), CHOICES.smooth),
      choose("logy", term("axis", "Vertical axis"), CHOICES.logy),
      choose("logx", term("axis", "Horizontal axis"), CHOICES.logx),
      toggle("seeds", term("individual seeds")),
    ]),
    host,
    note,
  );
  const redraw = chart(host, describeCurves);
  /** @type {Name[]} */
  const all = [
    "problem",
    "metric",
    "variants",
    "off",
    "x",
    "logx",
    "logy",
    "center",
    "band",
    "seeds",
    "smooth",
  ];
  follow(all, () => {
    redraw();
    note.textContent = curvesNote();
  });
}
