// @ts-check
/* A chart in SVG, with bands, lines with markers, crosses, end labels, perhaps on a picture, and a
   read-out under the pointer or the arrow keys. Colours come from the style sheet, so dark mode and
   print need no code. */

import { axes, yMarks } from "./axes.js";
import { become, draw, make } from "./dom.js";
import { endLabels, placedLabels } from "./labels.js";
import { textWidth } from "./look.js";
import { band, cross, line, whiskers } from "./marks.js";
import { readOut } from "./readout.js";
import { extent, padded, scale } from "./scale.js";

/** @import { Drawn } from "./look.js" */
/** @import { Row } from "./readout.js" */
/** @import { Numbers, Range, Scale } from "./scale.js" */
/**
 * An axis, without title if it has no `words`. Without `range` it spans the drawn values. `tick`
 * formats its numbers, otherwise `format` does. `best` is the sort order of a read-out.
 *
 * @typedef {{
 *   log: boolean, words: string, format: (number: number) => string,
 *   range?: Range, pad?: number, ticks?: number[],
 *   tick?: (number: number) => string, best?: "high" | "low",
 * }} Axis
 */
/**
 * A series in the look of one optimizer. `low` and `high` are a band, or whiskers if all
 * points are `marked`; `step` draws a staircase; a read-out shows `read`, otherwise `y`, and `more`.
 * `size` is that of a marker or ring in pixels. Flags:
 *
 * - `faint`, `thin`: no label and no markers.
 * - `silent`: no label and no read-out; if also `marked`, markers without a line.
 * - `bare`: no markers.
 * - `loose`: the axes need not span it.
 * - `ringed`: only a ring around each point, and silent.
 *
 * @typedef {{
 *   name: string, optimizer: Drawn, x: Numbers, y: Numbers, low?: Numbers, high?: Numbers,
 *   read?: Numbers, more?: (place: number) => string,
 *   faint?: boolean, thin?: boolean, loose?: boolean, step?: boolean, marked?: boolean,
 *   ringed?: boolean, silent?: boolean, bare?: boolean, size?: number,
 * }} Series
 */
/** @typedef {{ optimizer: Drawn, x: number, y: number | null, words: string, size?: number }} Cross */
/**
 * A chart. Its `height` follows from its width unless it is given. `rule` is the place of a
 * vertical line, and `picture` makes a picture under the lines, which a `haloed` chart sets off from
 * it and from each other. A chart that is a `plane` has a square frame and no read-out by arrow
 * keys. With `tell`, the pointer reads only the nearest point: its series and these lines. `point` is called with the point that the pointer reads, `grab` with
 * the place on the horizontal axis to which it is dragged. As long as `still` is the same, a redraw
 * is cheap enough for every frame of an animation: it keeps axes, labels and picture, and moves only
 * the rule, and the series and crosses that are other objects than before. Such series have the same
 * number, order and kind of marks.
 *
 * @typedef {{
 *   label: string, x: Axis, y: Axis, series: Series[], crosses?: Cross[],
 *   flat?: boolean, height?: number, plane?: boolean, unlabelled?: boolean, haloed?: boolean, rule?: number,
 *   picture?: (width: number, height: number) => HTMLCanvasElement,
 *   tell?: (series: Series, place: number) => string[],
 *   point?: (row: Row | null) => void, grab?: (at: number) => void, still?: unknown,
 * }} Chart
 */
/** @typedef {Chart | { empty: string }} Description A chart, or the reason why there is none. */
/** @typedef {{ left: number, right: number, top: number, bottom: number }} Frame */
/** @typedef {{ what: Chart, width: number, height: number, frame: Frame, x: Scale, y: Scale, labels: Series[] }} Laid A chart with its places in pixels. */
/** @typedef {{ under: Element[], over: Element[] }} Marks The marks of a series, under and over the lines of others. */
/** @typedef {{ laid: Laid, marks: Marks[], crosses: Element, rule: Element[], all: Element[] }} Content */

const ROOM = { top: 12, bottom: 42, left: 58, right: 14 };
const BARE_ROOM = 24; // below the frame, without a title
const TITLE = 32; // room for the vertical title, and padding on both sides of the numbers
const PADDING = 12; // the same without a title
const CROWD = 5; // number of series from which on bands are fainter

/* Draw the chart that `describe()` returns in `host`; return a function that redraws it. */
/** @type {(host: HTMLElement, describe: () => Description) => () => void} */
export function chart(host, describe) {
  host.classList.add("chart");
  const svg = draw("svg", { role: "img" });
  const box = make("div.readout", { hidden: true });
  const reading = readOut(svg, box);
  let width = 0;
  /** @type {Content | null} */
  let shown = null;
  const redraw = () => {
    width ||= host.clientWidth; // measured once, because each access makes the browser lay out the page
    if (!width) return;
    const what = describe();
    if (!("series" in what)) {
      reading.hide();
      shown = null;
      return fill(host, [make("p.empty", {}, [what.empty])]);
    }
    if (shown && isStill(shown.laid, what, width)) {
      move(shown, what);
      return reading.show(shown.laid);
    }
    const laid = layOut(what, width);
    const { frame, height } = laid;
    shown = content(laid, `clip-${host.id}`);
    svg.replaceChildren(...shown.all, reading.rule);
    const attributes = { width, height, viewBox: `0 0 ${width} ${height}` };
    for (const [name, value] of Object.entries(attributes)) svg.setAttribute(name, String(value));
    svg.setAttribute("aria-label", what.label);
    if (!what.plane) svg.setAttribute("tabindex", "0");
    svg.classList.toggle("crowded", firm(what).length > CROWD);
    svg.classList.toggle("haloed", Boolean(what.haloed));
    fill(host, [...(what.picture ? [pictureIn(frame, what.picture)] : []), svg, box]);
    reading.show(laid);
  };
  new ResizeObserver(() => {
    if (host.clientWidth === width) return;
    width = host.clientWidth;
    redraw();
  }).observe(host);
  return redraw;
}

/* Give an element its children, and leave it alone if it has them: an element that is moved loses
   focus and pointer. */
/** @type {(host: Element, children: Element[]) => void} */
function fill(host, children) {
  const known = [...host.children];
  if (children.length !== known.length || children.some((child, i) => child !== known[i]))
    host.replaceChildren(...children);
}

/* The series that extend the axes. */
/** @type {(what: Chart) => Series[]} */
function firm({ series }) {
  const found = series.filter((each) => !each.loose);
  return found.length ? found : series;
}

/** @type {(axis: Axis, drawn: Numbers[], pad?: number) => Range} */
const rangeOf = (axis, drawn, pad) =>
  axis.range ?? padded(extent(drawn, axis.log), axis.log, pad ?? axis.pad);

/** @type {(what: Chart, width: number) => Laid} */
function layOut(what, width) {
  const labels = width > 640 && !what.unlabelled ? endLabels(what.series) : [];
  const longest = Math.max(0, ...labels.map((each) => textWidth(each.name)));
  const side = labels.length ? Math.min(16 + longest, width * 0.3) : ROOM.right;
  const [xs, ys] = rangesOf(what);
  // The numbers of the vertical axis do not depend on its height.
  const numbers = yMarks(what, scale(...ys, 1, 0, what.y.log)).map(({ words }) => textWidth(words));
  const room = Math.max(0, ...numbers);
  const left = what.y.words ? Math.max(ROOM.left, TITLE + room) : PADDING + room;
  const below = what.x.words ? ROOM.bottom : BARE_ROOM;
  const usual = Math.round(Math.min(440, Math.max(280, width * 0.46)) * (what.flat ? 0.75 : 1));
  const right = width - side;
  const height = what.plane ? ROOM.top + right - left + below : (what.height ?? usual);
  const frame = { left, right, top: ROOM.top, bottom: height - below };
  const x = scale(...xs, left, right, what.x.log);
  const y = scale(...ys, frame.bottom, frame.top, what.y.log);
  return { what, width, height, frame, x, y, labels };
}

/** @type {(what: Chart) => [x: Range, y: Range]} */
function rangesOf(what) {
  const drawn = firm(what);
  const heights = drawn.flatMap((each) => [each.y, each.low ?? [], each.high ?? []]);
  return [
    rangeOf(
      what.x,
      drawn.map((each) => each.x),
      what.x.pad ?? 0,
    ),
    rangeOf(what.y, heights),
  ];
}

/** @type {(laid: Laid, clip: string) => Content} */
function content(laid, clip) {
  const { what, frame, x, y, labels } = laid;
  const margin = what.picture ? 0 : 6; // a line may lie on the rim
  const inside = draw("g", { "clip-path": `url(#${clip})` });
  const marks = what.series.map((each) => marksFor(laid, each));
  const layers = [...marks.keys()].sort((i, j) => isOwn(what.series[i]) - isOwn(what.series[j]));
  for (const i of layers) inside.append(...marks[i].under);
  for (const i of layers) inside.append(...marks[i].over);
  const crosses = draw("g", {}, crossesOf(laid));
  inside.append(crosses);
  const rule = ruleOf(laid);
  const all = [
    draw("clipPath", { id: clip }, [
      draw("rect", {
        x: frame.left - margin,
        y: frame.top - margin,
        width: frame.right - frame.left + 2 * margin,
        height: frame.bottom - frame.top + 1.5 * margin,
      }),
    ]),
    ...axes(what, x, y, frame),
    ...rule,
    inside,
    ...placedLabels(labels, x, y, frame),
  ];
  return { laid, marks, crosses, rule, all };
}

/* Whether only marks have moved since a chart was drawn. */
/** @type {(laid: Laid, what: Chart, width: number) => boolean} */
const isStill = (laid, what, width) =>
  what.still !== undefined && what.still === laid.what.still && width === laid.width;

/* Move the marks of a chart whose axes stay to where `what` has them. */
/** @type {(shown: Content, what: Chart) => void} */
function move(shown, what) {
  const before = shown.laid.what;
  shown.laid = { ...shown.laid, what };
  what.series.forEach((each, i) => {
    if (each === before.series[i]) return;
    const { under, over } = marksFor(shown.laid, each);
    become([...shown.marks[i].under, ...shown.marks[i].over], [...under, ...over]);
  });
  if (what.crosses !== before.crosses) shown.crosses.replaceChildren(...crossesOf(shown.laid));
  become(shown.rule, ruleOf(shown.laid));
}

/** @type {(laid: Laid, each: Series) => Marks} */
const marksFor = ({ what, x, y }, each) => ({
  under: each.low ? [(each.marked ? whiskers : band)(each, x, y)] : [],
  over: line(each, x, y, Boolean(what.haloed)),
});

/** @type {(laid: Laid) => Element[]} */
const crossesOf = ({ what, frame, x, y }) =>
  (what.crosses ?? []).flatMap((each) => cross(each, x, y, frame, Boolean(what.haloed)));

/** @type {(laid: Laid) => Element[]} */
function ruleOf({ what, frame, x }) {
  if (what.rule === undefined) return [];
  const at = x(what.rule);
  return [draw("line", { class: "rule", x1: at, x2: at, y1: frame.top, y2: frame.bottom })];
}

/* The reader's own optimizers are drawn over the others. */
/** @type {(series: Series) => number} */
const isOwn = (series) => Number(Boolean(series.optimizer.own));

/** @type {(frame: Frame, picture: (width: number, height: number) => HTMLCanvasElement) => Element} */
function pictureIn({ left, right, top, bottom }, picture) {
  const [width, height] = [right - left, bottom - top];
  const canvas = picture(width, height);
  canvas.className = "picture";
  const place = { left, top, width, height };
  for (const [name, value] of Object.entries(place)) canvas.style.setProperty(name, `${value}px`);
  return canvas;
}
