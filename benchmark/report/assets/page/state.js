/* What is shown: one object, kept in the address so that a view can be shared. */
"use strict";

const defaults = {
  problem: 0, metric: 0, variants: "best", score: "final", against: "",
  x: payload.axis, logx: "0", logy: "auto", center: "mean", band: "ci", seeds: "0", smooth: "0", off: "",
  look: "update_ratio", group: "all",
};
const state = { ...defaults };
const listeners = [];

/* Call `listener` now and after every change of one of `names`. */
function follow(names, listener) {
  listeners.push({ names, listener });
}

function change(update) {
  const changed = Object.keys(update).filter((name) => state[name] !== update[name]);
  if (!changed.length) return;
  Object.assign(state, update);
  writeAddress();
  refresh(changed);
}

function refresh(changed) {
  for (const { names, listener } of listeners) {
    if (names.some((name) => changed.includes(name))) listener();
  }
}

const metric = () => payload.metrics[state.metric];
const setting = () => payload.settings[state.problem];
const hidden = () => new Set(state.off ? state.off.split(",").map(Number) : []);

const noneIsShown = () => setting().variants.every((variant) => hidden().has(variant.optimizer));
const NONE_SHOWN = "No optimizer is shown: choose one above.";

/* Variants of the setting that are to be shown, as [place, variant]. */
function shownVariants() {
  const off = hidden();
  return setting()
    .variants.map((variant, place) => [place, variant])
    .filter(([, v]) => !off.has(v.optimizer) && (v.chosen || state.variants === "all"));
}

/* Problems, metrics and optimizers stand in the address by name: it outlives a changed order. */
const NAMES = {
  problem: () => payload.settings.map((each) => each.name),
  metric: () => payload.metrics.map((each) => each.name),
};
const optimizerNames = () => payload.optimizers.map((each) => each.label);

function writeAddress() {
  const words = new URLSearchParams(location.hash.slice(1));
  for (const [name, usual] of Object.entries(defaults)) {
    if (state[name] === usual) words.delete(name);
    else words.set(name, toAddress(name));
  }
  const text = words.toString();
  history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search);
}

function toAddress(name) {
  if (name in NAMES) return NAMES[name]()[state[name]];
  if (name !== "off") return state[name];
  return JSON.stringify([...hidden()].map((place) => optimizerNames()[place]));
}

function readAddress() {
  const words = new URLSearchParams(location.hash.slice(1));
  const update = { ...defaults };
  for (const name of Object.keys(defaults)) {
    if (words.has(name)) update[name] = fromAddress(name, words.get(name)) ?? defaults[name];
  }
  const changed = Object.keys(update).filter((name) => state[name] !== update[name]);
  Object.assign(state, update);
  return changed;
}

function fromAddress(name, text) {
  if (name in NAMES) return Math.max(0, NAMES[name]().indexOf(text));
  if (name in CHOICES) return Object.hasOwn(CHOICES[name], text) ? text : undefined;
  if (name === "against") return optimizerNames().includes(text) ? text : undefined;
  try {
    const places = JSON.parse(text).map((label) => optimizerNames().indexOf(label));
    return places.filter((place) => place >= 0).join(",");
  } catch {
    return undefined;
  }
}
