// @ts-check
/* The sections on time to target in one setting and on performance profiles over all settings. */

import { chart } from "./chart.js";
import { AXIS_WORDS, payload, rowsOf } from "./data.js";
import { byId, make } from "./dom.js";
import { compact } from "./format.js";
import {
  byOptimizer,
  ends,
  nameColumn,
  numberColumn,
  withOptimizer,
  withVariant,
} from "./leaderboard.js";
import { follow, hidden, metric, NONE_SHOWN, noneIsShown, setting, state } from "./state.js";
import { table } from "./table.js";
import { term } from "./terms.js";
import { noBest, unitSign, value } from "./units.js";

/** @import { Description, Series } from "./chart.js" */
/** @import { Row } from "./data.js" */
/** @import { Owned } from "./leaderboard.js" */
/** @import { TargetTimes, Variant } from "./payload.d.ts" */
/** @import { Column } from "./table.js" */
/** @typedef {Variant & Row<TargetTimes>} Time */

const race = () => metric().races[state.problem];

/* Staircases of shares: `at` is the place of a row, and each goes on to `top`. */
/** @template {Owned & { share: number }} Each @param {Each[]} table @param {(row: Each) => number} at @param {number} top @returns {(Series & { x: number[], y: number[] })[]} */
function stairs(table, at, top) {
  return [...byOptimizer(table)].map(([optimizer, rows]) => {
    const x = rows.map(at);
    const y = rows.map((row) => row.share);
    if (top > x[x.length - 1]) {
      x.push(top);
      y.push(y[y.length - 1]);
    }
    return {
      name: payload.optimizers[optimizer].label,
      optimizer: payload.optimizers[optimizer],
      step: true,
      marked: true,
      x,
      y,
    };
  });
}

/** @type {(number: number) => string} */
const share = (number) => `${Math.round(number * 100)} %`;

/** @type {() => Description} */
function describeReaching() {
  if (noneIsShown()) return { empty: NONE_SHOWN };
  if (race().target === null) return { empty: noTarget() };
  const shares = race().shares[state.x];
  if (!Array.from(shares.share).some(Boolean)) return { empty: "No seed has reached the target." };
  const top = Math.max(...shares.x, 0);
  return {
    flat: true,
    label: `share of seeds that has reached ${value(race().target)}${unitSign()} over ${AXIS_WORDS[state.x]}`,
    series: stairs(rowsOf(shares), (row) => row.x, top).map((each) => ({
      ...each,
      x: [0, ...each.x],
      y: [0, ...each.y],
    })),
    x: { log: false, words: AXIS_WORDS[state.x], format: compact, range: [0, top || 1] },
    y: { log: false, words: "seeds there", format: share, range: [0, 1.03], best: "high" },
  };
}

const noTarget = () =>
  noBest() ||
  `No target: less than half of the optimizers have a finite median ${metric().words} on ${setting().problem}.`;

/** @type {() => Description} */
function describeProfiles() {
  if (noneIsShown()) return { empty: NONE_SHOWN };
  const { stairs: columns, missing } = metric().profiles;
  if (missing) return { empty: noBest() || missing };
  return {
    flat: true,
    label: "share of settings within τ times the fastest optimizer",
    series: stairs(rowsOf(columns[state.x]), (row) => row.tau, 4),
    x: {
      log: false,
      words: `τ: times the ${AXIS_WORDS[state.x]} of the fastest`,
      format: (each) => compact(Number(each.toFixed(2))),
      range: [1, 4],
    },
    y: { log: false, words: "settings", format: share, range: [0, 1.03], best: "high" },
  };
}

/** @type {() => Column<Time>[]} */
function targetColumns() {
  /** @type {(time: number | null) => string} */
  const words = (time) => (time === null ? "–" : compact(time));
  return [
    nameColumn,
    {
      name: "reached",
      head: term("reached"),
      key: (row) => row.reached / row.seeds,
      cell: (row) => `${row.reached} of ${row.seeds}`,
      csv: { reached: (row) => row.reached, seeds: (row) => row.seeds },
    },
    {
      id: "time",
      name: `median ${AXIS_WORDS[state.x]}`,
      head: term(["time to target", AXIS_WORDS[state.x]], AXIS_WORDS[state.x]),
      key: (row) => row.time,
      cell: (row) => (row.time === null ? "not reached" : compact(row.time)),
    },
    {
      name: "95 % interval",
      head: term("95 % interval"),
      cell: (row) =>
        row.low === null && row.high === null
          ? "–"
          : `${words(row.low)} to ${row.high === null ? "unbounded" : words(row.high)}`,
      csv: ends,
    },
  ];
}

/** @type {(table_: HTMLElement, words: HTMLElement) => void} */
function fillTargets(table_, words) {
  const off = hidden();
  const { target, source } = race();
  words.replaceChildren(
    ...(target === null
      ? []
      : [
          term("target", "Target"),
          `: ${metric().words} of ${value(target)}${unitSign()} or ${metric().higher_is_better ? "more" : "less"}, ${source}; `,
          "each optimizer with its ",
          term("chosen hyperparameters"),
          ".",
        ]),
  );
  const rows = rowsOf(race().tables[state.x])
    .map(withVariant)
    .filter((row) => !off.has(row.optimizer))
    .sort((a, b) => (a.time ?? Infinity) - (b.time ?? Infinity));
  table_.replaceChildren(
    ...(rows.length ? [table("targets", "time to target", targetColumns(), rows)] : []),
  );
}

/** @type {(host: HTMLElement) => void} */
function fillScores(host) {
  const off = hidden();
  const { scores, settings } = metric().profiles;
  const rows = !settings
    ? []
    : rowsOf(scores[state.x])
        .filter((row) => !off.has(row.optimizer))
        .map(withOptimizer);
  const columns = [
    nameColumn,
    numberColumn("profile score", "score", term("profile score"), (/** @type {number} */ each) =>
      each.toFixed(4),
    ),
  ];
  host.replaceChildren(...(rows.length ? [table("scores", "profile scores", columns, rows)] : []));
}

export function targetsSection() {
  const words = make("p");
  const rows = make("div");
  const reaching = make("div", { id: "reaching-chart" });
  const profiles = make("div", { id: "profile-chart" });
  const scores = make("div");
  byId("targets-body").replaceChildren(
    words,
    reaching,
    rows,
    make("h3", {}, [term("performance profile", "Performance profiles"), " over settings"]),
    profiles,
    scores,
  );
  const redraw = [chart(reaching, describeReaching), chart(profiles, describeProfiles)];
  follow(["problem", "metric", "x", "off"], () => {
    fillTargets(rows, words);
    fillScores(scores);
    for (const each of redraw) each();
  });
}
