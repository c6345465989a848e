// @ts-check
/* The payload, and the curves of a metric in a setting, which are unpacked when first shown. */

import { byId } from "./dom.js";

/** @import { Axis, Bands, Curves, Lines, Packed, Payload } from "./payload.d.ts" */
/** @import { Numbers } from "./scale.js" */
/** @typedef {Axis["name"]} AxisName */
/**
 * A row of a table that the payload has as columns.
 *
 * @template Table
 * @typedef {{ [Name in keyof Table]: Table[Name] extends (infer Value)[] ? Value : never }} Row
 */
/** @typedef {{ variant: number, x: Numbers, y: Record<string, Numbers> }} Band The statistics by name. */
/** @typedef {{ variant: number, seed: number, diverged: boolean, x: Record<AxisName, Numbers>, y: Float64Array }} Line */
/** @typedef {{ lines: Line[], notes: [string, string], bands: Record<AxisName, Band[]> }} UnpackedCurves */

/** @type {Payload} */
export const payload = JSON.parse(byId("payload").textContent ?? "");

export const curvesOf = (() => {
  /** @type {Map<string, UnpackedCurves | null>} */
  const unpacked = new Map();
  /** @type {AxisName[]} */
  const AXES = payload.axes.filter((axis) => axis.by_step).map((axis) => axis.name);
  const CLOCK = /** @type {Axis} */ (payload.axes.find((axis) => !axis.by_step)).name;

  /* The numbers of packed 16-bit codes; NaN if absent. */
  /** @type {(packed: Packed) => Float64Array} */
  function unpack({ unit, low, step, codes }) {
    const bytes = atob(codes);
    const numbers = new Float64Array(bytes.length / 2);
    for (let i = 0; i < numbers.length; i++) {
      const code = bytes.charCodeAt(2 * i) | (bytes.charCodeAt(2 * i + 1) << 8);
      numbers[i] = code === 65535 ? NaN : unit * Math.sinh(low + code * step);
    }
    return numbers;
  }

  /** @type {(lengths: number[]) => number[]} */
  const starts = (lengths) => {
    let sum = 0;
    return lengths.map((length) => {
      sum += length;
      return sum - length;
    });
  };

  /** @type {(part: Bands) => Band[]} */
  function bands(part) {
    const values = unpack(part.values);
    const total = values.length / Math.max(part.fields.length, 1);
    const seconds = part.seconds && unpack(part.seconds);
    const begin = starts(part.lengths);
    return part.variants.map((variant, i) => {
      const [from, to] = [begin[i], begin[i] + part.lengths[i]];
      /** @type {Band} */
      const found = { variant, x: seconds?.subarray(from, to) ?? [], y: {} };
      part.fields.forEach((field, k) => {
        found.y[field] = values.subarray(k * total + from, k * total + to);
      });
      return found;
    });
  }

  const given = (/** @type {(number | null)[]} */ numbers) => numbers.map((each) => each ?? NaN);

  /* The same bands on another axis, whose values follow from the step. */
  /** @type {(found: Band[], part: Bands, places: Curves["places"], axis: AxisName) => Band[]} */
  const onAxis = (found, part, places, axis) =>
    found.map((each, i) => ({ ...each, x: given(places[part.places[i]][AXES.indexOf(axis)]) }));

  /** @type {(part: Lines, places: Curves["places"]) => Line[]} */
  function lines(part, places) {
    const values = unpack(part.values);
    const seconds = unpack(part.seconds);
    const begin = starts(part.lengths);
    return part.variants.map((variant, i) => {
      const [from, to] = [begin[i], begin[i] + part.lengths[i]];
      const x = /** @type {Record<AxisName, Numbers>} */ ({ [CLOCK]: seconds.subarray(from, to) });
      AXES.forEach((axis, k) => {
        x[axis] = given(places[part.places[i]][k]);
      });
      const y = values.subarray(from, to);
      return { variant, seed: part.seeds[i], diverged: part.diverged[i], x, y };
    });
  }

  /** @type {(curves: Curves) => UnpackedCurves} */
  function unpackAll({ lines: own, by_place: byPlace, by_seconds: bySeconds, places }) {
    const axes = AXES.map((axis) => [
      axis,
      byPlace.flatMap((part) => onAxis(bands(part), part, places, axis)),
    ]);
    return {
      lines: lines(own, places),
      notes: byPlace[0]?.notes ?? ["", ""],
      bands: { ...Object.fromEntries(axes), [CLOCK]: bySeconds.flatMap(bands) },
    };
  }

  /** @type {(metric: number, setting: number) => UnpackedCurves | null} */
  return (metric, setting) => {
    const key = `curves-${metric}-${setting}`;
    if (!unpacked.has(key)) {
      const element = document.getElementById(key);
      unpacked.set(key, element && unpackAll(JSON.parse(element.textContent ?? "")));
    }
    return unpacked.get(key) ?? null;
  };
})();

/* The words of each axis, by its name. */
export const AXIS_WORDS = Object.fromEntries(payload.axes.map(({ name, words }) => [name, words]));

/* Return `compute` with its results cached by object. */
/** @template {object} Known, Found @param {(object: Known) => Found} compute @returns {(object: Known) => Found} */
export function remembered(compute) {
  /** @type {WeakMap<Known, Found>} */
  const known = new WeakMap();
  return (object) => {
    if (!known.has(object)) known.set(object, compute(object));
    return /** @type {Found} */ (known.get(object));
  };
}

const rowsOfAny = remembered((/** @type {object} */ table) => {
  /** @type {[string, unknown[]][]} */
  const columns = Object.entries(table);
  return columns[0][1].map((_, i) =>
    Object.fromEntries(columns.map(([name, values]) => [name, values[i]])),
  );
});

/* The rows of a table. */
/** @template {object} Table @param {Table} table @returns {Row<Table>[]} */
export const rowsOf = (table) => /** @type {Row<Table>[]} */ (rowsOfAny(table));
