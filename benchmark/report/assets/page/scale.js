// @ts-check
/* Scales from numbers to pixels, and their ticks at round numbers. */

/** @typedef {number[] | Float64Array} Numbers */
/** @typedef {[low: number, high: number]} Range */
/** @typedef {((number: number) => number) & { low: number, high: number, log: boolean }} Scale */
/** @typedef {{ number: number, at: number, words: string }} Mark A tick in pixels, with its label. */

/* A map from [low, high] to [from, to], logarithmic if `log`. */
/** @type {(low: number, high: number, from: number, to: number, log: boolean) => Scale} */
export function scale(low, high, from, to, log) {
  /** @type {(number: number) => number} */
  const bend = log ? Math.log10 : (number) => number;
  const [a, b] = [bend(low), bend(high)];
  /** @type {(number: number) => number} */
  const map = (number) => from + ((bend(number) - a) / (b - a || 1)) * (to - from);
  return Object.assign(map, { low, high, log });
}

/* Lowest and highest of the finite (and, on a log axis, positive) numbers of many arrays. */
/** @type {(arrays: Numbers[], log: boolean) => Range} */
export function extent(arrays, log) {
  let [low, high] = [Infinity, -Infinity];
  for (const array of arrays) {
    for (const number of array) {
      if (!Number.isFinite(number) || (log && number <= 0)) continue;
      if (number < low) low = number;
      if (number > high) high = number;
    }
  }
  if (low > high) return log ? [0.1, 1] : [0, 1];
  if (low === high)
    return log
      ? [low / 2, high * 2]
      : [low - (Math.abs(low) || 1) / 2, high + (Math.abs(low) || 1) / 2];
  return [low, high];
}

/* A range with padding at both ends. */
/** @type {(range: Range, log: boolean, share?: number) => Range} */
export function padded([low, high], log, share = 0.04) {
  if (log) {
    const factor = (high / low) ** share;
    return [low / factor, high * factor];
  }
  return [low - (high - low) * share, high + (high - low) * share];
}

/** @type {(low: number, high: number, count: number, log?: boolean) => number[]} */
export function ticks(low, high, count, log = false) {
  if (log && high / low >= 4) return logTicks(low, high, count);
  const rough = (high - low) / Math.max(count, 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5].map((f) => f * power).find((each) => each >= rough * 0.999) ?? 10 * power;
  const found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high * (1 + 1e-12) + step * 1e-9; k++) {
    found.push(Number((k * step).toPrecision(8)));
  }
  return found;
}

/** @type {(low: number, high: number, count: number) => number[]} */
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

/* The marks of an axis: at `places`, or at about so many round numbers. Charts draw them in SVG or on
   a canvas. */
/** @type {(axis: Scale, format: (number: number) => string, places: number | number[]) => Mark[]} */
export function marksOf(axis, format, places) {
  const numbers = Array.isArray(places) ? places : ticks(axis.low, axis.high, places, axis.log);
  return numbers.map((number) => ({ number, at: axis(number), words: format(number) }));
}

/* The index in ascending `numbers` of the one nearest to `wanted`. */
/** @type {(numbers: Numbers, wanted: number) => number} */
export function nearest(numbers, wanted) {
  let [low, high] = [0, numbers.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (numbers[middle] < wanted) low = middle + 1;
    else high = middle;
  }
  return low > 0 && wanted - numbers[low - 1] < numbers[low] - wanted ? low - 1 : low;
}

/* The last index whose number is at most `wanted`, −1 if there is none; used for staircases. */
/** @type {(numbers: Numbers, wanted: number) => number} */
export function lastUpTo(numbers, wanted) {
  let [low, high] = [0, numbers.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (numbers[middle] <= wanted) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/* Put a read-out beside a place in a chart, towards the side with more room, within its `width`. */
/** @type {(box: HTMLElement, at: number, top: number, sides: { left: number, right: number }, width: number) => void} */
export function placeBeside(box, at, top, { left, right }, width) {
  const wanted = at > (left + right) / 2 ? at - box.offsetWidth - 12 : at + 12;
  box.style.left = `${Math.max(0, Math.min(wanted, width - box.offsetWidth))}px`;
  box.style.top = `${top}px`;
}
