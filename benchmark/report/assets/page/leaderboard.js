// @ts-check
/* The sections "In short" and "Leaderboard". */

import { CHOICES } from "./choices.js";
import { choose } from "./controls.js";
import { payload, remembered, rowsOf } from "./data.js";
import { byId, goTo, make } from "./dom.js";
import { pWords, tidy } from "./format.js";
import { swatch } from "./look.js";
import { change, follow, hidden, metric, setting, state } from "./state.js";
import { table } from "./table.js";
import { term, told } from "./terms.js";
import { noBest, unit, value } from "./units.js";

/** @import { Row } from "./data.js" */
/** @import { Children } from "./dom.js" */
/** @import { Known } from "./format.js" */
/** @import { Board, Comparisons, Standing, Variant } from "./payload.d.ts" */
/** @import { Column } from "./table.js" */
/** @typedef {Row<Comparisons>} Compared */
/** @typedef {{ optimizer: number, label: string, hyperparameters: string }} Named */
/** @typedef {{ optimizer: number } | { variant: number }} Owned A row of an optimizer or of a variant. */
/** @typedef {Variant & Row<Board> & { reference: boolean, against: Compared | null }} Place */

export function fillHeadline() {
  const cards = payload.headlines.flatMap((headline, place) => {
    if (!headline) return [];
    const { claim, evidence } = headline;
    const { winners, variants } = payload.settings[place];
    const go = make("button.link", { type: "button" }, ["Show this problem"]);
    go.addEventListener("click", () => {
      change({ problem: place });
      goTo("leaderboard");
    });
    return make("article.card", {}, [
      make("p.claim", {}, [
        ...winners.map((winner) => swatch(payload.optimizers[variants[winner].optimizer])),
        claim,
      ]),
      evidence.length
        ? make(
            "ul",
            {},
            evidence.map((words) => make("li", {}, [words])),
          )
        : null,
      payload.settings.length > 1 ? go : null,
    ]);
  });
  const none = make("p.empty", {}, [
    "There is no record yet. Run trials, then build this page again.",
  ]);
  const words = make("p.quiet", {}, [
    "Each optimizer with its ",
    term("chosen hyperparameters"),
    "; differences with their ",
    term("95 % interval"),
    ", exploratory.",
  ]);
  byId("headline").hidden = !cards.length && payload.settings.length > 0;
  byId("headline-body").replaceChildren(...(cards.length ? [...cards, words] : [none]));
}

/** @type {(columns: Comparisons) => Map<string, Compared>} */
const comparisonsByPair = remembered((columns) => {
  const found = new Map();
  for (const row of rowsOf(columns)) {
    found.set(`${row.a} ${row.b}`, row);
    found.set(`${row.b} ${row.a}`, turned(row));
  }
  return found;
});

/* The comparison of `a` with `b`, reversed if the payload has that of `b` with `a`. */
/** @type {(standing: Standing, a: number, b: number) => Compared | null} */
export const comparison = (standing, a, b) =>
  comparisonsByPair(standing.comparisons).get(`${a} ${b}`) ?? null;

/** @type {(row: Compared) => Compared} */
function turned(row) {
  /** @type {(number: number | null) => number | null} */
  const minus = (number) => (number === null ? null : -number);
  return {
    ...row,
    a: row.b,
    b: row.a,
    wins: row.pairs - row.wins - row.ties,
    effect: minus(row.effect),
    difference: minus(row.difference),
    low: minus(row.high),
    high: minus(row.low),
  };
}

/* The index of the chosen variant that the others are compared with. */
/** @type {() => number | null} */
function referenceVariant() {
  const wanted = payload.reference ?? state.against;
  const found = setting().variants.findIndex(
    (each) => each.chosen && payload.optimizers[each.optimizer].label === wanted,
  );
  return found >= 0 ? found : payload.reference ? null : (setting().winners[0] ?? null);
}

const standing = () => metric().standings[state.score][state.problem];

/** @type {(reference: number | null) => Place[]} */
function leaderboardRows(reference) {
  const off = hidden();
  return rowsOf(standing().board)
    .map(withVariant)
    .filter((row) => !off.has(row.optimizer) && (row.chosen || state.variants === "all"))
    .map((row) => ({
      ...row,
      reference: row.variant === reference,
      against: reference === null ? null : comparison(standing(), row.variant, reference),
    }));
}

/** @type {(row: Named) => (Node | null)[]} */
function nameCell(row) {
  return [
    swatch(payload.optimizers[row.optimizer]),
    told(".bare.name", row.label, row.hyperparameters),
  ];
}

/* A row extended by its variant, or by its optimizer only. */
/** @template {{ variant: number }} Each @param {Each} row @returns {Variant & Each} */
export const withVariant = (row) => ({
  ...setting().variants[row.variant],
  ...row,
});
/** @template {{ optimizer: number }} Each @param {Each} row @returns {Each & Named} */
export const withOptimizer = (row) => ({
  ...row,
  label: payload.optimizers[row.optimizer].label,
  hyperparameters: "",
});

/* The rows of the shown variants, by optimizer. */
/** @template {Owned} Each @param {Each[]} rows @returns {Map<number, Each[]>} */
export function byOptimizer(rows) {
  const off = hidden();
  /** @type {(row: Owned) => number} */
  const optimizerOf = (row) =>
    "optimizer" in row ? row.optimizer : setting().variants[row.variant].optimizer;
  const shown = rows.filter((row) => !off.has(optimizerOf(row)));
  return Map.groupBy(shown, optimizerOf);
}

/** @type {Column<Named>} */
export const nameColumn = {
  name: "optimizer",
  left: true,
  key: (row) => row.label,
  cell: nameCell,
  get head() {
    return term("variant", "optimizer");
  },
  plain: (row) => row.label,
};

/** @template {string} Key @template {Known} [Value=Known] @param {string} name @param {Key} key @param {Node} [head] @param {(number: Value) => string} [format] @returns {Column<Record<Key, Value>>} */
export function numberColumn(name, key, head, format = value) {
  return { name, head, key: (row) => row[key], cell: (row) => format(row[key]) };
}

/** @type {Record<string, (row: { low: number | null, high: number | null }) => number | null>} */
export const ends = { low: (row) => row.low, high: (row) => row.high };
/** @type {(low: number | null, high: number | null) => string} */
const interval = (low, high) => (low === null ? "–" : `${value(low)} to ${value(high)}`);

/** @type {() => Column<Place>[]} */
function leaderboardColumns() {
  /** @type {(row: Place, name: keyof Compared) => number | null} */
  const against = (row, name) => row.against?.[name] ?? null;
  return [
    nameColumn,
    numberColumn("mean", "mean", term("mean")),
    {
      name: "95 % interval",
      head: term("95 % interval"),
      cell: (row) => interval(row.low, row.high),
      csv: ends,
    },
    numberColumn("median", "median", term("median")),
    { ...numberColumn("std", "std"), hidden: true },
    { name: "seeds done", head: term("seed", "seeds"), key: (row) => row.seeds, cell: seedsCell },
    {
      name: "diverged",
      hidden: true,
      key: (row) => row.diverged,
      cell: (row) => String(row.diverged),
    },
    {
      name: "difference",
      head: term("difference"),
      key: (row) => against(row, "difference"),
      cell: differenceCell,
      plain: (row) => signed(against(row, "difference")),
      csv: {
        difference: (row) => against(row, "difference"),
        "difference low": (row) => against(row, "low"),
        "difference high": (row) => against(row, "high"),
      },
    },
    {
      name: "wins",
      head: term("wins"),
      key: (row) => against(row, "wins"),
      cell: (row) => (row.against ? `${row.against.wins} of ${row.against.pairs}` : "–"),
      csv: { wins: (row) => against(row, "wins"), pairs: (row) => against(row, "pairs") },
    },
    {
      name: "effect",
      hidden: true,
      key: (row) => against(row, "effect"),
      cell: (row) => signed(against(row, "effect"), (each) => each.toFixed(2)),
    },
    {
      name: "p",
      head: term("p"),
      key: (row) => against(row, "p_holm"),
      cell: (row) => pWords(against(row, "p_holm")),
    },
    ...(isTuned()
      ? [
          {
            name: "tuning",
            left: true,
            key: (/** @type {Place} */ row) => tunedWords(row.optimizer),
            cell: (/** @type {Place} */ row) => tunedWords(row.optimizer),
          },
        ]
      : []),
  ];
}

const isTuned = () => payload.searches[state.problem].searches.length > 0;

/* How an optimizer was tuned on the shown problem, in the words of its verdict. */
/** @type {(optimizer: number) => string} */
function tunedWords(optimizer) {
  const cells = payload.verdicts
    .flatMap((study) => study.panels)
    .filter((panel) => panel.setting === state.problem)
    .flatMap((panel) => panel.cells);
  return cells.find((cell) => cell.optimizer === optimizer)?.how ?? "as given";
}

/** @type {(row: Place) => string} */
const seedsCell = (row) =>
  row.diverged ? `${row.seeds}, ${row.diverged} diverged` : String(row.seeds);

/** @type {(number: number | null, format?: (number: number) => string) => string} */
const signed = (number, format = value) =>
  number === null ? "–" : (number > 0 ? "+" : "") + tidy(format(number));

/** @type {(row: Place) => string | Node} */
function differenceCell(row) {
  if (row.reference) return make("span.quiet", {}, ["reference"]);
  if (!row.against) return "–";
  const { difference, low, high } = row.against;
  return told(
    "",
    signed(difference),
    low === null ? "" : `95 % interval ${signed(low)} to ${signed(high)}`,
  );
}

/** @type {(host: HTMLElement) => void} */
function fillLeaderboard(host) {
  const reference = referenceVariant();
  const rows = leaderboardRows(reference);
  if (!rows.length)
    return host.replaceChildren(
      make("p.empty", {}, [
        "Nothing to show: no trial of the current selection is done or diverged.",
      ]),
    );
  const caption = `${metric().words}, ${CHOICES.score[state.score]}, on ${setting().problem}`;
  host.replaceChildren(
    table("leaderboard", caption, leaderboardColumns(), rows),
    make("p.quiet", {}, leaderboardNote(rows, reference)),
  );
}

/** @type {(rows: Place[], reference: number | null) => Children} */
function leaderboardNote(rows, reference) {
  const { words } = unit();
  const all = words ? ["All values in ", words === "nats" ? term("nats") : words, ". "] : [];
  const way = metric().higher_is_better ? "Higher is better. " : "Lower is better. ";
  const apart = seedsWords(rows.map((row) => row.seeds + row.diverged));
  const copies = [" Copies have ", term("std"), " and ", term("effect"), " too."];
  if (noBest()) return [...all, noBest(), apart, ...copies];
  if (reference === null)
    return [...all, way, "There is no ", term("reference"), " to compare with.", apart, ...copies];
  const size = standing().comparisons.a.length;
  const family = payload.reference
    ? `with the reference named beforehand, ${size} in this setting`
    : `of all pairs of optimizers, ${size} in this setting`;
  return [
    ...all,
    way,
    "Exploratory: compared with ",
    term("reference", setting().variants[reference].label),
    `, on paired seeds; p is corrected for the comparisons ${family}`,
    ". ",
    term("verdict", "Verdicts"),
    " stand at the top of the page.",
    state.variants === "all"
      ? " Only the chosen hyperparameters of each optimizer are compared."
      : "",
    apart,
    ...copies,
  ];
}

/** @type {(counts: number[]) => string} */
function seedsWords(counts) {
  const some = counts.filter((count) => count > 0);
  const [low, high] = [Math.min(...some), Math.max(...some)];
  if (!some.length || low === high) return "";
  return ` Rows rest on ${low} to ${high} seeds: their means may differ by the seeds alone.`;
}

export function leaderboardSection() {
  const host = make("div", { id: "leaderboard-table" });
  const labels = payload.optimizers.map((each) => each.label);
  const everyone = {
    "": "the lowest loss",
    ...Object.fromEntries(labels.map((label) => [label, label])),
  };
  const only = payload.reference && { [payload.reference]: payload.reference };
  byId("leaderboard-body").replaceChildren(
    make("div.bar", {}, [
      choose("score", term(Object.values(CHOICES.score), "Score"), CHOICES.score),
      choose("against", term("reference", "Compared with"), only || everyone),
    ]),
    host,
  );
  follow(["problem", "metric", "variants", "score", "off", "against"], () => fillLeaderboard(host));
}
