// @ts-check
/* The two charts of "Optimizers in motion": a map of the paths, and the loss over steps.

   `paths` has the numbers, `state` the choices, and `hosts` the elements to draw in. */
import { chart } from "../../report/assets/page/chart.js";
import { compact } from "../../report/assets/page/format.js";
import { relief } from "./landscape-relief.js";

/** @import { Axis, Cross, Description, Series } from "../../report/assets/page/chart.js" */
/** @import { Drawn } from "../../report/assets/page/look.js" */
/** @import { Row } from "../../report/assets/page/readout.js" */
/** @import { Range } from "../../report/assets/page/scale.js" */
/** @import { Here, Path, Paths } from "./landscape-paths.js" */
/** @import { DrawnWalker, Payload, Style, View } from "./landscape-payload.d.ts" */
/** @typedef {View & { scene: number, step: number, speed: number, off: Set<number>, pointed: number | null }} State */
/** @typedef {{ root: HTMLElement, map: HTMLElement, strip: HTMLElement }} Hosts */
/** @typedef {{ walker: DrawnWalker, path: Path, isPointed: boolean, x: number[], y: number[], gap: number[] }} Curve A path in all its steps. */
/** @typedef {{ key: string, curves: Curve[], spots: Series[], losses: Series[], crosses: Cross[], decades: Range }} Still What a step does not change. */

const RIM = 0.96; // share of half the window at which arrows to points outside it are drawn

/** @type {(marker: Style["marker"]) => Drawn} */
const landmark = (marker) => ({
  style: { color: "var(--ink)", color_on_dark: "var(--ink)", marker, dash: [] },
});
const START = landmark([]);
const MINIMUM = landmark(
  [0, 90, 180, 270].flatMap((turn) =>
    [-1, 1].flatMap((side) => [
      turned(1, turn + 45 + 9 * side),
      turned(0.22, turn + 45 + 45 * side),
    ]),
  ),
);

/** @type {(radius: number, degrees: number) => [number, number]} */
function turned(radius, degrees) {
  const angle = (degrees * Math.PI) / 180;
  return [radius * Math.cos(angle), radius * Math.sin(angle)];
}

/** @param {Payload} data @param {Paths} paths @param {State} state @param {Hosts} hosts @param {(step: number) => void} goTo */
export function landscapePictures(data, paths, state, { root, map, strip }, goTo) {
  const { walkers, steps } = data;
  /** @type {Drawn[]} */
  const drawn = walkers;
  const redraws = [chart(map, describeMap), chart(strip, describeStrip)];
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  /** @type {Still | null} */
  let known = null;

  function draw() {
    for (const redraw of redraws) redraw();
  }

  /* The curves that are not switched off; the one pointed at comes last, over the others. */
  /** @type {() => Curve[]} */
  const curves = () =>
    walkers
      .flatMap((walker, i) => {
        const path = state.off.has(i) ? null : paths.pathOf(i, state);
        return path ? [{ walker, path, isPointed: i === state.pointed, ...placesOf(path) }] : [];
      })
      .sort((a, b) => Number(a.isPointed) - Number(b.isPointed));

  /* What stays while the step changes. */
  /** @type {() => Still} */
  function still() {
    const { place, scene } = paths.current();
    const { start, lr, noisy, off, pointed } = state;
    const key = [place, start, lr, noisy, pointed, dark.matches, devicePixelRatio, ...off].join();
    if (known?.key === key) return known;
    const shown = curves();
    known = {
      key,
      curves: shown,
      spots: [
        ...scene.minima.map((at) => spot("minimum", MINIMUM, at, 6.5)),
        { ...spot("start", START, scene.starts[start], 5), ringed: true },
      ],
      losses: shown.map(lossOf),
      crosses: shown.flatMap(endOf),
      decades: decades(shown.map(({ gap }) => gap)),
    };
    return known;
  }

  /** @type {(path: Path, step: number) => number} */
  const lastStep = (path, step) => Math.min(step, path.diverged - 1);

  /** @type {(path: Path) => { x: number[], y: number[], gap: number[] }} */
  function placesOf(path) {
    const places = Array.from({ length: lastStep(path, steps) + 1 }, (_, k) => paths.at(path, k));
    return {
      x: places.map(({ x }) => x),
      y: places.map(({ y }) => y),
      gap: places.map(({ gap }) => gap),
    };
  }

  /** @type {(walker: number | null) => void} */
  function point(walker) {
    if (walker === state.pointed) return;
    state.pointed = walker;
    draw();
  }

  /** @type {(row: Row | null) => void} */
  const pointAt = (row) => point(row && drawn.indexOf(row.each.optimizer));

  /* The lines of a read-out for a step of a path. */
  /** @type {(series: Series, step: number) => string[]} */
  function tell({ optimizer }, step) {
    const walker = drawn.indexOf(optimizer);
    const path = paths.pathOf(walker, state);
    if (!path) return [];
    const here = paths.at(path, step);
    return [
      `step ${step}`,
      `x ${paths.coordinate(here, here.x)}, y ${paths.coordinate(here, here.y)}`,
      `loss ${paths.loss(here)}`,
      `lr ${paths.rate(walker, path)}`,
    ];
  }

  /* ---- the map ---- */

  /** @type {() => Description} */
  function describeMap() {
    const { place, heights, scene } = paths.current();
    const kept = still();
    const [x0, x1, y0, y1] = scene.window;
    const counted = paths.counted(walkers.length - state.off.size, "optimizer");
    return {
      label: `${scene.title} from above, with the paths of ${counted}; the table has their numbers`,
      plane: true,
      unlabelled: true,
      haloed: true,
      x: sideOf([x0, x1]),
      y: sideOf([y0, y1]),
      series: [...kept.spots, ...kept.curves.map(trailOf), ...kept.curves.map(headOf)],
      crosses: kept.curves.flatMap(lostAt),
      still: kept,
      tell,
      point: pointAt,
      picture: (width, height) => {
        const ratio = window.devicePixelRatio || 1;
        const size = [Math.round(width * ratio), Math.round(height * ratio)];
        const colors = look();
        const key = [place, ...size, ...Object.values(colors)].join();
        return relief(key, heights, scene.relief_size, size[0], size[1], colors);
      },
    };
  }

  function look() {
    const style = getComputedStyle(root);
    /** @type {(name: string) => string} */
    const get = (name) => style.getPropertyValue(name).trim();
    return { low: get("--low"), high: get("--high"), line: get("--contour") };
  }

  /** @type {(range: Range) => Axis} */
  const sideOf = (range) => ({ log: false, words: "", format: compact, range });

  /** @type {(name: string, optimizer: Drawn, at: [number, number], size: number) => Series} */
  const spot = (name, optimizer, [x, y], size) => ({
    name,
    optimizer,
    x: [x],
    y: [y],
    size,
    marked: true,
    silent: true,
  });

  /** @type {(curve: Curve) => Series} */
  function trailOf({ walker, x, y }) {
    const count = state.step + 1;
    return {
      name: walker.label,
      optimizer: walker,
      bare: true,
      x: x.slice(0, count),
      y: y.slice(0, count),
    };
  }

  /* The marker at the end of a path, or an arrow at the rim that points to it. */
  /** @type {(curve: Curve) => Series} */
  function headOf({ walker, path, isPointed }) {
    const here = paths.at(path, lastStep(path, state.step));
    if (!paths.isOutside(here)) {
      return spot(walker.label, walker, [here.x, here.y], isPointed ? 9 : 6.5);
    }
    const [u, v] = offsetOf(here);
    const degrees = (Math.atan2(v, u) * 180) / Math.PI;
    const marker = [0, 143, -143].map((turn) => turned(1, degrees + turn));
    return spot(walker.label, { style: { ...walker.style, marker } }, inWindow(here), 8);
  }

  /* The cross at the end of a diverged path. */
  /** @type {(curve: Curve) => Cross[]} */
  function lostAt({ walker, path }) {
    if (path.diverged > state.step) return [];
    const [x, y] = inWindow(paths.at(path, path.diverged - 1));
    const words = `${walker.label}: ${paths.standing(path, state.step)}`;
    return [{ optimizer: walker, x, y, words, size: 8 }];
  }

  /* The distance from the window's middle, in halves of its sides. */
  /** @type {(here: { x: number, y: number }) => [number, number]} */
  function offsetOf({ x, y }) {
    const [x0, x1, y0, y1] = paths.current().scene.window;
    return [(2 * x - x0 - x1) / (x1 - x0), (2 * y - y0 - y1) / (y1 - y0)];
  }

  /* A place, moved straight to the rim if it is outside the window. */
  /** @type {(here: Here) => [number, number]} */
  function inWindow(here) {
    if (!paths.isOutside(here)) return [here.x, here.y];
    const [x0, x1, y0, y1] = paths.current().scene.window;
    const [u, v] = offsetOf(here);
    const reach = RIM / Math.max(Math.abs(u), Math.abs(v));
    return [(x0 + x1 + u * reach * (x1 - x0)) / 2, (y0 + y1 + v * reach * (y1 - y0)) / 2];
  }

  /* ---- the loss over steps ---- */

  /** @type {() => Description} */
  function describeStrip() {
    const kept = still();
    return {
      label: "loss minus lowest loss against step",
      height: 200,
      unlabelled: true,
      haloed: true,
      x: { log: false, words: "step", format: String, range: [0, steps] },
      y: {
        log: true,
        words: "loss − lowest loss",
        format: (gap) => paths.number(gap),
        tick: compact,
        range: kept.decades,
      },
      series: [
        ...kept.losses,
        ...kept.curves.map(({ walker, path, gap }) => {
          const step = lastStep(path, state.step);
          return spot(walker.label, walker, [step, gap[step]], 5);
        }),
      ],
      crosses: kept.crosses,
      rule: state.step,
      still: kept,
      tell,
      point: pointAt,
      grab: goTo,
    };
  }

  /** @type {(curve: Curve) => Series} */
  const lossOf = ({ walker, gap }) => ({
    name: walker.label,
    optimizer: walker,
    bare: true,
    x: [...gap.keys()],
    y: gap,
  });

  /* The cross at the end of a diverged path's losses. */
  /** @type {(curve: Curve) => Cross[]} */
  function endOf({ walker, path, gap }) {
    if (path.diverged > steps) return [];
    const words = `${walker.label}: ${paths.standing(path, steps)}`;
    const last = path.diverged - 1;
    return [{ optimizer: walker, x: last, y: gap[last], words }];
  }

  /* Whole decades that contain the curves, but little above the start if a path explodes. */
  /** @type {(curves: number[][]) => Range} */
  function decades(curves) {
    if (!curves.length) return [0.1, 1];
    const all = curves.flat();
    const low = Math.floor(Math.log10(all.reduce((a, b) => Math.min(a, b))));
    const first = Math.log10(Math.max(...curves.map(([start]) => start)));
    const most = Math.log10(all.reduce((a, b) => Math.max(a, b)));
    const high = Math.max(Math.ceil(Math.min(most, first + 1.5)), low + 1);
    return [10 ** low, 10 ** high];
  }

  return { draw, point };
}
