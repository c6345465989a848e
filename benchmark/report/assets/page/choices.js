// @ts-check
/* The choices that controls offer, with their labels. */

import { AXIS_WORDS } from "./data.js";

/** @type {Record<string, Record<string, string>>} */
export const CHOICES = {
  variants: { best: "chosen of each optimizer", all: "all that were tried" },
  score: { final: "final value", best: "optimum on the way", area: "area under the curve" },
  x: AXIS_WORDS,
  logx: { 0: "linear", 1: "log" },
  logy: { auto: "by metric", 0: "linear", 1: "log" },
  center: { mean: "mean", median: "median" },
  band: { ci: "95 % interval", iqr: "interquartile range", minmax: "min–max", none: "none" },
  smooth: { 0: "off", 5: "5 points", 15: "15 points" },
  seeds: { 0: "hidden", 1: "shown" },
};
