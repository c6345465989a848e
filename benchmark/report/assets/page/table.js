// @ts-check
/* Tables that can be sorted, and copied as CSV, Markdown or LaTeX. */

import { make, say } from "./dom.js";

/** @import { Children } from "./dom.js" */
/** @typedef {string | number | boolean | null | undefined} Key */
/**
 * A column of rows: `cell(row)` is its content, `key(row)` the sort key, `plain(row)` the text of a
 * copy, `csv` the columns of a CSV by name (without it the CSV has `key(row)`). A `hidden` column
 * appears only in copies.
 *
 * @template Row
 * @typedef {{
 *   name: string, id?: string, head?: Node | string, cell: (row: Row) => Children,
 *   key?: (row: Row) => Key, plain?: (row: Row) => string,
 *   csv?: Record<string, (row: Row) => unknown>, left?: boolean, hidden?: boolean,
 * }} Column
 */
/** @typedef {{ by: string | null, up: boolean, all: boolean }} Kept The reader's choices for a table. */

const FOLD = 30; // rows; a button shows the others

/** @type {(column: { name: string, id?: string }) => string} */
const idOf = (column) => column.id ?? column.name;
const keptOf = (() => {
  /** @type {Map<string, Kept>} */
  const known = new Map();
  /** @type {(id: string) => Kept} */
  return (id) => {
    const kept = known.get(id) ?? { by: null, up: true, all: false };
    known.set(id, kept);
    return kept;
  };
})();

/* A table of `rows`. A table that is made again with the same `id` keeps its sorting and folding. */
/** @template Row @param {string} id @param {string} caption @param {Column<Row>[]} columns @param {Row[]} rows @returns {HTMLElement} */
export function table(id, caption, columns, rows) {
  const kept = keptOf(id);
  const seen = columns.filter((column) => !column.hidden);
  const body = make("tbody");
  const heads = seen.map((column) => head(column));
  const isLong = () => !kept.all && rows.length > FOLD + 5;
  const element = make("table", {}, [
    make("caption.visually-hidden", {}, [caption]),
    make("thead", {}, [make("tr", {}, heads)]),
    body,
  ]);

  function fill() {
    heads.forEach((cell, i) => {
      if (idOf(seen[i]) === kept.by)
        cell.setAttribute("aria-sort", kept.up ? "ascending" : "descending");
      else cell.removeAttribute("aria-sort");
    });
    body.replaceChildren(
      ...ordered()
        .slice(0, isLong() ? FOLD : Infinity)
        .map(rowOf),
    );
  }

  function unfoldButton() {
    const button = make("button.link", { type: "button" }, [`Show all ${rows.length}`]);
    button.addEventListener("click", () => {
      kept.all = true;
      fill();
      button.remove();
    });
    return button;
  }

  /** @type {(column: Column<Row>) => HTMLElement} */
  function head(column) {
    const cell = make(`th${column.left ? ".left" : ""}`, { scope: "col" }, [
      column.head ?? column.name,
    ]);
    if (!column.key) return cell;
    const button = make("button.sort", { type: "button", "aria-label": `sort by ${column.name}` });
    button.addEventListener("click", () => sort(column));
    cell.append(button);
    return cell;
  }

  /** @type {(column: Column<Row>) => void} */
  function sort(column) {
    Object.assign(kept, { by: idOf(column), up: kept.by === idOf(column) ? !kept.up : true });
    fill();
  }

  function ordered() {
    const key = seen.find((column) => idOf(column) === kept.by)?.key;
    if (!key) return rows;
    /** @type {(each: unknown) => boolean} */
    const isAbsent = (each) => each === null || each === undefined;
    return [...rows].sort((a, b) => {
      const [p, q] = [key(a), key(b)];
      if (isAbsent(p) || isAbsent(q)) return Number(isAbsent(p)) - Number(isAbsent(q));
      const areNumbers = typeof p === "number" && typeof q === "number";
      const order = areNumbers ? p - q : String(p).localeCompare(String(q));
      return kept.up ? order : -order;
    });
  }

  /** @type {(row: Row) => HTMLElement} */
  const rowOf = (row) =>
    make(
      "tr",
      {},
      seen.map((column) => {
        const shown = column.cell(row);
        return make(`td${column.left ? ".left" : ""}`, {}, Array.isArray(shown) ? shown : [shown]);
      }),
    );

  fill();
  return make("div.table", {}, [
    make("div.scroll", {}, [element]),
    isLong() ? unfoldButton() : null,
    copyButtons(columns, ordered),
  ]);
}

/** @template Row @param {Column<Row>[]} columns @param {() => Row[]} rows @returns {HTMLElement} */
function copyButtons(columns, rows) {
  const formats = { CSV: asCsv, Markdown: asMarkdown, LaTeX: asLatex };
  const buttons = Object.entries(formats).map(([name, write]) => {
    const button = make("button", { type: "button" }, [name]);
    button.addEventListener("click", async () => {
      await copy(write(columns, rows()));
      say(`copied ${rows().length} rows as ${name}`);
      button.textContent = "copied";
      setTimeout(() => (button.textContent = name), 1200);
    });
    return button;
  });
  return make("p.copies", {}, ["Copy as ", ...buttons]);
}

/** @type {(text: string) => Promise<void>} */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = make("textarea", { value: text });
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

/** @template Row @param {Column<Row>} column @param {Row} row @returns {string} */
const plainOf = (column, row) => (column.plain ? column.plain(row) : String(column.cell(row)));

/** @template Row @param {Column<Row>[]} columns @param {Row[]} rows @returns {string} */
export function asCsv(columns, rows) {
  /** @type {(text: string) => string} */
  const quoted = (text) =>
    /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  // A spreadsheet takes such a text for a formula unless it begins with an apostrophe.
  /** @type {(each: unknown) => string} */
  const tame = (each) =>
    typeof each === "string" && /^\s*[=+\-@]/.test(each) ? `'${each}` : String(each ?? "");
  const parts = columns.flatMap((column) =>
    Object.entries(column.csv ?? { [column.name]: column.key ?? (() => "") }),
  );
  const lines = rows.map((row) => parts.map(([, value_]) => quoted(tame(value_(row)))).join(","));
  return `${[parts.map(([name]) => quoted(name)).join(","), ...lines].join("\n")}\n`;
}

/* The same as markdown_text.as_text in Python. */
/** @type {(text: string) => string} */
export function markdownText(text) {
  return text
    .replace(/([\\`*[\]|~$#!])/g, "\\$1")
    .replace(/(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu, "\\_")
    .replace(/^(?=[-+](?:\s|$)|=+\s*$|-\s*-)/, "\\")
    .replace(/^(\d{1,9})([.)])(?=\s|$)/, "$1\\$2")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replace(/(?<=[A-Za-z]):(?=\/\/)|(?<=\bwww)\.|(?<=\bmailto):/gi, "\\$&");
}

/** @template Row @param {Column<Row>[]} columns @param {Row[]} rows @returns {string} */
function asMarkdown(columns, rows) {
  const safe = markdownText;
  /** @type {(texts: string[]) => string} */
  const line = (texts) => `| ${texts.map(safe).join(" | ")} |`;
  const rule = `|${columns.map((column) => (column.left ? ":--" : "--:")).join("|")}|`;
  const lines = rows.map((row) => line(columns.map((column) => plainOf(column, row))));
  return `${[line(columns.map((column) => column.name)), rule, ...lines].join("\n")}\n`;
}

/** @template Row @param {Column<Row>[]} columns @param {Row[]} rows @returns {string} */
function asLatex(columns, rows) {
  /** @type {Record<string, string>} */
  const special = { "−": "$-$", "±": "$\\pm$", "★": "$\\star$", "–": "--", "<": "$<$", ">": "$>$" };
  /** @type {(text: string) => string} */
  const safe = (text) =>
    text
      .replace(/[\\{}%&#_$^~]/g, (sign) =>
        /[\\^~]/.test(sign) ? `\\char\`\\${sign} ` : `\\${sign}`,
      )
      .replace(/[−±★–<>]/g, (sign) => special[sign])
      .replace(/[[*]/g, "{$&}"); // after \\\\ they would start its optional argument
  /** @type {(texts: string[]) => string} */
  const line = (texts) => `${texts.map(safe).join(" & ")} \\\\`;
  const lines = rows.map((row) => line(columns.map((column) => plainOf(column, row))));
  const kinds = columns.map((column) => (column.left ? "l" : "r")).join("");
  const head = line(columns.map((column) => column.name));
  return [
    `\\begin{tabular}{${kinds}}`,
    "\\toprule",
    head,
    "\\midrule",
    ...lines,
    "\\bottomrule",
    "\\end{tabular}",
    "",
  ].join("\n");
}
