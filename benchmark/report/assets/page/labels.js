// @ts-check
/* Labels at the ends of a chart's lines. */

import { inked, textWidth } from "./look.js";

/** @import { Frame, Series } from "./chart.js" */
/** @import { Numbers, Scale } from "./scale.js" */
/** @typedef {{ each: Series, from: number, at: number }} Label */

/* The series that get a label at their end: the main ones, if they are few enough to read. */
/** @type {(series: Series[]) => Series[]} */
export function endLabels(series) {
  const named = series.filter(
    (each) => !each.faint && !each.thin && !each.ringed && !each.silent && each.x.length,
  );
  return named.length <= 14 ? named : [];
}

/* End labels: at the last point of a line that ends early, otherwise at the right edge. Labels that
   would overlap are moved apart. */
/** @type {(series: Series[], x: Scale, y: Scale, frame: Frame) => Element[]} */
export function placedLabels(series, x, y, frame) {
  const late = frame.right - (frame.right - frame.left) * 0.15;
  const lines = series
    .map((each) => ({ each, last: lastPlace(each.y, y.log) }))
    .filter(({ last }) => last >= 0)
    .map(({ each, last }) => ({
      each,
      from: x(each.x[last]),
      at: Math.max(frame.top, y(each.y[last])),
    }))
    .filter(({ from }) => Number.isFinite(from))
    .map((line) => ({ ...line, from: (line.from > late ? frame.right : line.from) + 9 }));
  for (const column of overlapping(lines)) {
    spread(
      column.sort((a, b) => a.at - b.at),
      frame.top + 4,
      frame.bottom - 2,
      15,
    );
  }
  return lines.map(({ each, from, at }) =>
    inked("text", each.optimizer, { class: "end", x: from, y: at + 4 }, [each.name]),
  );
}

/* Groups of labels such that labels of different groups cannot overlap. */
/** @type {(lines: Label[]) => Label[][]} */
function overlapping(lines) {
  /** @type {Label[][]} */
  const groups = [];
  let end = -Infinity;
  for (const line of [...lines].sort((a, b) => a.from - b.from)) {
    if (line.from > end) groups.push([]);
    groups[groups.length - 1].push(line);
    end = Math.max(end, line.from + textWidth(line.each.name));
  }
  return groups;
}

/* The index of the last number that can be drawn, −1 if there is none. */
/** @type {(numbers: Numbers, log: boolean) => number} */
const lastPlace = (numbers, log) =>
  numbers.findLastIndex((number) => Number.isFinite(number) && !(log && number <= 0));

/* Move labels apart until neighbours have a distance of `gap`, inside [top, bottom]. */
/** @type {(lines: Label[], top: number, bottom: number, gap: number) => void} */
function spread(lines, top, bottom, gap) {
  let at = top - gap;
  for (const each of lines) at = each.at = Math.max(each.at, at + gap);
  at = bottom + gap;
  for (const each of [...lines].reverse()) at = each.at = Math.min(each.at, at - gap);
}
