// @ts-check
/* Tables of trials that are not done, of costs, and of the origin of the records. */

import { payload, rowsOf } from "./data.js";
import { byId, make, say } from "./dom.js";
import { compact, digits } from "./format.js";
import { nameColumn, numberColumn, withVariant } from "./leaderboard.js";
import { follow, hidden, state } from "./state.js";
import { copy, table } from "./table.js";
import { term, told } from "./terms.js";

/** @import { Row } from "./data.js" */
/** @import { Costs, Troubles, Variant } from "./payload.d.ts" */
/** @import { Column } from "./table.js" */
/** @typedef {Row<Troubles>} Trouble */
/** @typedef {Variant & Row<Costs>} Cost */

/* The number of evaluation trials, with the word for them where others were for tuning. */
/** @type {(word: string) => string} */
function evaluationWords(word) {
  const { trials, tuning_trials: tuning } = payload;
  return `${trials} ${tuning ? "evaluation " : ""}${word}${trials === 1 ? "" : "s"}`;
}

/** @type {(trials: number) => string} */
function doneWords(trials) {
  if (trials === 0) return "No trial is on record.";
  if (trials === 1) return "The only trial is done; it neither diverged nor failed.";
  return `All ${evaluationWords("trial")} are done; none diverged or failed.`;
}

export function troubleSection() {
  const rows = rowsOf(payload.troubles);
  const host = byId("trouble-body");
  if (!rows.length) return host.replaceChildren(make("p.empty", {}, [doneWords(payload.trials)]));
  const counts = Object.entries(Object.groupBy(rows, (row) => row.status)).map(
    ([status, own]) => `${own?.length ?? 0} ${status}`,
  );
  /** @type {(row: Trouble) => string} */
  const problem = (row) => payload.settings[row.setting].problem;
  /** @type {Column<Trouble>[]} */
  const columns = [
    {
      name: "status",
      head: term(["diverged", "failed", "skipped"], "status"),
      left: true,
      key: (row) => row.status,
      cell: (row) => row.status,
    },
    {
      name: "optimizer",
      head: term("variant", "optimizer"),
      left: true,
      key: (row) => row.label,
      cell: (row) => row.label,
    },
    { name: "problem", head: term("problem"), left: true, key: problem, cell: problem },
    { name: "seed", head: term("seed"), key: (row) => row.seed, cell: (row) => String(row.seed) },
    {
      name: "step",
      head: term("step"),
      key: (row) => row.step,
      cell: (row) => (row.step === null ? "–" : compact(row.step)),
    },
    { name: "reason", left: true, key: (row) => row.reason, cell: (row) => row.reason || "–" },
    {
      name: "folder",
      head: term("folder"),
      left: true,
      key: (row) => row.key,
      cell: (row) => row.key,
    },
  ];
  const shown = table("trouble", "trials that are not done", columns, rows);
  if (rows.length <= 12)
    return host.replaceChildren(
      make("p", {}, [`${counts.join(", ")} of ${payload.trials} trials.`]),
      shown,
    );
  host.replaceChildren(
    make("p", {}, [`${counts.join(", ")} of ${payload.trials} trials.`]),
    make("details", {}, [make("summary", {}, [`show all ${rows.length}`]), shown]),
  );
}

/** @type {(host: HTMLElement) => void} */
function fillCost(host) {
  const off = hidden();
  const rows = rowsOf(payload.costs[state.problem])
    .map(withVariant)
    .filter((row) => !off.has(row.optimizer) && (row.chosen || state.variants === "all"))
    .sort((a, b) => (a.step_ms ?? 0) - (b.step_ms ?? 0));
  if (!rows.length)
    return host.replaceChildren(
      make("p.empty", {}, ["No trial of the current selection is done."]),
    );
  const slowest = Math.max(...rows.map((row) => row.step_ms ?? 0));
  /** @type {(name: keyof Cost) => boolean} */
  const measured = (name) => rows.some((row) => row[name] !== null);
  /** @type {(row: Cost) => Node} */
  const step = (row) =>
    make("span.meter", {}, [
      make("span.track", {}, [
        make("span.fill", { style: `width:${((row.step_ms ?? 0) / slowest) * 100}%` }),
      ]),
      told(
        "",
        digits(row.step_ms, 3),
        `quartiles ${digits(row.step_ms_q25)} to ${digits(row.step_ms_q75)}`,
      ),
    ]);
  /** @type {Column<Cost>[]} */
  const columns = [
    nameColumn,
    {
      name: "ms per step",
      head: term("ms per step"),
      key: (row) => row.step_ms,
      cell: step,
      plain: (row) => digits(row.step_ms, 3),
      csv: {
        "ms per step": (row) => row.step_ms,
        "ms per step q25": (row) => row.step_ms_q25,
        "ms per step q75": (row) => row.step_ms_q75,
      },
    },
    ...(measured("optimizer_ms")
      ? [
          numberColumn("optimizer ms", "optimizer_ms", term("optimizer ms"), (each) =>
            digits(each, 3),
          ),
        ]
      : []),
    numberColumn("s per epoch", "epoch_seconds", term("s per epoch"), (each) => digits(each, 3)),
    ...(measured("state_bytes_per_parameter")
      ? [
          numberColumn("state bytes", "state_bytes_per_parameter", term("state bytes"), (each) =>
            digits(each, 3),
          ),
        ]
      : []),
    numberColumn("seeds", "seeds", term("seed", "seeds"), String),
    numberColumn("machines", "machines", term("machines"), String),
  ];
  const mixed = rows.some((row) => row.machines > 1);
  host.replaceChildren(
    table("cost", "cost", columns, rows),
    make("p.quiet", {}, [
      mixed
        ? "Some rows have trials from several kinds of machines; do not compare these times."
        : "Times depend on the machine and on its other work.",
    ]),
    payload.busy ? make("p.caution", {}, [payload.busy]) : "",
  );
}

export function costSection() {
  const host = byId("cost-body");
  follow(["problem", "variants", "off"], () => fillCost(host));
}

export function provenanceSection() {
  const text = payload.commands.join("\n");
  const button = make("button", { type: "button" }, ["Copy"]);
  button.addEventListener("click", async () => {
    await copy(text);
    say("copied the commands");
    button.textContent = "copied";
    setTimeout(() => (button.textContent = "Copy"), 1200);
  });
  const facts = payload.provenance.map(({ name, value: told, trials }) => [
    make("dt", {}, [name]),
    make("dd", {}, [
      told,
      trials < payload.trials
        ? make("span.quiet", {}, [`  ${trials} of ${payload.trials} trials`])
        : null,
    ]),
  ]);
  byId("provenance-body").replaceChildren(
    make("p", {}, [
      "Made of ",
      evaluationWords("record"),
      payload.tuning_trials
        ? ` and ${payload.tuning_trials} tuning record${payload.tuning_trials === 1 ? "" : "s"}`
        : "",
      ` of ${payload.studies.join(", ")}. Every number on this page was computed from them; the page itself only draws.`,
    ]),
    ...(text
      ? [
          make("h3", {}, ["To run it again"]),
          make("pre", { tabIndex: 0 }, [text]),
          make("p.copies", {}, [button]),
        ]
      : []),
    make("dl", {}, facts.flat()),
  );
}
