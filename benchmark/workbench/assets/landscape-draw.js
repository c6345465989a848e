// @ts-check
/* Drawing for "Optimizers in motion". The only state is a cache of reliefs.
   A frame maps a window of the data, [x0, x1, y0, y1], to pixels. */

import { scale } from "../../report/assets/page/scale.js";

/** @import { Scale } from "../../report/assets/page/scale.js" */
/** @typedef {CanvasRenderingContext2D} Context */
/** @typedef {[x: number, y: number]} Point */
/** @typedef {[x0: number, x1: number, y0: number, y1: number]} Window */
/** @typedef {{ left: number, top: number, right: number, bottom: number, width: number, height: number, window: Window, x: Scale, y: Scale }} Frame */

const BANDS = 14;
/** @type {Map<string, HTMLCanvasElement>} */
const reliefs = new Map();

/* Size a canvas for the screen's pixels; return its context, in CSS pixels. */
/** @type {(canvas: HTMLCanvasElement) => CanvasRenderingContext2D} */
export function prepare(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const { clientWidth: width, clientHeight: height } = canvas;
  const [columns, rows] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== columns) canvas.width = columns;
  if (canvas.height !== rows) canvas.height = rows;
  const context = contextOf(canvas);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

/** @type {(canvas: HTMLCanvasElement) => Context} */
const contextOf = (canvas) => /** @type {Context} */ (canvas.getContext("2d"));

/* A frame of `width` and `height` pixels that shows `window` of the data. */
/** @type {(left: number, top: number, width: number, height: number, window: Window) => Frame} */
export function frameOf(left, top, width, height, window) {
  const [x0, x1, y0, y1] = window;
  const [right, bottom] = [left + width, top + height];
  const x = scale(x0, x1, left, right, false);
  const y = scale(y0, y1, bottom, top, false);
  return { left, top, right, bottom, width, height, window, x, y };
}

/** @type {(frame: Frame, x: number, y: number) => Point} */
export const toPixels = (frame, x, y) => [frame.x(x), frame.y(y)];

/** @type {(color: string) => number[]} */
function rgb(color) {
  const number = parseInt(color.trim().slice(1), 16);
  return [number >> 16, (number >> 8) & 255, number & 255];
}

/* A picture of the heights in shaded bands with lines in between, drawn once and then copied. */
/** @type {(key: string, heights: Float32Array, size: [number, number], width: number, height: number, colors: { low: string, high: string, line: string }) => HTMLCanvasElement} */
export function relief(key, heights, [rows, columns], width, height, colors) {
  const known = reliefs.get(key);
  if (known) return known;
  const picture = document.createElement("canvas");
  [picture.width, picture.height] = [width, height];
  const context = contextOf(picture);
  const image = context.createImageData(width, height);
  const [low, high, line] = [colors.low, colors.high, colors.line].map(rgb);
  /** @type {(px: number, py: number) => number} */
  const band = (px, py) => {
    const x = (px / (width - 1)) * (columns - 1);
    const y = (1 - py / (height - 1)) * (rows - 1);
    const column = Math.min(Math.floor(x), columns - 2);
    const row = Math.min(Math.floor(y), rows - 2);
    const at = row * columns + column;
    const [u, v] = [x - column, y - row];
    const lower = heights[at] * (1 - u) + heights[at + 1] * u;
    const upper = heights[at + columns] * (1 - u) + heights[at + columns + 1] * u;
    return Math.min(Math.floor((lower * (1 - v) + upper * v) * BANDS), BANDS - 1);
  };
  let above = new Uint8Array(width + 1);
  for (let px = 0; px <= width; px++) above[px] = band(px, 0);
  for (let py = 0; py < height; py++) {
    const below = new Uint8Array(width + 1);
    for (let px = 0; px <= width; px++) below[px] = band(px, py + 1);
    for (let px = 0; px < width; px++) {
      const isEdge = above[px] !== above[px + 1] || above[px] !== below[px];
      const share = above[px] / (BANDS - 1);
      const at = 4 * (py * width + px);
      for (let i = 0; i < 3; i++) {
        const shade = low[i] + (high[i] - low[i]) * share;
        image.data[at + i] = isEdge ? (shade + line[i]) / 2 : shade;
      }
      image.data[at + 3] = 255;
    }
    above = below;
  }
  context.putImageData(image, 0, 0);
  if (reliefs.size > 12) reliefs.clear();
  reliefs.set(key, picture);
  return picture;
}

/** @type {(context: Context, corners: Point[], x: number, y: number, size: number) => void} */
function outline(context, corners, x, y, size) {
  context.beginPath();
  for (const [dx, dy] of corners) context.lineTo(x + dx * size, y - dy * size);
  context.closePath();
}

/** @type {(context: Context, corners: Point[], x: number, y: number, size: number, color: string, halo: string) => void} */
export function marker(context, corners, x, y, size, color, halo) {
  outline(context, corners, x, y, size);
  context.setLineDash([]);
  context.lineJoin = "round";
  context.lineWidth = 3;
  context.strokeStyle = halo;
  context.stroke();
  context.fillStyle = color;
  context.fill();
}

/** @type {(context: Context, points: Point[], color: string, dash: number[], halo: string) => void} */
export function line(context, points, color, dash, halo) {
  context.beginPath();
  for (const [x, y] of points) context.lineTo(x, y);
  context.lineJoin = "round";
  context.setLineDash([]);
  context.lineWidth = 3.5;
  context.strokeStyle = halo;
  context.globalAlpha = 0.55;
  context.stroke();
  context.globalAlpha = 1;
  context.setLineDash(dash);
  context.lineWidth = 1.7;
  context.strokeStyle = color;
  context.stroke();
  context.setLineDash([]);
}

/** @type {(context: Context, x: number, y: number, size: number, color: string, width?: number) => void} */
export function cross(context, x, y, size, color, width = 2) {
  context.beginPath();
  for (const turn of [1, -1]) {
    context.moveTo(x - size, y - turn * size);
    context.lineTo(x + size, y + turn * size);
  }
  context.lineWidth = width;
  context.strokeStyle = color;
  context.stroke();
}

/** @type {(context: Context, x: number, y: number, radius: number, color: string) => void} */
export function ring(context, x, y, radius, color) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.lineWidth = 1.5;
  context.strokeStyle = color;
  context.stroke();
}

/* Draw an arrow head at the frame's edge that points to (x, y), which is outside. */
/** @type {(context: Context, frame: Frame, x: number, y: number, color: string, halo: string) => Point} */
export function arrow(context, frame, x, y, color, halo) {
  const [middleX, middleY] = [frame.left + frame.width / 2, frame.top + frame.height / 2];
  const [dx, dy] = [x - middleX, y - middleY];
  const inset = 9;
  const reach = Math.min(
    (frame.width / 2 - inset) / Math.max(Math.abs(dx), 1e-9),
    (frame.height / 2 - inset) / Math.max(Math.abs(dy), 1e-9),
  );
  const angle = Math.atan2(dy, dx);
  /** @type {Point[]} */
  const head = [0, 2.5, -2.5].map((turn) => [Math.cos(angle + turn), -Math.sin(angle + turn)]);
  marker(context, head, middleX + dx * reach, middleY + dy * reach, 8, color, halo);
  return [middleX + dx * reach, middleY + dy * reach];
}
