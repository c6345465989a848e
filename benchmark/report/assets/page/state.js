// @ts-check
/* The state: one object of all choices, kept in the address so that a view can be shared. */

import { CHOICES } from "./choices.js";
import { payload } from "./data.js";

/** @import { Variant } from "./payload.d.ts" */
/** @import { AxisName } from "./data.js" */
/**
 * The choices by name.
 *
 * @typedef {{
 *   problem: number, metric: number, variants: string, score: string, against: string,
 *   x: AxisName, logx: string, logy: string, center: string, band: string, seeds: string,
 *   smooth: string, off: string, look: string, group: string,
 * }} State
 */
/** @typedef {keyof State} Name */

/** @type {State} */
export const defaults = {
  problem: 0,
  metric: payload.metric,
  variants: "best",
  score: "final",
  against: "",
  x: payload.axis,
  logx: "0",
  logy: "auto",
  center: "mean",
  band: "ci",
  seeds: "0",
  smooth: "0",
  off: "",
  look: "update_ratio",
  group: "all",
};
export const CHOSEN = /** @type {Name[]} */ (Object.keys(defaults));
/** @type {State} */
export const state = { ...defaults };
/** @type {{ names: Name[], listener: () => void }[]} */
const listeners = [];

/* Call `listener` now and after every change of one of `names`. */
/** @type {(names: Name[], listener: () => void) => void} */
export function follow(names, listener) {
  listeners.push({ names, listener });
}

/** @type {(update: Partial<State>) => void} */
export function change(update) {
  const changed = CHOSEN.filter((name) => name in update && state[name] !== update[name]);
  if (!changed.length) return;
  Object.assign(state, update);
  writeAddress();
  refresh(changed);
}

/** @type {(changed: Name[]) => void} */
export function refresh(changed) {
  for (const { names, listener } of listeners) {
    if (names.some((name) => changed.includes(name))) listener();
  }
}

export const metric = () => payload.metrics[state.metric];
export const setting = () => payload.settings[state.problem];
export const hidden = () => new Set(state.off ? state.off.split(",").map(Number) : []);

export const noneIsShown = () =>
  setting().variants.every((variant) => hidden().has(variant.optimizer));
export const NONE_SHOWN = "No optimizer is shown: choose one above.";

/* The variants to show in the setting, as [place, variant]. */
/** @type {() => [number, Variant][]} */
export function shownVariants() {
  const off = hidden();
  return setting()
    .variants.map((variant, place) => /** @type {[number, Variant]} */ ([place, variant]))
    .filter(([, v]) => !off.has(v.optimizer) && (v.chosen || state.variants === "all"));
}

/* The address names problems, metrics and optimizers, so that it survives a changed order. */
const NAMES = {
  problem: () => payload.settings.map((each) => each.name),
  metric: () => payload.metrics.map((each) => each.name),
};
const optimizerNames = () => payload.optimizers.map((each) => each.label);

function writeAddress() {
  const words = new URLSearchParams(location.hash.slice(1));
  for (const name of CHOSEN) {
    if (state[name] === defaults[name]) words.delete(name);
    else words.set(name, toAddress(name));
  }
  const text = words.toString();
  history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search);
}

/** @type {(name: Name) => string} */
function toAddress(name) {
  if (name === "problem" || name === "metric") return NAMES[name]()[state[name]];
  if (name !== "off") return state[name];
  return JSON.stringify([...hidden()].map((place) => optimizerNames()[place]));
}

/** @type {() => Name[]} */
export function readAddress() {
  const words = new URLSearchParams(location.hash.slice(1));
  const update = { ...defaults };
  for (const name of CHOSEN) {
    const text = words.get(name);
    const found = text === null ? undefined : fromAddress(name, text);
    if (found !== undefined) Object.assign(update, { [name]: found });
  }
  const changed = CHOSEN.filter((name) => state[name] !== update[name]);
  Object.assign(state, update);
  return changed;
}

/** @type {(name: Name, text: string) => string | number | undefined} */
function fromAddress(name, text) {
  if (name === "problem" || name === "metric") return Math.max(0, NAMES[name]().indexOf(text));
  if (name in CHOICES) return Object.hasOwn(CHOICES[name], text) ? text : undefined;
  if (name === "against") return optimizerNames().includes(text) ? text : undefined;
  try {
    /** @type {number[]} */
    const places = JSON.parse(text).map((/** @type {string} */ label) =>
      optimizerNames().indexOf(label),
    );
    return places.filter((place) => place >= 0).join(",");
  } catch {
    return undefined;
  }
}
