/* Numbers as people read them. */
"use strict";

const isShare = (name) => name.endsWith("accuracy");

function digits(value, count = 4) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-4) return tidy(value.toExponential(count - 2));
  return tidy(size >= 1000 ? value.toFixed(0) : value.toPrecision(count));
}

const tidy = (text) => text.replace("-", "−").replace(/e\+?/, "e");

/* A value of `metric`: accuracies in per cent. */
function value(number, name = metric().name) {
  if (number === null || number === undefined || !Number.isFinite(number)) return "–";
  return isShare(name) ? tidy((number * 100).toFixed(2)) : digits(number);
}

const unitOf = (name) => (isShare(name) ? "\u00a0%" : "");

function pWords(p) {
  if (p === null || p === undefined) return "–";
  return p < 0.001 ? "< 0.001" : p > 0.995 ? "1" : p.toPrecision(2);
}

/* Of an amount on an axis: 12k, 1.5M, 1e15. */
function compact(number) {
  const size = Math.abs(number);
  if (size >= 1e9 || (size > 0 && size < 1e-5)) return tidy(Number(number.toPrecision(3)).toExponential());
  if (size >= 1e6) return `${tidy(String(Number((number / 1e6).toPrecision(3))))}M`;
  if (size >= 1e4) return `${tidy(String(Number((number / 1e3).toPrecision(3))))}k`;
  return tidy(String(Number(number.toPrecision(4))));
}

const AXIS_WORDS = {
  step: "step", epoch: "epoch", samples: "samples", train_seconds: "training seconds",
};
