// @ts-check
/* The axes of a chart: ticks, numbers, grid and titles. */

import { draw } from "./dom.js";
import { marksOf } from "./scale.js";

/** @import { Chart, Frame } from "./chart.js" */
/** @import { Mark, Scale } from "./scale.js" */

/** @type {(what: Chart, y: Scale) => Mark[]} */
export const yMarks = (what, y) => marksOf(y, what.y.tick ?? what.y.format, 5);

/* Both axes. A picture takes the place of the grid. */
/** @type {(what: Chart, x: Scale, y: Scale, frame: Frame) => Element[]} */
export function axes(what, x, y, frame) {
  const { left, right, top, bottom } = frame;
  const across = marksOf(x, what.x.format, what.x.ticks ?? Math.max(2, (right - left) / 95));
  return [
    ...across.flatMap(({ at, words }) => [
      draw("line", { class: "tick", x1: at, x2: at, y1: bottom, y2: bottom + 4 }),
      draw("text", { class: "number", x: at, y: bottom + 17, "text-anchor": "middle" }, [words]),
    ]),
    ...yMarks(what, y).flatMap(({ at, words }) => [
      what.picture
        ? draw("line", { class: "tick", x1: left - 4, x2: left, y1: at, y2: at })
        : draw("line", { class: "grid", x1: left, x2: right, y1: at, y2: at }),
      draw("text", { class: "number", x: left - 8, y: at + 4, "text-anchor": "end" }, [words]),
    ]),
    draw("line", { class: "axis", x1: left, x2: right, y1: bottom, y2: bottom }),
    title(what.x.words, x, `translate(${(left + right) / 2} ${bottom + 36})`),
    title(what.y.words, y, `translate(13 ${(top + bottom) / 2}) rotate(-90)`),
  ];
}

/** @type {(words: string, axis: Scale, transform: string) => Element} */
const title = (words, axis, transform) =>
  draw("text", { class: "words", transform, "text-anchor": "middle" }, [
    words && axis.log ? `${words}, log` : words,
  ]);
