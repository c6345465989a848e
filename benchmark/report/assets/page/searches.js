// @ts-check
/* The section on the tuning search: the points that were tried, and what a budget would bring. */

import { chart } from "./chart.js";
import { payload } from "./data.js";
import { byId, make } from "./dom.js";
import { compact, digits } from "./format.js";
import { nameColumn, withOptimizer } from "./leaderboard.js";
import { follow, hidden, state } from "./state.js";
import { table } from "./table.js";
import { term } from "./terms.js";

/** @import { Axis, Cross, Description } from "./chart.js" */
/** @import { TuningSearch } from "./payload.d.ts" */
/** @import { Column } from "./table.js" */

const here = () => payload.searches[state.problem];
const shown = () => here().searches.filter((each) => !hidden().has(each.optimizer));
/** @type {(optimizer: number) => string} */
const nameOf = (optimizer) => payload.optimizers[optimizer].label;
const NONE = "No search is on record for the current selection.";

/** @type {() => Axis} */
function valueAxis() {
  const found = payload.metrics.find((each) => each.name === here().metric);
  const { sign, factor } = found?.units[state.problem] ?? { sign: "", factor: 1 };
  return {
    log: found?.logarithmic ?? false,
    words: sign && factor === 1 ? `${here().words}, ${sign}` : here().words,
    format: (each) => digits(each),
    best: found?.higher_is_better ? "high" : "low",
    tick: compact,
  };
}

/** @type {() => Description} */
function describePoints() {
  const rated = shown().map((search) => ({
    search,
    points: search.points.filter((point) => point.lr !== null),
  }));
  if (!rated.some(({ points }) => points.length)) return { empty: NONE };
  const series = rated.flatMap(({ search, points }) => {
    const x = points.map((point) => point.lr ?? NaN);
    const chosen = points.filter((point) => point.chosen);
    return [
      {
        name: nameOf(search.optimizer),
        optimizer: payload.optimizers[search.optimizer],
        marked: true,
        x,
        y: points.map((point) => point.value ?? NaN),
        more: (/** @type {number} */ i) => (points[i].chosen ? "chosen" : ""),
      },
      {
        name: `${nameOf(search.optimizer)}, chosen`,
        optimizer: payload.optimizers[search.optimizer],
        ringed: true,
        x: chosen.map((point) => point.lr ?? NaN),
        y: chosen.map((point) => point.value ?? NaN),
      },
    ];
  });
  const crosses = rated.flatMap(({ search, points }) =>
    points
      .filter((point) => point.value === null)
      .map(
        (point) =>
          /** @type {Cross} */ ({
            optimizer: payload.optimizers[search.optimizer],
            x: point.lr ?? NaN,
            y: null,
            words: `${point.label}: diverged`,
          }),
      ),
  );
  return {
    label: `${here().words} on tuning seed ${here().seed} of every learning rate that was tried`,
    series,
    crosses,
    x: { log: true, words: "learning rate", format: compact, pad: 0.04 },
    y: valueAxis(),
  };
}

/** @type {() => Description} */
function describeBudget() {
  const searches = shown().filter((each) => each.budgets.length > 1);
  if (!searches.length) return { empty: NONE };
  const budgets = [...new Set(searches.flatMap((each) => each.budgets))].sort((a, b) => a - b);
  return {
    flat: true,
    label: `expected lowest ${here().words} after k points`,
    series: searches.map((each) => ({
      name: nameOf(each.optimizer),
      optimizer: payload.optimizers[each.optimizer],
      marked: true,
      x: [...each.budgets],
      y: each.expected.map((value) => value ?? NaN),
    })),
    x: { log: true, words: "points tried, k", format: compact, pad: 0.03, ticks: budgets },
    y: valueAxis(),
  };
}

/** @type {() => Description} */
function describeEvaluated() {
  const searches = shown().filter((each) => each.evaluated.length);
  if (!searches.length) return { empty: NONE };
  const budgets = searches.flatMap((each) => each.evaluated.map((one) => one.budget));
  return {
    label: `${here().words} on the evaluation seeds of what k points would have chosen`,
    series: searches.map(({ optimizer, evaluated }) => ({
      name: nameOf(optimizer),
      optimizer: payload.optimizers[optimizer],
      marked: true,
      x: evaluated.map((one) => one.budget),
      y: evaluated.map((one) => one.mean ?? NaN),
      low: evaluated.map((one) => one.low ?? one.mean ?? NaN),
      high: evaluated.map((one) => one.high ?? one.mean ?? NaN),
      more: (/** @type {number} */ i) => evaluated[i].label.slice(nameOf(optimizer).length).trim(),
    })),
    crosses: searches.flatMap(({ optimizer, evaluated }) =>
      evaluated
        .filter((one) => one.diverged)
        .map((one) => ({
          optimizer: payload.optimizers[optimizer],
          x: one.budget,
          y: null,
          words: `${one.label}: ${one.diverged} of ${one.seeds} seeds diverged`,
        })),
    ),
    x: {
      log: true,
      words: "points tried, k",
      format: compact,
      pad: 0.03,
      ticks: [...new Set(budgets)].sort((a, b) => a - b),
    },
    y: valueAxis(),
  };
}

/** @type {Record<string, string>} */
const EDGES = {
  low: "at the lowest that was tried: a lower one may be better",
  high: "at the highest that was tried: a higher one may be better",
};

/** @param {TuningSearch} search */
function rowOf(search) {
  const chosen = search.points.find((point) => point.chosen);
  const rates = search.points.map((point) => point.lr).filter((lr) => lr !== null);
  return withOptimizer({
    optimizer: search.optimizer,
    tried: search.points.length,
    diverged: search.points.filter((point) => point.value === null).length,
    low: rates.length ? Math.min(...rates) : null,
    high: rates.length ? Math.max(...rates) : null,
    chosen: chosen?.label.slice(nameOf(search.optimizer).length).trim() ?? "",
    value: chosen?.value ?? null,
    edge: search.edge,
  });
}

/** @type {() => Column<ReturnType<typeof rowOf>>[]} */
const columns = () => [
  nameColumn,
  { name: "points", key: (row) => row.tried, cell: (row) => String(row.tried) },
  { name: "diverged", key: (row) => row.diverged, cell: (row) => String(row.diverged) },
  {
    name: "rates tried",
    key: (row) => row.low,
    cell: (row) => (row.low === null ? "–" : `${compact(row.low)} to ${compact(row.high ?? NaN)}`),
  },
  { name: "chosen", left: true, key: (row) => row.chosen, cell: (row) => row.chosen || "–" },
  { name: `seed ${here().seed}`, key: (row) => row.value, cell: (row) => digits(row.value) },
  {
    name: "edge",
    head: term("edge"),
    left: true,
    key: (row) => row.edge,
    cell: (row) => EDGES[row.edge] ?? "",
  },
];

export function searchesSection() {
  if (!payload.searches.some((each) => each.searches.length)) return;
  const points = make("div", { id: "points-chart" });
  const budget = make("div", { id: "budget-chart" });
  const evaluated = make("div", { id: "evaluated-chart" });
  const rows = make("div", { id: "search-table" });
  byId("search-body").replaceChildren(
    make("p", {}, [
      "Each mark is a point that was tried, at its value on ",
      term("tuning seed"),
      make("span", { id: "search-seed" }),
      ". A ring marks the point that was evaluated; a cross at the top marks one that diverged.",
    ]),
    points,
    rows,
    make("h3", {}, ["Performance against budget"]),
    make("p", {}, [
      term("expected best", "Expected best"),
      " after k of these points, by their values on the tuning seed. The best of these values is too optimistic to be compared with the verdicts.",
    ]),
    budget,
    ...(payload.searches.some((each) => each.searches.some((one) => one.evaluated.length))
      ? [
          make("p", {}, [
            "On the evaluation seeds: mean and 95 % interval of the point that a search with only the first k points of the sequence would have chosen. It is one search, no mean over orders of the points, as that would need every point on every seed. A k beyond the budget has all points tried, with those added because the best learning rate was at an edge. These seeds chose nothing, so the values are not too optimistic. A cross at the top marks a choice of which seeds diverged.",
          ]),
          evaluated,
        ]
      : []),
  );
  const redraw = [
    chart(points, describePoints),
    chart(budget, describeBudget),
    chart(evaluated, describeEvaluated),
  ];
  follow(["problem", "off"], () => {
    const found = shown().map(rowOf);
    byId("search-seed").textContent = ` ${here().seed}`;
    rows.replaceChildren(
      ...(found.length ? [table("search", "points tried while tuning", columns(), found)] : []),
    );
    for (const each of redraw) each();
  });
}
