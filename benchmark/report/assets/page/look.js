// @ts-check
/* The looks of optimizers: colour, dash and marker from the payload. */

import { payload } from "./data.js";
import { draw } from "./dom.js";

/** @import { Children } from "./dom.js" */

/* An element in the colour of an optimizer. */
/** @template {"path" | "text"} Tag @param {Tag} tag @param {number} optimizer @param {Record<string, string | number>} [attributes] @param {Children} [children] */
export function inked(tag, optimizer, attributes = {}, children = []) {
  const { color, color_on_dark: dark } = payload.optimizers[optimizer].style;
  return draw(tag, { ...attributes, style: `--light:${color};--dark:${dark}` }, children);
}

/** @type {(optimizer: number, x: number, y: number, size: number) => string} */
export function markerPath(optimizer, x, y, size) {
  const corners = payload.optimizers[optimizer].style.marker;
  return `M${corners.map(([a, b]) => `${(x + a * size).toFixed(1)} ${(y - b * size).toFixed(1)}`).join("L")}Z`;
}

/* The width of a chart's text in pixels. */
export const textWidth = (() => {
  const context = /** @type {CanvasRenderingContext2D} */ (
    document.createElement("canvas").getContext("2d")
  );
  context.font = `12.5px ${getComputedStyle(document.body).fontFamily}`;
  /** @type {(text: string) => number} */
  return (text) => context.measureText(text).width;
})();

/* The colour, dash and marker of an optimizer, for legends and tables. */
/** @type {(optimizer: number) => SVGElement} */
export function swatch(optimizer) {
  const dash = payload.optimizers[optimizer].style.dash.join(" ");
  return draw("svg", { class: "swatch", viewBox: "0 0 26 14", "aria-hidden": "true" }, [
    inked("path", optimizer, { class: "line", d: "M1 7H25", "stroke-dasharray": dash }),
    inked("path", optimizer, { class: "dot", d: markerPath(optimizer, 13, 7, 5) }),
  ]);
}
