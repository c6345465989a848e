// @ts-check
/* The section "Optimizers in motion": controls, pictures and address in sync. The paths come
   from Python; no optimizer and no surface is computed here. */

import { byId, make } from "../../report/assets/page/dom.js";
import { swatch } from "../../report/assets/page/look.js";
import { landscapePaths } from "./landscape-paths.js";
import { landscapePictures } from "./landscape-pictures.js";

/** @import { DrawnWalker, Payload } from "./landscape-payload.d.ts" */
/** @import { State } from "./landscape-pictures.js" */

const root = byId("landscape");
/** @type {Payload} */
const data = JSON.parse(byId("landscape-data").textContent ?? "");
const paths = landscapePaths(data);
const { number, plain } = paths;
/** @type {("best" | "own")[]} */
const LR_MODES = ["best", "own"]; // the third mode is one rate for all
const STEPS_PER_SECOND = 30;
const SPEEDS = [0.25, 0.5, 1, 2, 4];
const COLUMNS = ["optimizer", "lr", "x", "y", "loss", ""];

/** @type {State} */
const state = {
  scene: 0,
  start: 0,
  lr: "best",
  noisy: false,
  step: data.steps,
  speed: 1,
  off: new Set(), // walkers that are switched off
  pointed: null, // the walker under the pointer
};
/** @type {{ at: number | null, step: number } | null} */
let playing = null; // {at: time of the last frame, step: fractional step}

/* ---- controls ---- */

/** @type {(words: string[]) => HTMLOptionElement[]} */
const options = (words) => words.map((word, i) => make("option", { value: i, textContent: word }));
/** @type {(name: string, control: Node) => HTMLElement} */
const field = (name, control) =>
  make("label", { className: "field" }, [make("span", { textContent: name }), control]);
/** @type {(id: string, max: number, name: string) => HTMLInputElement} */
const slider = (id, max, name) =>
  make("input", { type: "range", id, min: 0, max, step: 1, "aria-label": name });
/** @type {(id: string, words?: string[]) => HTMLSelectElement} */
const list = (id, words = []) => make("select", { id }, options(words));

const surface = list(
  "landscape-surface",
  data.scenes.map((scene) => scene.title),
);
const start = list("landscape-start");
const mode = list("landscape-mode", ["each at its best", "each at its own", "the same for all"]);
const lr = slider("landscape-lr", paths.OWN - 1, "learning rate for all");
lr.value = String(paths.OWN >> 1);
const lrWords = make("output", { id: "landscape-lr-value" });
const noise = make("input", { type: "checkbox", id: "landscape-noise" });
const play = make("button", { type: "button", id: "landscape-play" });
const scrub = slider("landscape-step", data.steps, "step");
const stepWords = make("output", { id: "landscape-step-value" });
const speed = list(
  "landscape-speed",
  SPEEDS.map((each) => `${each} ×`),
);
const map = make("div.map", { id: "landscape-map" });
const strip = make("div.strip", { id: "landscape-strip" });
const about = make("p", { className: "about" });
const source = make("p", { className: "quiet" });
const ruleWords = make("p", { className: "quiet", id: "landscape-rule" });
const summary = make("p", { className: "quiet", id: "landscape-summary" });
const body = make("tbody");
const rows = data.walkers.map(legendRow);
const pictures = landscapePictures(data, paths, state, { root, map, strip }, goTo);

/** @type {(walker: DrawnWalker, i: number) => { box: HTMLInputElement, cells: HTMLElement[], row: HTMLElement }} */
function legendRow(walker, i) {
  const box = make("input", { type: "checkbox" });
  box.addEventListener("change", () =>
    change(() => (box.checked ? state.off.delete(i) : state.off.add(i))),
  );
  // An import path may wrap after its dots.
  const parts = walker.label.split(/(?<=\.)/).flatMap((part) => [make("wbr"), part]);
  const name = make("span", {}, parts);
  const label = make("label", {}, [box, swatch(walker), name]);
  const cells = COLUMNS.slice(1).map(() => make("td"));
  const row = make("tr", {}, [make("th", { scope: "row" }, [label]), ...cells]);
  const tell = () => {
    summary.textContent = `${walker.label}: ${walker.summary}`;
  };
  for (const kind of ["pointerenter", "focusin"]) row.addEventListener(kind, tell);
  row.addEventListener("pointerenter", () => pictures.point(i));
  row.addEventListener("pointerleave", () => pictures.point(null));
  body.append(row);
  return { box, cells, row };
}

function build() {
  const head = COLUMNS.map((name) => make("th", { scope: "col", textContent: name }));
  const table = make("table", { id: "landscape-legend" }, [
    make("thead", {}, [make("tr", {}, head)]),
    body,
  ]);
  const noisy = make("label", { className: "check" }, [noise, "gradient noise"]);
  const transport = [play, scrub, stepWords, field("speed", speed)];
  root.append(
    make("div", { className: "bar" }, [
      field("surface", surface),
      field("start", start),
      field("learning rate", mode),
      make("span", { className: "slider" }, [lr, lrWords]),
      ...(data.has_noise ? [noisy] : []),
    ]),
    about,
    make("div", { className: "stage" }, [
      make("div", { className: "view" }, [
        map,
        make("div", { className: "bar transport" }, transport),
      ]),
      make("div", { className: "curves" }, [strip]),
      make("div", { className: "side" }, [
        make("div", { className: "scroll" }, [table]),
        summary,
        showAllOrNone(),
        ruleWords,
        source,
      ]),
    ]),
  );
  listen();
}

function showAllOrNone() {
  const all = make("button", { type: "button", textContent: "all" });
  const none = make("button", { type: "button", textContent: "none" });
  all.addEventListener("click", () => change(() => state.off.clear()));
  none.addEventListener("click", () =>
    change(() => {
      state.off = new Set(rows.keys());
    }),
  );
  return make("p", { className: "bar show" }, ["show", all, none]);
}

function listen() {
  /** @type {(element: EventTarget, kind: string, how: () => void) => void} */
  const on = (element, kind, how) => element.addEventListener(kind, () => change(how));
  on(surface, "change", () => {
    state.scene = Number(surface.value);
  });
  on(start, "change", () => {
    state.start = Number(start.value);
  });
  on(mode, "change", () => {
    state.lr = LR_MODES[Number(mode.value)] ?? data.lrs[Number(lr.value)];
  });
  on(lr, "input", () => {
    state.lr = data.lrs[Number(lr.value)];
  });
  on(noise, "change", () => {
    state.noisy = noise.checked;
  });
  on(speed, "change", () => {
    state.speed = SPEEDS[Number(speed.value)];
  });
  on(window, "hashchange", read);
  scrub.addEventListener("input", () => goTo(Number(scrub.value)));
  play.addEventListener("click", () => (playing ? pause() : run()));
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", () => pictures.draw());
}

/* ---- time ---- */

function run() {
  playing = { at: null, step: state.step >= data.steps ? 0 : state.step };
  requestAnimationFrame(tick);
  show();
}

function pause() {
  playing = null;
  show();
  write();
}

/** @type {(now: number) => void} */
function tick(now) {
  if (!playing) return;
  const seconds = playing.at === null ? 0 : Math.min((now - playing.at) / 1000, 0.1);
  playing.at = now;
  playing.step = Math.min(playing.step + seconds * STEPS_PER_SECOND * state.speed, data.steps);
  const step = Math.floor(playing.step);
  const isMoved = step !== state.step;
  state.step = step;
  if (step >= data.steps) return pause();
  if (isMoved) showStep();
  requestAnimationFrame(tick);
}

/** @type {(step: number) => Promise<void>} */
function goTo(step) {
  playing = null;
  return change(() => {
    state.step = step;
  });
}

/* ---- the address: only choices that differ from the page's defaults, under our own names ---- */

const initial = () => ({ ...data.view, scene: 0, step: data.steps, speed: 1 });

function write() {
  const words = new URLSearchParams(location.hash.slice(1));
  for (const key of [...words.keys()]) if (key.startsWith("l.")) words.delete(key);
  const first = initial();
  /** @type {(key: string, value: string | number, usual: string | number) => void} */
  const set = (key, value, usual) => {
    if (value !== usual) words.append(`l.${key}`, String(value));
  };
  set("surface", data.scenes[state.scene].name, data.scenes[0].name);
  set("start", state.start + 1, first.start + 1);
  set("lr", state.lr, first.lr);
  set("noise", Number(state.noisy), Number(first.noisy));
  set("step", state.step, first.step);
  set("speed", state.speed, first.speed);
  for (const i of state.off) words.append("l.off", data.walkers[i].label);
  const hash = words.toString();
  history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
}

/* Take valid choices from the address; the others keep the page's defaults. */
function read() {
  const words = new URLSearchParams(location.hash.slice(1));
  const first = initial();
  /** @template Value @param {string} key @param {Value[]} known @param {Value} usual */
  const one = (key, known, usual) => {
    const found = known.find((each) => String(each) === words.get(`l.${key}`));
    return found === undefined ? usual : found;
  };
  const names = data.scenes.map((scene) => scene.name);
  state.scene = names.indexOf(one("surface", names, names[0]));
  state.start =
    one(
      "start",
      data.scenes[0].starts.map((_, i) => i + 1),
      first.start + 1,
    ) - 1;
  state.lr = one("lr", ["best", "own", ...data.lrs], first.lr);
  state.noisy = data.has_noise && Boolean(one("noise", [0, 1], Number(first.noisy)));
  state.step = one(
    "step",
    Array.from({ length: data.steps + 1 }, (_, i) => i),
    first.step,
  );
  state.speed = one("speed", SPEEDS, first.speed);
  const off = words.getAll("l.off");
  state.off = new Set([...rows.keys()].filter((i) => off.includes(data.walkers[i].label)));
}

/** @type {(how: () => unknown) => Promise<void>} */
async function change(how) {
  how();
  const wanted = state.scene;
  await paths.load(wanted);
  if (wanted !== state.scene) return; // another scene was selected meanwhile
  show();
  if (!playing) write();
}

/* ---- showing ---- */

function show() {
  const { scene } = paths.current();
  surface.value = String(state.scene);
  const places = scene.starts.map(([x, y], i) => `${i + 1}: (${plain(x)}, ${plain(y)})`);
  start.replaceChildren(...options(places));
  start.value = String(state.start);
  showRate();
  noise.checked = state.noisy;
  speed.value = String(SPEEDS.indexOf(state.speed));
  play.textContent = playing ? "Pause" : "Play";
  const noiseWords = state.noisy
    ? ` Noise of standard deviation ${number(scene.noise)} is added to both parts of the ` +
      `gradient, the same for all optimizers (seed ${data.seed}); losses are without it.`
    : "";
  const formula = make("b", { textContent: `f(x, y) = ${scene.formula}` });
  about.replaceChildren(formula, `. ${scene.note}${noiseWords}`);
  source.textContent =
    `Surface: ${scene.source}. The paths are those of the real optimizers, ` +
    "computed in Python with 64-bit numbers; this page only draws them.";
  showStep();
}

function showRate() {
  const { lr: chosen } = state;
  const isShared = typeof chosen === "number";
  mode.value = String(isShared ? LR_MODES.length : LR_MODES.indexOf(chosen));
  if (isShared) lr.value = String(data.lrs.indexOf(chosen));
  lrWords.value = plain(data.lrs[Number(lr.value)]);
  lr.setAttribute("aria-valuetext", lrWords.value);
  lr.parentElement?.classList.toggle("off", !isShared);
  ruleWords.textContent = paths.rule(state);
}

/* The parts that change from frame to frame. */
function showStep() {
  scrub.value = String(state.step);
  stepWords.value = `step ${state.step} of ${data.steps}`;
  rows.forEach(({ box, cells, row }, i) => {
    box.checked = !state.off.has(i);
    row.classList.toggle("off", !box.checked);
    rowWords(i).forEach((words, k) => {
      if (cells[k].textContent !== words) cells[k].textContent = words;
    });
  });
  pictures.draw();
}

/** @type {(i: number) => string[]} */
function rowWords(i) {
  const path = paths.pathOf(i, state);
  if (!path) return ["—", "—", "—", "—", "diverged at every rate"];
  const star = paths.onEdge(path, state) && data.walkers[i].lr !== null ? "*" : "";
  const here = paths.at(path, state.step);
  const numbers =
    path.diverged <= state.step
      ? ["—", "—", "—"]
      : [paths.coordinate(here, here.x), paths.coordinate(here, here.y), paths.loss(here)];
  return [paths.rate(i, path) + star, ...numbers, paths.standing(path, state.step)];
}

if (typeof DecompressionStream === "undefined") {
  root.append("This browser cannot unpack the paths; any of 2023 or later can.");
} else {
  read();
  paths.load(state.scene).then(() => {
    build();
    change(() => {});
  });
}
