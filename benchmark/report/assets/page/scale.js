/* From numbers to pixels, and round numbers to write along the way. */
"use strict";

/* A map from [low, high] to [from, to], along logarithms if `log`. */
function scale(low, high, from, to, log) {
  const bend = log ? Math.log10 : (number) => number;
  const [a, b] = [bend(low), bend(high)];
  const map = (number) => from + ((bend(number) - a) / (b - a || 1)) * (to - from);
  return Object.assign(map, { low, high, log });
}

/* Lowest and highest of the finite (and, on a log axis, positive) numbers of many arrays. */
function extent(arrays, log) {
  let [low, high] = [Infinity, -Infinity];
  for (const array of arrays) {
    for (const number of array) {
      if (!Number.isFinite(number) || (log && number <= 0)) continue;
      if (number < low) low = number;
      if (number > high) high = number;
    }
  }
  if (low > high) return log ? [0.1, 1] : [0, 1];
  if (low === high) return log ? [low / 2, high * 2] : [low - (Math.abs(low) || 1) / 2, high + (Math.abs(low) || 1) / 2];
  return [low, high];
}

/* Some air above and below. */
function padded([low, high], log, share = 0.04) {
  if (log) {
    const factor = (high / low) ** share;
    return [low / factor, high * factor];
  }
  return [low - (high - low) * share, high + (high - low) * share];
}

function ticks(low, high, count, log) {
  if (log && high / low >= 4) return logTicks(low, high, count);
  const rough = (high - low) / Math.max(count, 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((f) => f * power).find((each) => each >= rough * 0.999);
  const found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high * (1 + 1e-12) + step * 1e-9; k++) {
    found.push(Number((k * step).toPrecision(8)));
  }
  return found;
}

function logTicks(low, high, count) {
  const decades = Math.log10(high / low);
  const every = Math.max(1, Math.ceil(decades / Math.max(count, 1)));
  const factors = decades > 2.2 ? [1] : decades > 1.2 ? [1, 3] : [1, 2, 5];
  const found = [];
  for (let k = Math.floor(Math.log10(low)); k <= Math.ceil(Math.log10(high)); k++) {
    if (every > 1 && k % every) continue;
    for (const factor of factors) {
      const tick = Number((factor * 10 ** k).toPrecision(3));
      if (tick >= low && tick <= high) found.push(tick);
    }
  }
  return found;
}

/* The place in ascending `numbers` that is nearest to `wanted`. */
function nearest(numbers, wanted) {
  let [low, high] = [0, numbers.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (numbers[middle] < wanted) low = middle + 1;
    else high = middle;
  }
  return low > 0 && wanted - numbers[low - 1] < numbers[low] - wanted ? low - 1 : low;
}

/* The last place whose number is not above `wanted`, −1 if there is none: for staircases. */
function lastUpTo(numbers, wanted) {
  let [low, high] = [0, numbers.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (numbers[middle] <= wanted) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
