/* The payload, and the curves of a metric in a setting, unpacked when they are first looked at. */
"use strict";

const payload = JSON.parse(document.getElementById("payload").textContent);

const curvesOf = (() => {
  const unpacked = new Map();
  const AXES = ["step", "epoch", "samples"];

  /* Codes of 16 bits to numbers; NaN where absent. */
  function unpack({ unit, low, step, codes }) {
    const bytes = Uint8Array.from(atob(codes), (letter) => letter.charCodeAt(0));
    const numbers = new Float64Array(bytes.length / 2);
    for (let i = 0; i < numbers.length; i++) {
      const code = bytes[2 * i] | (bytes[2 * i + 1] << 8);
      numbers[i] = code === 65535 ? NaN : unit * Math.sinh(low + code * step);
    }
    return numbers;
  }

  const starts = (lengths) => {
    let sum = 0;
    return lengths.map((length) => (sum += length) - length);
  };

  function bands(part, places, axis) {
    const values = unpack(part.values);
    const total = values.length / Math.max(part.fields.length, 1);
    const seconds = part.seconds && unpack(part.seconds);
    const begin = starts(part.lengths);
    return part.variants.map((variant, i) => {
      const [from, to] = [begin[i], begin[i] + part.lengths[i]];
      const x = seconds ? seconds.subarray(from, to) : places[part.places[i]][AXES.indexOf(axis)];
      const found = { variant, x };
      part.fields.forEach((field, k) => {
        found[field] = values.subarray(k * total + from, k * total + to);
      });
      return found;
    });
  }

  function lines(part, places) {
    const values = unpack(part.values);
    const seconds = unpack(part.seconds);
    const begin = starts(part.lengths);
    return part.variants.map((variant, i) => {
      const [from, to] = [begin[i], begin[i] + part.lengths[i]];
      const x = { train_seconds: seconds.subarray(from, to) };
      AXES.forEach((axis, k) => (x[axis] = places[part.places[i]][k]));
      const y = values.subarray(from, to);
      return { variant, seed: part.seeds[i], diverged: part.diverged[i], x, y };
    });
  }

  return (metric, setting) => {
    const key = `curves-${metric}-${setting}`;
    if (!unpacked.has(key)) {
      const element = document.getElementById(key);
      const part = element && JSON.parse(element.textContent);
      unpacked.set(
        key,
        part && {
          lines: lines(part.lines, part.places),
          notes: part.by_place.notes,
          bands: {
            step: bands(part.by_place, part.places, "step"),
            epoch: bands(part.by_place, part.places, "epoch"),
            samples: bands(part.by_place, part.places, "samples"),
            train_seconds: bands(part.by_seconds, part.places, "train_seconds"),
          },
        },
      );
    }
    return unpacked.get(key);
  };
})();
