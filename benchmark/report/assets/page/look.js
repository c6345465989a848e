// @ts-check
/* Looks: the colour, dash and marker of an optimizer or of anything else in a chart. */

import { draw } from "./dom.js";

/** @import { Children } from "./dom.js" */
/** @import { Style } from "./payload.d.ts" */
/** @typedef {{ style: Style, own?: boolean }} Drawn An optimizer, or anything else with a look. */

/* An element in the colour of an optimizer. */
/** @template {"path" | "text"} Tag @param {Tag} tag @param {Drawn} optimizer @param {Record<string, string | number>} [attributes] @param {Children} [children] */
export function inked(tag, { style }, attributes = {}, children = []) {
  const colors = `--light:${style.color};--dark:${style.color_on_dark}`;
  return draw(tag, { ...attributes, style: colors }, children);
}

/** @type {(optimizer: Drawn, x: number, y: number, size: number) => string} */
export function markerPath({ style }, x, y, size) {
  return `M${style.marker.map(([a, b]) => `${(x + a * size).toFixed(1)} ${(y - b * size).toFixed(1)}`).join("L")}Z`;
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
/** @type {(optimizer: Drawn) => SVGElement} */
export function swatch(optimizer) {
  const dash = optimizer.style.dash.join(" ");
  return draw("svg", { class: "swatch", viewBox: "0 0 26 14", "aria-hidden": "true" }, [
    inked("path", optimizer, { class: "line", d: "M1 7H25", "stroke-dasharray": dash }),
    inked("path", optimizer, { class: "dot", d: markerPath(optimizer, 13, 7, 5) }),
  ]);
}
