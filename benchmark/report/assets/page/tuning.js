// @ts-check
/* The section on learning rates: sensitivity, and the expected gain from searching. */

import { chart } from "./chart.js";
import { payload, rowsOf } from "./data.js";
import { byId, make } from "./dom.js";
import { compact, digits } from "./format.js";
import { byOptimizer, nameColumn, withOptimizer } from "./leaderboard.js";
import { ticks } from "./scale.js";
import { follow, hidden, metric, NONE_SHOWN, noneIsShown, setting, state } from "./state.js";
import { table } from "./table.js";
import { term } from "./terms.js";
import { metricAxis, noBest, value } from "./units.js";

/** @import { Description } from "./chart.js" */
/** @import { Row } from "./data.js" */
/** @import { Named } from "./leaderboard.js" */
/** @import { Basins, Metric } from "./payload.d.ts" */
/** @import { Column } from "./table.js" */
/** @typedef {Row<Basins> & Named} Basin */

const tuned = () => metric().tuning[state.problem];

/** @type {() => Description} */
function describeRates() {
  if (noneIsShown()) return { empty: NONE_SHOWN };
  if (payload.searches[state.problem].searches.length) {
    return {
      empty: `The learning rates of this problem were tried on tuning seeds, from ${payload.searches[state.problem].seed} on: see the section above.`,
    };
  }
  if (noBest()) return { empty: noBest() };
  const groups = [...byOptimizer(rowsOf(tuned().responses))];
  if (!groups.some(([, rows]) => rows.length > 1)) {
    return {
      empty:
        "Every optimizer was tried at only one learning rate. Give several, as in --opts 'sgd:lr=0.01|0.1|1', to see how much it matters.",
    };
  }
  const series = groups.map(([optimizer, rows]) => ({
    name: payload.optimizers[optimizer].label,
    optimizer: payload.optimizers[optimizer],
    marked: true,
    x: rows.map((row) => row.lr),
    y: rows.map((row) => row.mean ?? NaN),
    low: rows.map((row) => row.low ?? NaN),
    high: rows.map((row) => row.high ?? NaN),
    more: (/** @type {number} */ i) => (rows[i].diverged ? `${rows[i].diverged} diverged` : ""),
  }));
  const crosses = groups.flatMap(([optimizer, rows]) =>
    rows
      .filter((row) => row.diverged)
      .map((row) => ({
        optimizer: payload.optimizers[optimizer],
        x: row.lr,
        y: null,
        words: `${payload.optimizers[optimizer].label} at ${digits(row.lr)}: ${row.diverged} diverged`,
      })),
  );
  return {
    label: `final ${metric().words} over learning rate`,
    series,
    crosses,
    x: { log: true, words: "learning rate", format: compact, pad: 0.04 },
    y: metricAxis(),
  };
}

/* A number about rates around the best one, absent if it is the only rate. */
/** @template Value @param {Basin} row @param {Value} known */
const around = (row, known) => (row.tried > 1 ? known : null);

/** @type {(lr: number | null) => string} */
const rate = (lr) => (lr === null ? "–" : compact(lr));

/** @type {Record<string, string>} */
const EDGES = {
  lowest: "at the lowest tried: a lower one may be better",
  highest: "at the highest tried: a higher one may be better",
  only: "only one was tried",
};

/** @type {(host: HTMLElement) => void} */
function fillBasins(host) {
  const off = hidden();
  const rows = rowsOf(tuned().basins)
    .filter((row) => !off.has(row.optimizer))
    .map(withOptimizer);
  const isSearched = rows.some((row) => row.tried > 1);
  /** @type {Column<Basin>[]} */
  const basin = [
    {
      name: "basin",
      head: term("basin"),
      key: (row) => around(row, row.low_lr),
      cell: (row) =>
        around(row, row.low_lr) === null
          ? "–"
          : row.low_lr === row.high_lr
            ? rate(row.low_lr)
            : `${rate(row.low_lr)} to ${rate(row.high_lr)}`,
      csv: {
        "basin low": (row) => around(row, row.low_lr),
        "basin high": (row) => around(row, row.high_lr),
      },
    },
    {
      name: "decades",
      head: term("decades"),
      key: (row) => around(row, row.decades),
      cell: (row) => around(row, row.decades)?.toFixed(1) ?? "–",
    },
    {
      name: "rates in it",
      head: term("rates in it"),
      key: (row) => around(row, row.inside),
      cell: (row) => (around(row, row.inside) === null ? "–" : `${row.inside} of ${row.tried}`),
      csv: { "rates in it": (row) => around(row, row.inside), "rates tried": (row) => row.tried },
    },
    {
      name: "edge",
      head: term("edge"),
      left: true,
      key: (row) => row.edge,
      cell: (row) => (row.edge ? EDGES[row.edge] : ""),
    },
  ];
  /** @type {Column<Basin>[]} */
  const columns = [
    nameColumn,
    {
      name: "chosen lr",
      head: term("chosen lr"),
      key: (row) => row.best_lr,
      cell: (row) => rate(row.best_lr),
    },
    { name: "at it", head: term("at it"), key: (row) => row.best, cell: (row) => value(row.best) },
    ...(isSearched ? basin : []),
  ];
  host.replaceChildren(...(rows.length ? [table("rates", "learning rates", columns, rows)] : []));
}

/** @type {() => Description} */
function describeSearch() {
  if (noneIsShown()) return { empty: NONE_SHOWN };
  const groups = [...byOptimizer(rowsOf(tuned().search))];
  const longest = Math.max(0, ...groups.map(([, rows]) => rows.length));
  if (longest < 2)
    return { empty: noBest() || "One variant of each optimizer was tried: there was no search." };
  /** @type {(each: number | null) => number} */
  const number = (each) => each ?? NaN;
  return {
    label: `expected best ${metric().words} after k variants`,
    series: groups.map(([optimizer, rows]) => ({
      name: payload.optimizers[optimizer].label,
      optimizer: payload.optimizers[optimizer],
      marked: longest <= 12,
      x: rows.map((row) => row.k),
      y: rows.map((row) => number(row.expected)),
    })),
    x: {
      log: false,
      words: "variants tried",
      format: compact,
      pad: 0.03,
      ticks: ticks(1, longest, Math.min(longest - 1, 8)).filter(Number.isInteger),
    },
    y: metricAxis(),
  };
}

/* Test data choose nothing: neither the best learning rate nor the best of k. */
/** @type {(metric: Metric) => string} */
const chosenBy = ({ chosen_by: words }) =>
  words ? ` Learning rates and variants, here and below, are chosen by the ${words}.` : "";

export function tuningSection() {
  const rates = make("div", { id: "rates-chart" });
  const search = make("div", { id: "search-chart" });
  const rows = make("div");
  const worth = make("div", {}, [
    make("h3", {}, ["Value of searching: ", term("expected best"), " after k variants"]),
    search,
    make("p.quiet", {}, [
      "If all k variants may have diverged, there is no mean, and nothing is drawn.",
    ]),
  ]);
  byId("sensitivity-body").replaceChildren(
    make("p", {}, [
      "The final ",
      make("span", { id: "tuning-metric" }),
      " at every learning rate that was tried, with its ",
      term("95 % interval"),
      ".",
      make("span", { id: "tuning-chosen" }),
    ]),
    rates,
    rows,
    worth,
  );
  const redraw = [chart(rates, describeRates), chart(search, describeSearch)];
  follow(["problem", "metric", "off"], () => {
    byId("tuning-metric").textContent = metric().words;
    byId("tuning-chosen").textContent = chosenBy(metric());
    fillBasins(rows);
    worth.hidden = setting().variants.every((each) => each.chosen);
    for (const each of redraw) each();
  });
}
