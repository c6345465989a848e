// @ts-check
/* Values of the shown metric in its unit on the shown problem. */

import { compact, digits, tidy } from "./format.js";
import { metric, state } from "./state.js";

/** @import { Axis } from "./chart.js" */
/** @import { Known } from "./format.js" */

export const unit = () => metric().units[state.problem];

/* A value of the shown metric in its unit, without the unit's sign. */
/** @type {(number: Known) => string} */
export function value(number) {
  if (number === null || number === undefined || !Number.isFinite(number)) return "–";
  const { factor, decimals } = unit();
  return decimals === null ? digits(number * factor) : tidy((number * factor).toFixed(decimals));
}

/* The unit's sign after such a value. */
export const unitSign = () => (unit().sign ? `\u00a0${unit().sign}` : "");

/* Why the shown metric has no best values, in a sentence; empty if it has. */
export const noBest = () =>
  metric().higher_is_better === null
    ? `Neither lower nor higher values of ${metric().words} are better by themselves.`
    : "";

/* The vertical axis of a chart of the shown metric. */
/** @type {(more?: Partial<Axis>) => Axis} */
export function metricAxis(more = {}) {
  const { words, logarithmic, higher_is_better: isHigherBetter } = metric();
  const { sign, factor } = unit();
  return {
    log: logarithmic,
    words: sign ? `${words}, ${sign}` : words,
    format: (each) => value(each),
    best: isHigherBetter ? "high" : "low",
    tick: (each) => compact(factor === 1 ? each : Number((each * factor).toPrecision(6))),
    ...more,
  };
}
