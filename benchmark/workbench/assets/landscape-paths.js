// @ts-check
/* The numbers of "Optimizers in motion", unpacked and put into words. */

/** @import { DrawnScene, Payload, View } from "./landscape-payload.d.ts" */
/** @typedef {View} Choice */
/** @typedef {{ place: number, scene: DrawnScene, paths: Uint16Array, heights: Float32Array }} Shown */
/** @typedef {{ row: number, lr: number, diverged: number }} Path */
/** @typedef {{ x: number, y: number, far: boolean, gap: number, isFloor: boolean, isCeiling: boolean }} Here */
/** @typedef {ReturnType<typeof landscapePaths>} Paths */

/** @param {Payload} data */
export function landscapePaths(data) {
  const OWN = data.lrs.length; // index of each walker's own rate on the learning-rate axis
  const MOST = 65535; // the largest 16-bit number
  /** @type {Shown | null} */
  let shown = null; // the scene whose numbers are unpacked

  /* Undo the packing of payload.py: base64, zlib, two planes of bytes, differences. */
  /** @type {(text: string, length: number) => Promise<Uint16Array>} */
  async function unpack(text, length) {
    const packed = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
    const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
    const half = bytes.length / 2;
    const values = new Uint16Array(half);
    for (let i = 0; i < half; i++) {
      values[i] = (i % length ? values[i - 1] : 0) + bytes[i] + 256 * bytes[half + i];
    }
    return values;
  }

  /** @type {(place: number) => Promise<void>} */
  async function load(place) {
    if (shown?.place === place) return;
    const scene = data.scenes[place];
    const [paths, relief] = await Promise.all([
      unpack(scene.paths, data.steps + 1),
      unpack(scene.relief, scene.relief_size[1]),
    ]);
    shown = { place, scene, paths, heights: Float32Array.from(relief, (value) => value / 4095) };
  }

  /* The unpacked scene; call it only after one has been unpacked. */
  const current = () => /** @type {Shown} */ (shown);
  const levels = data.has_noise ? 2 : 1;

  /* Index of a walker's paths of all rates among the scene's; axes walker, start, noise. */
  /** @type {(walker: number, state: Choice) => number} */
  const cohort = (walker, state) =>
    (walker * current().scene.starts.length + state.start) * levels + Number(state.noisy);

  /** @type {(walker: number, state: Choice) => number} */
  function lrPlace(walker, state) {
    if (state.lr === "best") return current().scene.best[cohort(walker, state)];
    return state.lr === "own" ? OWN : data.lrs.indexOf(state.lr);
  }

  /* The path that a state selects; null if the walker diverges at every rate. */
  /** @type {(walker: number, state: Choice) => Path | null} */
  function pathOf(walker, state) {
    const lr = lrPlace(walker, state);
    if (lr < 0) return null;
    const row = cohort(walker, state) * (OWN + 1) + lr;
    return { row, lr, diverged: current().scene.diverged[row] };
  }

  /** @type {(here: { x: number, y: number }) => boolean} */
  const isOutside = ({ x, y }) => {
    const [x0, x1, y0, y1] = current().scene.window;
    return x < x0 || x > x1 || y < y0 || y > y1;
  };

  /* Position and loss of a path at a step. A diverged path stays at its last position. A `far`
     position was moved to the edge of the encoded range: its x and y show only the direction. */
  /** @type {(path: Path, step: number) => Here} */
  function at(path, step) {
    const [x0, x1, y0, y1] = current().scene.window;
    const size = current().paths.length / 3;
    const index = path.row * (data.steps + 1) + step;
    /** @type {(axis: number) => number} */
    const code = (axis) => current().paths[axis * size + index];
    /** @type {(axis: number) => number} */
    const unit = (axis) => (code(axis) - data.origin) / data.units;
    return {
      x: x0 + unit(0) * (x1 - x0),
      y: y0 + unit(1) * (y1 - y0),
      far: [0, 1].some((axis) => code(axis) === 0 || code(axis) === MOST),
      gap: 10 ** (data.gap_low + data.gap_step * code(2)),
      isFloor: code(2) === 0,
      isCeiling: code(2) === MOST,
    };
  }

  /* The step at which a path outside the window at `step` left it; null if it is inside. */
  /** @type {(path: Path, step: number) => number | null} */
  function leftAt(path, step) {
    for (let k = step; k >= 0; k--) {
      if (!isOutside(at(path, k))) return k === step ? null : k + 1;
    }
    return 0;
  }

  /** @type {(value: number | null, digits?: number) => string} */
  function number(value, digits = 3) {
    if (value === null) return "none";
    if (value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e4)) {
      return plain(value.toExponential(digits - 1).replace("e+", "e"));
    }
    return plain(Number(value.toPrecision(digits)));
  }

  /** @type {(count: number, noun: string) => string} */
  const counted = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;
  /** @type {(value: number | string) => string} */
  const plain = (value) => String(value).replaceAll("-", "−");
  /** @type {(here: Here, value: number) => string} */
  const coordinate = (here, value) => (here.far ? "far" : plain(value.toFixed(3)));

  /** @type {(here: Here) => string} */
  function loss(here) {
    if (here.isCeiling) return `> ${number(here.gap, 1)}`;
    if (here.isFloor && current().scene.lowest === 0) return `≤ ${number(here.gap, 1)}`;
    return number(current().scene.lowest + here.gap, 4);
  }

  /** @type {(walker: number, path: Path) => string} */
  function rate(walker, path) {
    const own = data.walkers[walker].lr;
    if (own === null) return "none";
    return path.lr === OWN ? plain(own) : plain(data.lrs[path.lr]);
  }

  /** @type {(path: Path, state: Choice) => boolean} */
  const onEdge = (path, state) =>
    state.lr === "best" && OWN > 1 && (path.lr === 0 || path.lr === OWN - 1);

  /** @type {(path: Path, step: number) => string} */
  function standing(path, step) {
    if (path.diverged <= step) return `diverged at step ${path.diverged}`;
    const left = leftAt(path, step);
    return left === null ? "" : `left at step ${left}`;
  }

  /** @type {(state: Choice) => string} */
  function rule(state) {
    const grid = `${counted(OWN, "rate")} from ${plain(data.lrs[0])} to ${plain(data.lrs[OWN - 1])}`;
    if (state.lr === "best") {
      return (
        `Best of ${grid}: lowest mean of log(loss − lowest loss) over all steps from this ` +
        "start; diverged paths are out. * marks a best at the end of the grid."
      );
    }
    if (state.lr === "own") return "Every optimizer at the rate it was given, or else its default.";
    return `Every optimizer at ${plain(state.lr)}, fair or not.`;
  }

  return {
    OWN,
    load,
    pathOf,
    at,
    isOutside,
    number,
    plain,
    counted,
    coordinate,
    loss,
    rate,
    onEdge,
    standing,
    rule,
    /* The scene whose numbers are unpacked; null until one is. */
    current,
    get shown() {
      return shown;
    },
  };
}
