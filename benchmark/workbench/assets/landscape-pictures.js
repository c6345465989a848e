// @ts-check
/* The two pictures of "Optimizers in motion": a map of the paths, and a strip of loss over steps.

   `paths` has the numbers, `state` the choices, and `parts` the elements to draw on:
   root, map, strip, a tip for each picture, and the legend's marks. */
import { make } from "../../report/assets/page/dom.js";
import { marksOf, placeBeside } from "../../report/assets/page/scale.js";
import {
  arrow,
  cross,
  frameOf,
  line,
  marker,
  prepare,
  relief,
  ring,
  toPixels,
} from "./landscape-draw.js";

/** @import { Context, Frame, Point } from "./landscape-draw.js" */
/** @import { Path, Paths } from "./landscape-paths.js" */
/** @import { DrawnWalker, Payload, View } from "./landscape-payload.d.ts" */
/** @typedef {{ walker: number, step: number, strip?: boolean, quiet?: boolean }} Pointed */
/** @typedef {View & { scene: number, step: number, speed: number, off: Set<number>, pointed: Pointed | null }} State */
/** @typedef {{ root: HTMLElement, map: HTMLCanvasElement, strip: HTMLCanvasElement, tip: HTMLElement, stripTip: HTMLElement, marks: Element[] }} Parts */
/** @typedef {Record<"ink" | "quiet" | "paper" | "rim" | "low" | "high" | "line" | "font", string> & { isDark: boolean }} Colors */
/** @typedef {[walker: number, path: Path]} Curve */

/** @param {Payload} data @param {Paths} paths @param {State} state @param {Parts} parts */
export function landscapePictures(data, paths, state, { root, map, strip, tip, stripTip, marks }) {
  const { walkers, steps } = data;

  const visible = () => walkers.map((_, i) => i).filter((i) => !state.off.has(i));

  /** @type {() => Colors} */
  function look() {
    const style = getComputedStyle(root);
    /** @type {(name: string) => string} */
    const get = (name) => style.getPropertyValue(name).trim();
    return {
      ink: get("--ink"),
      quiet: get("--quiet"),
      paper: get("--paper"),
      rim: get("--line"),
      low: get("--low"),
      high: get("--high"),
      line: get("--contour"),
      isDark: get("--is-dark") === "1",
      font: `12px ${style.fontFamily}`,
    };
  }

  /** @type {(walker: DrawnWalker, colors: Colors) => string} */
  const colorOf = (walker, colors) =>
    colors.isDark ? walker.style.color_on_dark : walker.style.color;

  function mapFrame() {
    const side = map.clientWidth - 38;
    const { window } = paths.current().scene;
    return frameOf(34, 4, side, map.clientHeight - 28, window);
  }

  /** @type {(curves: Curve[]) => Frame} */
  function stripFrame(curves) {
    /** @type {Frame["window"]} */
    const window = [0, steps, ...decades(curves)];
    return frameOf(50, 20, strip.clientWidth - 60, strip.clientHeight - 44, window);
  }

  /* The step at a position on the strip. */
  /** @type {(px: number) => number} */
  function stepAt(px) {
    const { left, width } = stripFrame([]);
    return Math.max(0, Math.min(steps, Math.round(((px - left) / width) * steps)));
  }

  function draw() {
    if (!paths.shown || map.clientWidth < 80) return; // there is no layout yet, or the section is hidden
    const colors = look();
    for (const [i, walker] of walkers.entries()) {
      marks[i].setAttribute("fill", colorOf(walker, colors));
    }
    drawMap(colors);
    drawStrip(colors);
  }

  /** @type {(colors: Colors) => void} */
  function drawMap(colors) {
    const { place, heights, scene } = paths.current();
    const context = prepare(map);
    const frame = mapFrame();
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [Math.round(frame.width * ratio), Math.round(frame.height * ratio)];
    const key = [place, width, height, colors.low, colors.high, colors.line].join();
    const picture = relief(key, heights, scene.relief_size, width, height, colors);
    context.drawImage(picture, frame.left, frame.top, frame.width, frame.height);
    drawAxes(context, frame, colors);
    context.save();
    context.beginPath();
    context.rect(frame.left, frame.top, frame.width, frame.height);
    context.clip();
    for (const [x, y] of scene.minima) {
      cross(context, ...toPixels(frame, x, y), 5, colors.ink, 1.5);
    }
    const [startX, startY] = scene.starts[state.start];
    const begin = toPixels(frame, startX, startY);
    ring(context, ...begin, 5, colors.ink);
    const order = visible().filter((i) => i !== state.pointed?.walker);
    if (state.pointed && !state.off.has(state.pointed.walker)) order.push(state.pointed.walker);
    for (const i of order) drawPath(context, frame, i, colors);
    for (const i of order) drawWalker(context, frame, i, colors);
    context.restore();
    drawTip(tip, frame, false);
  }

  /** @type {(context: Context, frame: Frame, colors: Colors) => void} */
  function drawAxes(context, frame, colors) {
    const { x, y } = frame;
    context.font = colors.font;
    context.fillStyle = colors.quiet;
    context.textAlign = "center";
    context.textBaseline = "top";
    for (const { at, words } of marksOf(x, paths.plain, 6)) {
      const inside = Math.min(at, frame.left + frame.width - 8);
      context.fillText(words, inside, frame.top + frame.height + 7);
    }
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const { at, words } of marksOf(y, paths.plain, 6)) {
      const inside = Math.min(Math.max(at, frame.top + 6), frame.top + frame.height - 6);
      context.fillText(words, frame.left - 6, inside);
    }
  }

  /** @type {(frame: Frame, path: Path) => Point[]} */
  function pixelsOf(frame, path) {
    const last = Math.min(state.step, path.diverged - 1);
    return Array.from({ length: last + 1 }, (_, k) => {
      const { x, y } = paths.at(path, k);
      return toPixels(frame, x, y);
    });
  }

  /** @type {(context: Context, frame: Frame, i: number, colors: Colors) => void} */
  function drawPath(context, frame, i, colors) {
    const path = paths.pathOf(i, state);
    if (!path) return;
    const walker = walkers[i];
    line(context, pixelsOf(frame, path), colorOf(walker, colors), walker.style.dash, colors.paper);
  }

  /** @type {(context: Context, frame: Frame, i: number, colors: Colors) => void} */
  function drawWalker(context, frame, i, colors) {
    const path = paths.pathOf(i, state);
    if (!path) return;
    const walker = walkers[i];
    const color = colorOf(walker, colors);
    const last = Math.min(state.step, path.diverged - 1);
    const { x, y } = paths.at(path, last);
    let [px, py] = toPixels(frame, x, y);
    if (paths.isOutside({ x, y })) {
      [px, py] = arrow(context, frame, px, py, color, colors.paper);
    } else {
      const size = state.pointed?.walker === i ? 9 : 6.5;
      marker(context, walker.style.marker, px, py, size, color, colors.paper);
    }
    if (path.diverged <= state.step) {
      cross(context, px, py, 8, colors.paper, 5);
      cross(context, px, py, 8, color, 2.5);
    }
  }

  /* Select the step of a visible path that is nearest to the pointer. */
  /** @type {(event: PointerEvent) => void} */
  function point(event) {
    const frame = mapFrame();
    let nearest = 24 ** 2;
    let found = null;
    for (const i of visible()) {
      const path = paths.pathOf(i, state);
      if (!path) continue;
      pixelsOf(frame, path).forEach(([px, py], step) => {
        const distance = (px - event.offsetX) ** 2 + (py - event.offsetY) ** 2;
        if (distance <= nearest) [nearest, found] = [distance, { walker: i, step }];
      });
    }
    state.pointed = found;
    draw();
  }

  /* Select the curve that is nearest above or below the pointer. */
  /** @type {(px: number, py: number) => void} */
  function pointStrip(px, py) {
    if (!paths.shown) return;
    const step = stepAt(px);
    const frame = stripFrame(curves());
    const found = curves()
      .filter(([, path]) => step < path.diverged)
      .map(([walker, path]) => {
        const [, height] = toPixels(frame, step, Math.log10(paths.at(path, step).gap));
        return { walker, step, strip: true, distance: Math.abs(height - py) };
      })
      .sort((a, b) => a.distance - b.distance);
    state.pointed = found[0] ?? null;
    draw();
  }

  /** @type {() => Curve[]} */
  const curves = () =>
    visible().flatMap((i) => {
      const path = paths.pathOf(i, state);
      return path ? [/** @type {Curve} */ ([i, path])] : [];
    });

  /* Show a tip for the step under the pointer, on the map or on the strip. */
  /** @type {(box: HTMLElement, frame: Frame, isStrip: boolean) => void} */
  function drawTip(box, frame, isStrip) {
    const { pointed } = state;
    const isHere = pointed && !pointed.quiet && Boolean(pointed.strip) === isStrip;
    const path = isHere && paths.pathOf(pointed.walker, state);
    box.hidden = !path;
    if (!path) return;
    const { walker, step } = pointed;
    const here = paths.at(path, step);
    const lines = [
      walkers[walker].label,
      `step ${step}`,
      `x ${paths.coordinate(here, here.x)}, y ${paths.coordinate(here, here.y)}`,
      `loss ${paths.loss(here)}`,
      `lr ${paths.rate(walker, path)}`,
    ];
    box.replaceChildren(...lines.map((words) => make("div", {}, [words])));
    const [px, py] = isStrip
      ? toPixels(frame, step, Math.log10(here.gap))
      : toPixels(frame, here.x, here.y);
    const bottom = frame.top + frame.height + 24 - box.offsetHeight;
    placeBeside(
      box,
      px,
      Math.max(0, Math.min(py - 20, bottom)),
      frame,
      (isStrip ? strip : map).clientWidth,
    );
  }

  /** @type {(colors: Colors) => void} */
  function drawStrip(colors) {
    const context = prepare(strip);
    const shown = curves();
    const frame = stripFrame(shown);
    drawStripAxes(context, frame, colors);
    context.save();
    context.beginPath();
    context.rect(frame.left, frame.top - 6, frame.width + 8, frame.height + 12);
    context.clip();
    shown.sort(
      ([i], [j]) => Number(i === state.pointed?.walker) - Number(j === state.pointed?.walker),
    );
    for (const [i, path] of shown) {
      const last = Math.min(steps, path.diverged - 1);
      const curve = Array.from({ length: last + 1 }, (_, k) =>
        toPixels(frame, k, Math.log10(paths.at(path, k).gap)),
      );
      const color = colorOf(walkers[i], colors);
      line(context, curve, color, walkers[i].style.dash, colors.paper);
      if (last < steps) cross(context, ...curve[last], 5, color);
      const here = Math.min(state.step, last);
      marker(context, walkers[i].style.marker, ...curve[here], 5, color, colors.paper);
    }
    context.restore();
    drawTip(stripTip, frame, true);
  }

  /* Whole decades that contain the curves, but little above the start if a path explodes. */
  /** @type {(curves: Curve[]) => [number, number]} */
  function decades(curves) {
    let [low, high, first] = [Infinity, -Infinity, -Infinity];
    for (const [, path] of curves) {
      first = Math.max(first, Math.log10(paths.at(path, 0).gap));
      for (let k = 0; k <= Math.min(steps, path.diverged - 1); k++) {
        const value = Math.log10(paths.at(path, k).gap);
        low = Math.min(low, value);
        high = Math.max(high, value);
      }
    }
    if (!curves.length) return [-1, 0];
    return [Math.floor(low), Math.max(Math.ceil(Math.min(high, first + 1.5)), Math.floor(low) + 1)];
  }

  /** @type {(context: Context, frame: Frame, colors: Colors) => void} */
  function drawStripAxes(context, frame, colors) {
    const { x, y } = frame;
    context.font = colors.font;
    context.strokeStyle = colors.rim;
    context.fillStyle = colors.quiet;
    context.lineWidth = 1;
    context.textAlign = "left";
    context.textBaseline = "top";
    context.fillText("loss − lowest loss, against step", 4, 0);
    context.textAlign = "right";
    context.textBaseline = "middle";
    const every = Math.max(1, Math.ceil((y.high - y.low) / (frame.height / 22)));
    const powers = [];
    for (let power = y.low; power <= y.high; power += every) powers.push(power);
    /** @type {(power: number) => string} */
    const decade = (power) => (power === 0 ? "1" : `1e${paths.plain(power)}`);
    for (const { at, words } of marksOf(y, decade, powers)) {
      context.strokeRect(frame.left, Math.round(at) + 0.5, frame.width, 0);
      context.fillText(words, frame.left - 6, at);
    }
    context.textBaseline = "top";
    for (const { number, at, words } of marksOf(x, String, Math.min(6, frame.width / 60))) {
      const isLast = at > frame.left + frame.width - 16;
      context.textAlign = isLast ? "right" : number === 0 ? "left" : "center";
      context.fillText(words, at, frame.top + frame.height + 6);
    }
    const [now] = toPixels(frame, state.step, y.low);
    context.strokeStyle = colors.quiet;
    context.strokeRect(Math.round(now) + 0.5, frame.top, 0, frame.height);
  }

  return { draw, point, pointStrip, stepAt, visible };
}
