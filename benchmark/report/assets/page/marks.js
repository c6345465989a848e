// @ts-check
/* The marks of a chart: lines with markers, bands, whiskers, rings and crosses. */

import { draw } from "./dom.js";
import { inked, markerPath } from "./look.js";

/** @import { Cross, Frame, Series } from "./chart.js" */
/** @import { Numbers, Scale } from "./scale.js" */

const MARKERS = 7; // along a line

/* Several times as fast as `toFixed`, which matters where a chart is drawn for every frame. */
/** @type {(number: number) => number} */
const tenth = (number) => Math.round(number * 10) / 10;

/* The path of a line, with a gap at absent points. Extreme heights are clipped. */
/** @type {(xs: Numbers, ys: Numbers, x: Scale, y: Scale, step?: boolean) => string} */
function pathOf(xs, ys, x, y, step) {
  let [path, down, before] = ["", false, 0];
  for (let i = 0; i < xs.length; i++) {
    if (!Number.isFinite(ys[i]) || (x.log && xs[i] <= 0) || (y.log && ys[i] <= 0)) {
      down = false;
      continue;
    }
    const [px, py] = [tenth(x(xs[i])), tenth(Math.max(-4000, Math.min(9000, y(ys[i]))))];
    path += !down ? `M${px} ${py}` : step ? `L${px} ${before}L${px} ${py}` : `L${px} ${py}`;
    [down, before] = [true, py];
  }
  return path;
}

/** @type {(series: Series, x: Scale, y: Scale) => Element} */
export function band(series, x, y) {
  const floor = y.log ? y.low / 10 : -Infinity;
  const { low: lows = [], high: highs = [] } = series;
  let [up, back] = ["", ""];
  series.x.forEach((at, i) => {
    const [low, high] = [Math.max(lows[i], floor), highs[i]];
    if (
      !Number.isFinite(low) ||
      !Number.isFinite(high) ||
      (x.log && at <= 0) ||
      (y.log && high <= 0)
    )
      return;
    const px = x(at).toFixed(1);
    up += `${up ? "L" : "M"}${px} ${y(high).toFixed(1)}`;
    back = `L${px} ${y(low).toFixed(1)}${back}`;
  });
  return inked("path", series.optimizer, { class: "band", d: up ? `${up}${back}Z` : "" });
}

/* Whiskers, for intervals at single places with nothing known in between. */
/** @type {(series: Series, x: Scale, y: Scale) => Element} */
export function whiskers(series, x, y) {
  const floor = y.log ? y.low / 10 : -Infinity;
  const { low: lows = [], high: highs = [] } = series;
  const path = Array.from(series.x, (at, i) => {
    const [low, high] = [Math.max(lows[i], floor), highs[i]];
    if (!Number.isFinite(low) || !Number.isFinite(high) || (y.log && high <= 0)) return "";
    const px = x(at).toFixed(1);
    return `M${px} ${y(low).toFixed(1)}V${y(high).toFixed(1)}`;
  });
  return inked("path", series.optimizer, { class: "whisker", d: path.join("") });
}

/* A line with its markers; markers alone for a silent series of them. */
/** @type {(series: Series, x: Scale, y: Scale, haloed: boolean) => Element[]} */
export function line(series, x, y, haloed) {
  const { optimizer, name } = series;
  if (series.ringed) return [inked("path", optimizer, { class: "ring", d: rings(series, x, y) })];
  if (series.marked && series.silent) return [dots(series, x, y)];
  const dash = optimizer.style.dash.join(" ");
  const kind = series.faint ? "line faint" : series.thin ? "line thin" : "line";
  const d = pathOf(series.x, series.y, x, y, series.step);
  const drawn = [
    ...(haloed ? [draw("path", { class: "halo", d })] : []),
    inked("path", optimizer, { class: kind, d, "stroke-dasharray": dash, "data-line": name }),
  ];
  if (series.faint || series.thin || series.bare) return drawn;
  return [...drawn, dots(series, x, y)];
}

/** @type {(series: Series, x: Scale, y: Scale) => Element} */
const dots = (series, x, y) =>
  inked("path", series.optimizer, { class: "dot", d: markers(series, x, y) });

/** @type {(series: Series, x: Scale, y: Scale) => string} */
function rings(series, x, y) {
  const r = series.size ?? 9;
  const path = Array.from(series.x, (at, i) =>
    Number.isFinite(series.y[i])
      ? `M${(x(at) - r).toFixed(1)} ${y(series.y[i]).toFixed(1)}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`
      : "",
  );
  return path.join("");
}

/** @type {(series: Series, x: Scale, y: Scale) => string} */
function markers(series, x, y) {
  const last = series.x.length - 1;
  const spaced = Array.from({ length: MARKERS }, (_, k) => Math.round((k * last) / (MARKERS - 1)));
  const places = series.marked || last < MARKERS ? series.x.keys() : new Set(spaced);
  return [...places]
    .filter(
      (i) =>
        Number.isFinite(series.y[i]) &&
        !(x.log && series.x[i] <= 0) &&
        !(y.log && series.y[i] <= 0),
    )
    .map((i) => markerPath(series.optimizer, x(series.x[i]), y(series.y[i]), series.size ?? 4.2))
    .join("");
}

/* A cross inside the frame, at its top if its height cannot be drawn. */
/** @type {(each: Cross, x: Scale, y: Scale, frame: Frame, haloed: boolean) => Element[]} */
export function cross(each, x, y, frame, haloed) {
  const up = each.y === null ? NaN : y(each.y);
  /** @type {(at: number, low: number, high: number) => number} */
  const clamped = (at, low, high) => Math.min(Math.max(at, low), high);
  const across = clamped(x(each.x), frame.left, frame.right);
  const top = frame.top + 6;
  const height = Number.isFinite(up) ? clamped(up, top, frame.bottom - 4) : top;
  const r = each.size ?? 4;
  const d = [r, -r]
    .map((turn) => `M${across - r} ${height - turn}L${across + r} ${height + turn}`)
    .join("");
  return [
    ...(haloed ? [draw("path", { class: "halo", d })] : []),
    inked("path", each.optimizer, { class: "cross", d }, [draw("title", {}, [each.words])]),
  ];
}
