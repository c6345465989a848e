// @ts-check
/* Formatting of numbers. */

/** @typedef {number | null | undefined} Known */

/** @type {(value: Known, count?: number) => string} */
export function digits(value, count = 4) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-4) return tidy(value.toExponential(count - 2));
  return tidy(size >= 1000 ? value.toFixed(0) : value.toPrecision(count));
}

/** @type {(text: string) => string} */
export const tidy = (text) => text.replace("-", "−").replace(/e\+?/, "e");

/** @type {(p: Known) => string} */
export function pWords(p) {
  if (p === null || p === undefined) return "–";
  return p < 0.001 ? "< 0.001" : p > 0.995 ? "1" : p.toPrecision(2);
}

/* An amount on an axis, such as 12k, 1.5M or 1e15. */
/** @type {(number: number) => string} */
export function compact(number) {
  const size = Math.abs(number);
  if (size >= 1e9 || (size > 0 && size < 1e-5))
    return tidy(Number(number.toPrecision(3)).toExponential());
  if (size >= 1e6) return `${tidy(String(Number((number / 1e6).toPrecision(3))))}M`;
  if (size >= 1e4) return `${tidy(String(Number((number / 1e3).toPrecision(3))))}k`;
  return tidy(String(Number(number.toPrecision(4))));
}
