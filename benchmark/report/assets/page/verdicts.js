// @ts-check
/* The first screen: the verdicts of tuned studies, as a picture and in sentences. */

import { payload } from "./data.js";
import { byId, draw, goTo, make } from "./dom.js";
import { tidy } from "./format.js";
import { swatch } from "./look.js";
import { marksOf, padded, scale } from "./scale.js";
import { change } from "./state.js";
import { table } from "./table.js";
import { term } from "./terms.js";

/** @import { PairRow, StudyVerdicts, VerdictCell, VerdictPanel } from "./payload.d.ts" */
/** @import { Scale } from "./scale.js" */
/** @import { Column } from "./table.js" */

/** @type {Record<string, string>} */
const WORDS = { untuned: "no verdict" };
/** @type {(word: string) => string} */
const wordOf = (word) => WORDS[word] ?? word;

/* The mark of a word, the same in chips and on axes: no two words share a shape. */
/** @type {(word: string, x: number, y: number, r: number) => Element} */
function mark(word, x, y, r) {
  /** @type {Record<string, string>} */
  const paths = {
    better: `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0Z`,
    worse: `M${x - r * 0.9} ${y - r * 0.9}h${r * 1.8}v${r * 1.8}h${-r * 1.8}Z`,
    equivalent: `M${x} ${y - r * 1.25}L${x + r * 1.25} ${y}L${x} ${y + r * 1.25}L${x - r * 1.25} ${y}Z`,
    mixed: `M${x - r} ${y - r}L${x + r} ${y + r}V${y - r}L${x - r} ${y + r}Z`,
    undecided: `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0Z`,
    untuned: `M${x - r} ${y - r}L${x + r} ${y + r}M${x - r} ${y + r}L${x + r} ${y - r}`,
    reference: `M${x} ${y - r * 1.3}V${y + r * 1.3}`,
  };
  return draw("path", { class: "mark", d: paths[word] });
}

/** @type {(word: string) => Node} */
const chip = (word) =>
  make(`span.word.${word}`, {}, [
    draw("svg", { class: "glyph", viewBox: "0 0 14 14", "aria-hidden": "true" }, [
      mark(word, 7, 7, 4.5),
    ]),
    wordOf(word),
  ]);

/* A share as a number of percent, with a sign and at most two decimals. */
/** @type {(share: number) => string} */
function percent(share) {
  const rounded = Number((share * 100).toPrecision(3)).toFixed(2);
  const short = String(Number(rounded));
  return tidy(`${Number(rounded) > 0 ? "+" : ""}${short === "-0" ? "0" : short}`);
}

/** @type {(cell: VerdictCell) => string} */
function relativeWords({ relative, low, high }) {
  if (relative === null) return "";
  const ends = low === null || high === null ? "" : ` [${percent(low)}, ${percent(high)}]`;
  return `${percent(relative)}${ends} %`;
}

/* The shared axis of a problem, in per cent of its width. It holds the margin and all differences,
   but of long intervals only a part. */
/** @type {(panel: VerdictPanel) => Scale} */
function axisOf(panel) {
  const margin = panel.margin ?? 0;
  const centres = panel.cells.map((cell) => Math.abs(cell.relative ?? 0));
  const reach = 1.6 * Math.max(...centres, 2 * margin, 1e-4);
  const all = panel.cells.flatMap(({ low, relative, high }) =>
    [low, relative, high].filter((each) => each !== null),
  );
  const [least, most] = [Math.min(-margin, ...all), Math.max(margin, ...all)];
  const range = padded([Math.max(least, -reach), Math.min(most, reach)], false, 0.06);
  return scale(...range, 2, 98, false);
}

const HEIGHT = 26;
/** @type {(at: number) => string} */
const wide = (at) => `${at.toFixed(2)}%`;

/* An arrowhead where an interval is cut off at the end of the axis, at `at` percent of its width. */
/** @type {(at: number, middle: number, inward: 1 | -1) => Element} */
const arrow = (at, middle, inward) =>
  draw("svg", { x: wide(at), y: middle, overflow: "visible" }, [
    draw("path", { class: "cut", d: `M${8 * inward} -5L0 0L${8 * inward} 5` }),
  ]);

/* The difference of one optimizer with its interval, over the margin as a band. */
/** @type {(cell: VerdictCell, panel: VerdictPanel, x: Scale) => Element} */
function forest(cell, panel, x) {
  const middle = HEIGHT / 2;
  /** @type {(share: number) => number} */
  const inside = (share) => Math.min(Math.max(x(share), 0), 100);
  /** @type {Element[]} */
  const parts = [];
  if (panel.margin !== null) {
    const [from, to] = [inside(-panel.margin), inside(panel.margin)];
    const place = { x: wide(from), width: wide(to - from), y: 0, height: HEIGHT };
    parts.push(draw("rect", { class: "margin", ...place }));
  }
  /** @type {(name: string, from: number, to: number, y1: number, y2: number) => Element} */
  const line = (name, from, to, y1, y2) =>
    draw("line", { class: name, x1: wide(from), x2: wide(to), y1, y2 });
  parts.push(line("zero", x(0), x(0), 0, HEIGHT));
  if (cell.low !== null && cell.high !== null) {
    parts.push(line("interval", inside(cell.low), inside(cell.high), middle, middle));
    if (x(cell.low) < 0) parts.push(arrow(0, middle, 1));
    if (x(cell.high) > 100) parts.push(arrow(100, middle, -1));
  }
  /** @type {(word: string, share: number, size: number) => Element} */
  const marked = (word, share, size) =>
    draw("svg", { x: wide(inside(share)), y: middle, overflow: "visible" }, [
      mark(word, 0, 0, size),
    ]);
  if (cell.word === "reference") parts.push(marked("reference", 0, 6));
  else if (cell.relative !== null) parts.push(marked(cell.word, cell.relative, 5));
  const label = `${cell.label}: ${relativeWords(cell) || wordOf(cell.word)}`;
  return draw(
    "svg",
    { class: `forest ${cell.word}`, height: HEIGHT, role: "img", "aria-label": label },
    parts,
  );
}

/** @type {(x: Scale, better: string) => Element} */
function axis(x, better) {
  /** @type {(share: number) => string} */
  const format = (share) => (share === 0 ? "0" : `${percent(share)} %`);
  const counts = [4, 6, 8, 12].map((count) => marksOf(x, format, count));
  const found = counts.find((each) => each.length > 2) ?? counts[0];
  const marks = found.flatMap(({ at, words }) => [
    draw("line", { class: "tick", x1: wide(at), x2: wide(at), y1: 0, y2: 4 }),
    draw("text", { class: "number", x: wide(at), y: 16, "text-anchor": "middle" }, [words]),
  ]);
  const [left, right] = better === "left" ? ["← better", "worse →"] : ["← worse", "better →"];
  return draw("svg", { class: "scale", height: 34, "aria-hidden": "true" }, [
    draw("line", { class: "axis", x1: 0, x2: "100%", y1: 0, y2: 0 }),
    ...marks,
    draw("text", { class: "words", x: 0, y: 31 }, [left]),
    draw("text", { class: "words", x: "100%", y: 31, "text-anchor": "end" }, [right]),
  ]);
}

/** @type {(label: string, optimizer: number | null, own: boolean) => Node} */
const who = (label, optimizer, own) =>
  make(`span.who${own ? ".own" : ""}`, {}, [
    optimizer === null ? null : swatch(payload.optimizers[optimizer]),
    label,
  ]);

/** @type {(cell: VerdictCell, panel: VerdictPanel, x: Scale) => Node} */
function row(cell, panel, x) {
  const seeds = cell.numbers || `${cell.seeds} seed${cell.seeds === 1 ? "" : "s"}`;
  const others = cell.others.map(({ aspect, word }) => `${aspect}: ${word}`);
  return make(`li.contest.${cell.word}`, {}, [
    make("div.line", {}, [
      who(cell.label, cell.optimizer, cell.own),
      chip(cell.word),
      make("span.size", {}, [cell.relative === null ? "" : cell.difference]),
    ]),
    forest(cell, panel, x),
    make("p.how", {}, [[cell.tuned, seeds].join(" · ")]),
    cell.edge && !cell.reason.includes(cell.edge)
      ? make("p.how.edge", {}, [`edge: ${cell.edge}`])
      : null,
    cell.reason ? make("p.how.edge", {}, [cell.reason]) : null,
    others.length ? make("p.how", {}, [others.join(" · ")]) : null,
  ]);
}

/* Show the leaderboard of a problem. */
/** @type {(panel: VerdictPanel) => void} */
function show(panel) {
  if (panel.setting === null) return;
  change({ problem: panel.setting });
  goTo("leaderboard");
}

/** @type {(panel: VerdictPanel) => Node} */
function problemButton(panel) {
  const title = panel.title
    .split("/")
    .flatMap((part, i) => (i ? ["/", make("wbr"), part] : [part]));
  const disabled = panel.setting === null;
  const button = make("button.problem", { type: "button", disabled }, title);
  button.addEventListener("click", () => show(panel));
  return button;
}

/** @type {(panel: VerdictPanel, better: string) => Node} */
function panelOf(panel, better) {
  const x = axisOf(panel);
  const margin = panel.margin_words
    ? make("span.how", {}, [term("margin"), ` ${panel.margin_words}`])
    : null;
  const element = make("article.panel", {}, [
    make("div.line", {}, [make("h3", {}, [problemButton(panel)]), margin]),
    make(
      "ul.contests",
      {},
      panel.cells.map((cell) => row(cell, panel, x)),
    ),
    axis(x, better),
  ]);
  for (const picture of element.querySelectorAll("svg.forest"))
    picture.addEventListener("click", () => show(panel));
  return element;
}

/* A field of the picture: one optimizer on one problem. */
/** @type {(label: string, panel: VerdictPanel, x: Scale) => Node} */
function field(label, panel, x) {
  const cell = panel.cells.find((each) => each.label === label);
  if (!cell) return make("td");
  const size = cell.relative === null ? wordOf(cell.word) : `${percent(cell.relative)} %`;
  const words = [wordOf(cell.word), cell.relative === null ? "" : cell.difference, cell.reason];
  const title = `${label} on ${panel.title}: ${words.filter((each) => each).join("; ")}`;
  const element = make(`td.${cell.word}`, { title }, [
    forest(cell, panel, x),
    make("span.share", {}, [size]),
  ]);
  element.addEventListener("click", () => show(panel));
  return element;
}

/* The picture of all problems: a row for each optimizer, a column with an axis for each problem.
   A narrow screen shows the words over all problems alone. */
/** @type {(study: StudyVerdicts) => Node | null} */
function overallOf(study) {
  if (!study.overall.length) return null;
  const axes = study.panels.map(axisOf);
  const heads = study.panels.map((each) => make("th", { scope: "col" }, [problemButton(each)]));
  const rows = study.overall.map((each) =>
    make("tr.contest", {}, [
      make(`th.${each.word}`, { scope: "row" }, [
        make("div.line", {}, [who(each.label, each.optimizer, each.own), chip(each.word)]),
        make("p.how", {}, [each.counts]),
      ]),
      ...study.panels.map((panel, i) => field(each.label, panel, axes[i])),
    ]),
  );
  return make("article.panel.overall", {}, [
    make("h3", {}, [`Over all problems, against ${study.reference}`]),
    make("div.across", { tabIndex: 0, role: "group", "aria-label": "all problems" }, [
      make("table.contrasts", { style: `--problems: ${study.panels.length}` }, [
        make("thead", {}, [make("tr", {}, [make("td"), ...heads])]),
        make("tbody", {}, rows),
      ]),
    ]),
    make("p.how.key", {}, [
      `Differences in ${study.metric} from ${study.reference} with their intervals, in per cent of its mean; ${study.better} is better. Each column has an axis of its own; its band is the margin of equivalence.`,
    ]),
  ]);
}

/** @type {() => Column<PairRow>[]} */
const pairColumns = () => [
  { name: "problem", left: true, key: (row) => row.problem, cell: (row) => row.problem },
  { name: "pair", left: true, key: (row) => row.pair, cell: (row) => row.pair },
  {
    name: "difference",
    key: (row) => row.value,
    cell: (row) => row.difference,
    csv: { difference: (row) => row.difference },
  },
  { name: "word", left: true, key: (row) => row.word, cell: (row) => row.word },
  {
    name: "p, max-T",
    head: term("max-T", "p, max-T"),
    key: (row) => row.p_value,
    cell: (row) => row.p,
  },
];

/** @type {(study: StudyVerdicts) => Node | null} */
function pairsOf(study) {
  if (!study.pairs.length) return null;
  const caption = `all pairs of the optimizers of ${study.study}`;
  return make("details.pairs", {}, [
    make("summary", {}, ["All pairs of optimizers"]),
    make("p.quiet", {}, [study.pairs_note]),
    table(`pairs of ${study.study}`, caption, pairColumns(), [...study.pairs]),
  ]);
}

/** @type {(study: StudyVerdicts) => Node} */
function studyOf(study) {
  const title = payload.verdicts.length > 1 ? make("h3.study", {}, [study.study]) : null;
  return make("div.study", {}, [
    title,
    overallOf(study),
    make(
      "div.panels",
      {},
      study.panels.map((panel) => panelOf(panel, study.better)),
    ),
    make("p.quiet", {}, [
      `${study.convention} The reference is ${study.reference}. The axes show the difference as a share of the reference's mean, with its `,
      term("95 % interval"),
      ` over seeds; an arrow means that an interval goes on; the band is the `,
      term("margin"),
      `. `,
      term("verdict", "Verdicts"),
      ` were ${study.declared}. Everything else on this page is exploratory.`,
    ]),
    make(
      "ul.sentences",
      {},
      study.sentences.map(({ optimizer, words }) =>
        make("li", {}, [
          optimizer === null ? null : swatch(payload.optimizers[optimizer]),
          make("span", {}, [words]),
        ]),
      ),
    ),
    pairsOf(study),
  ]);
}

/* The first screen, if a study was tuned; otherwise a line that says why there is no verdict. */
export function verdictSection() {
  const parts = payload.verdicts.filter((study) => study.panels.length).map(studyOf);
  if (parts.length && payload.busy) parts.push(make("p.quiet", { id: "busy" }, [payload.busy]));
  if (payload.no_verdict) parts.push(make("p.caution", { id: "no-verdict" }, [payload.no_verdict]));
  byId("verdicts").hidden = !parts.length;
  byId("verdicts-body").replaceChildren(...parts);
}
