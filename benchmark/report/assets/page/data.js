/* The payload, and the curves of a metric in a setting, unpacked when they are first looked at. */
"use strict";

const payload = JSON.parse(document.getElementById("payload").textContent);

const curvesOf = (() => {
  const unpacked = new Map();
  const AXES = payload.axes.filter((axis) => axis.by_step).map((axis) => axis.name);
  const CLOCK = payload.axes.find((axis) => !axis.by_step).name;

  /* Codes of 16 bits to numbers; NaN where absent. */
  function unpack({ unit, low, step, codes }) {
    const bytes = atob(codes);
    const numbers = new Float64Array(bytes.length / 2);
    for (let i = 0; i < numbers.length; i++) {
      const code = bytes.charCodeAt(2 * i) | (bytes.charCodeAt(2 * i + 1) << 8);
      numbers[i] = code === 65535 ? NaN : unit * Math.sinh(low + code * step);
    }
    return numbers;
  }

  const starts = (lengths) => {
    let sum = 0;
    return lengths.map((length) => (sum += length) - length);
  };

  function bands(part) {
    const values = unpack(part.values);
    const total = values.length / Math.max(part.fields.length, 1);
    const seconds = part.seconds && unpack(part.seconds);
    const begin = starts(part.lengths);
    return part.variants.map((variant, i) => {
      const [from, to] = [begin[i], begin[i] + part.lengths[i]];
      const found = { variant, x: seconds?.subarray(from, to) };
      part.fields.forEach((field, k) => {
        found[field] = values.subarray(k * total + from, k * total + to);
      });
      return found;
    });
  }

  /* The same bands on another axis: a step lies at one epoch, after so many samples. */
  const onAxis = (found, part, places, axis) =>
    found.map((each, i) => ({ ...each, x: places[part.places[i]][AXES.indexOf(axis)] }));

  function lines(part, places) {
    const values = unpack(part.values);
    const seconds = unpack(part.seconds);
    const begin = starts(part.lengths);
    return part.variants.map((variant, i) => {
      const [from, to] = [begin[i], begin[i] + part.lengths[i]];
      const x = { [CLOCK]: seconds.subarray(from, to) };
      AXES.forEach((axis, k) => (x[axis] = places[part.places[i]][k]));
      const y = values.subarray(from, to);
      return { variant, seed: part.seeds[i], diverged: part.diverged[i], x, y };
    });
  }

  function unpackAll({ lines: own, by_place: byPlace, by_seconds: bySeconds, places }) {
    const found = byPlace.map((part) => [part, bands(part)]);
    const axes = AXES.map((axis) => [
      axis, found.flatMap(([part, each]) => onAxis(each, part, places, axis)),
    ]);
    return {
      lines: lines(own, places),
      notes: byPlace[0]?.notes ?? ["", ""],
      bands: { ...Object.fromEntries(axes), [CLOCK]: bySeconds.flatMap(bands) },
    };
  }

  return (metric, setting) => {
    const key = `curves-${metric}-${setting}`;
    if (!unpacked.has(key)) {
      const element = document.getElementById(key);
      unpacked.set(key, element && unpackAll(JSON.parse(element.textContent)));
    }
    return unpacked.get(key);
  };
})();
