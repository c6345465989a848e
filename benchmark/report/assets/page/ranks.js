// @ts-check
/* Critical-difference diagrams, and the table of all pairwise comparisons. */

import { payload } from "./data.js";
import { byId, draw, make } from "./dom.js";
import { pWords } from "./format.js";
import { comparison } from "./leaderboard.js";
import { inked, markerPath, swatch, textWidth } from "./look.js";
import { marksOf, scale } from "./scale.js";
import { follow, hidden, metric, setting, state } from "./state.js";
import { term, told } from "./terms.js";
import { noBest } from "./units.js";

/** @import { Ranking, Variant } from "./payload.d.ts" */
/** @import { Scale } from "./scale.js" */
/** @typedef {Variant & { place: number }} Placed */

const LINE = 19; // pixels between two labels of a diagram

/* Average ranks on a line; bars join those that the critical difference does not separate. */
/** @type {(ranking: Ranking, width: number, title: string) => Element} */
function rankDiagram(ranking, width, title) {
  const count = ranking.optimizers.length;
  const side = Math.max(...ranking.optimizers.map((name) => textWidth(`${name} 10.00`))) + 24;
  const isNarrow = side > width * 0.42;
  const x = isNarrow
    ? scale(1, Math.max(count, 2), 62, width - 14, false)
    : scale(1, Math.max(count, 2), side, width - side, false);
  const axis = 46;
  const bars = ranking.groups.map((group, i) => {
    const ranks = group.map((name) => ranking.average_ranks[ranking.optimizers.indexOf(name)]);
    const y = axis + 12 + i * 9;
    return draw("line", {
      class: "bar",
      x1: x(Math.min(...ranks)) - 4,
      x2: x(Math.max(...ranks)) + 4,
      y1: y,
      y2: y,
    });
  });
  const below = axis + 24 + ranking.groups.length * 9;
  const height = below + (isNarrow ? count * 2 : Math.ceil(count / 2)) * LINE + 8;
  const labels = ranking.optimizers.map((_, i) =>
    (isNarrow ? rankBelow : rankBeside)(ranking, i, x, axis, below),
  );
  const whole = Array.from({ length: Math.max(count, 2) }, (_, i) => i + 1).filter(
    (each) => count <= 15 || each % 2,
  );
  const marks = marksOf(x, String, whole).flatMap(({ at, words }) => [
    draw("line", { class: "tick", x1: at, x2: at, y1: axis - 5, y2: axis }),
    draw("text", { class: "number", x: at, y: axis - 9, "text-anchor": "middle" }, [words]),
  ]);
  return draw(
    "svg",
    { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": title },
    [
      draw("line", { class: "axis", x1: x(1), x2: x(Math.max(count, 2)), y1: axis, y2: axis }),
      ...marks,
      ...bars,
      ...labels,
      criticalDifference(ranking, x),
    ],
  );
}

/* An optimizer's name at the end of a stem that leads to its rank. */
/** @type {(ranking: Ranking, i: number, x: Scale, axis: number, below: number) => Element} */
function rankBeside(ranking, i, x, axis, below) {
  const count = ranking.optimizers.length;
  const left = i < Math.ceil(count / 2);
  const y = below + (left ? i : count - 1 - i) * LINE;
  const end = left ? x(x.low) - 10 : x(x.high) + 10;
  return rankMark(
    ranking,
    i,
    x(ranking.average_ranks[i]),
    axis,
    (at) => `M${at} ${axis}V${y}H${end}`,
    {
      x: left ? end - 5 : end + 5,
      y: y + 4,
      "text-anchor": left ? "end" : "start",
    },
  );
}

/* An optimizer's name on a line of its own, and its rank under it. */
/** @type {(ranking: Ranking, i: number, x: Scale, axis: number, below: number) => Element} */
function rankBelow(ranking, i, x, _axis, below) {
  const y = below + i * 2 * LINE;
  return rankMark(
    ranking,
    i,
    x(ranking.average_ranks[i]),
    y + LINE - 4,
    (at) => `M${x(x.low)} ${y + LINE - 4}H${at}`,
    { x: 0, y: y + 4 },
  );
}

/** @type {(ranking: Ranking, i: number, at: number, y: number, stem: (at: number) => string, place: Record<string, string | number>) => Element} */
function rankMark(ranking, i, at, y, stem, place) {
  const { optimizers } = payload;
  const optimizer =
    optimizers[optimizers.findIndex((each) => each.label === ranking.optimizers[i])];
  const rank = ranking.average_ranks[i].toFixed(2);
  return draw("g", {}, [
    inked("path", optimizer, { class: "stem", d: stem(at) }),
    inked("path", optimizer, { class: "dot", d: markerPath(optimizer, at, y, 4.5) }),
    draw("text", { class: "label", ...place }, [`${ranking.optimizers[i]}  ${rank}`]),
  ]);
}

/** @type {(ranking: Ranking, x: Scale) => Element} */
function criticalDifference(ranking, x) {
  const reach = Math.min(ranking.critical_difference, x.high - 1);
  const cut = reach < ranking.critical_difference;
  const [from, to] = [x(1), x(1 + reach)];
  return draw("g", {}, [
    draw("path", {
      class: "cd",
      d: `M${from} 8V16M${from} 12H${to}${cut ? "l-5 -4m5 4l-5 4" : `M${to} 8V16`}`,
    }),
    draw("text", { class: "number", x: from - 8, y: 16, "text-anchor": "end" }, [
      `CD ${ranking.critical_difference.toFixed(2)}`,
    ]),
  ]);
}

/** @type {(ranking: Ranking, blocks: string) => (string | Node)[]} */
function rankWords(ranking, blocks) {
  const clear = ranking.p <= 0.05;
  return [
    `${ranking.blocks} ${blocks}${ranking.blocks === 1 ? "" : "s"}. `,
    term("Friedman", "Friedman’s test"),
    ` p ${ranking.p < 0.001 ? "" : "= "}${pWords(ranking.p)}: `,
    clear ? "the optimizers are not all alike." : "no evidence that any differ, so all are joined.",
  ];
}

/** @type {(host: HTMLElement, wide: number) => void} */
function fillRanks(host, wide) {
  const width = Math.min(wide, 860);
  const { over_settings: overall, over_seeds: seeds } = metric().ranks;
  const here = seeds[state.problem];
  /** @type {Element[]} */
  const parts = [];
  /** @type {(title: string, ranking: Ranking, blocks: string) => number} */
  const add = (title, ranking, blocks) =>
    parts.push(
      make("h3", {}, [title]),
      make("p", {}, [
        term("average rank", "Average rank"),
        " by final ",
        metric().words,
        ", over ",
        ...rankWords(ranking, blocks),
      ]),
      rankDiagram(
        ranking,
        width,
        `${title}: ${ranking.optimizers.map((name, i) => `${name} ${ranking.average_ranks[i].toFixed(2)}`).join(", ")}`,
      ),
    );
  if (!width) return;
  if (overall && payload.settings.length > 1) add("Over all settings", overall, "setting");
  if (here) add(`Over the seeds of ${setting().problem}`, here, "seed");
  if (!parts.length)
    parts.push(make("p.empty", {}, [noBest() || "Ranks need two optimizers that share a seed."]));
  else
    parts.push(
      make("p.quiet", {}, [
        "CD is the ",
        term("critical difference"),
        "; optimizers joined by a bar cannot be told apart at 5 %. All optimizers with their chosen hyperparameters take part, hidden ones too. Seeds of one setting repeat one experiment: ranks over them speak of that setting alone.",
      ]),
    );
  host.replaceChildren(...parts);
}

/** @type {(host: HTMLElement) => void} */
function fillMatrix(host) {
  const off = hidden();
  const shown = setting()
    .variants.map((v, i) => ({ ...v, place: i }))
    .filter((v) => v.chosen && !off.has(v.optimizer));
  const found = metric().standings[state.score][state.problem];
  if (shown.length < 2 || !found.comparisons.a.length) return host.replaceChildren();
  /** @type {(row: Placed, column: Placed) => Node} */
  const cell = (row, column) => {
    if (row.place === column.place) return make("td.self");
    const one = comparison(found, row.place, column.place);
    if (!one) return make("td.quiet", {}, ["–"]);
    const words = `${row.label} against ${column.label}: wins ${one.wins} of ${one.pairs}, p = ${pWords(one.p_holm)}, exploratory`;
    return make("td.win", {}, [told(".bare", `${one.wins}/${one.pairs}`, words)]);
  };
  const head = make("tr", {}, [
    make("th"),
    ...shown.map((v) =>
      make("th", { scope: "col" }, [
        swatch(payload.optimizers[v.optimizer]),
        told(".bare.column", payload.optimizers[v.optimizer].label, v.label),
      ]),
    ),
  ]);
  const rows = shown.map((v) =>
    make("tr", {}, [
      make("th.left", { scope: "row" }, [swatch(payload.optimizers[v.optimizer]), v.label]),
      ...shown.map((w) => cell(v, w)),
    ]),
  );
  host.replaceChildren(
    make("h3", {}, ["Wins by seed"]),
    make("p", {}, [
      "Number of seeds in which the optimizer of the row beats that of the column, out of the seeds that both have. This is exploratory: ",
      term("verdict", "verdicts"),
      " stand at the top of the page.",
    ]),
    make("div.scroll", {}, [
      make("table.matrix", {}, [make("thead", {}, [head]), make("tbody", {}, rows)]),
    ]),
  );
}

export function ranksSection() {
  const diagrams = make("div", { id: "rank-diagrams" });
  const matrix = make("div", { id: "win-matrix" });
  byId("ranks-body").replaceChildren(diagrams, matrix);
  let width = diagrams.clientWidth;
  new ResizeObserver(() => {
    if (diagrams.clientWidth === width) return;
    width = diagrams.clientWidth;
    fillRanks(diagrams, width);
  }).observe(diagrams);
  follow(["problem", "metric"], () => fillRanks(diagrams, width));
  follow(["problem", "metric", "score", "off"], () => fillMatrix(matrix));
}
