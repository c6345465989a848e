// @ts-check
/* The controls: those for the whole page above all sections, those for one chart beside it. */

import { CHOICES } from "./choices.js";
import { payload } from "./data.js";
import { byId, make } from "./dom.js";
import { swatch } from "./look.js";
import { change, follow, hidden, setting, state } from "./state.js";
import { term } from "./terms.js";

/** @import { Words } from "./dom.js" */
/** @import { Name } from "./state.js" */

/* A labelled list that sets `name`; `words` is its label, as text or an element; `choices` maps values to labels. */
/** @type {(name: Name, words: Words, choices: Record<string, string>, read?: (text: string) => string | number) => HTMLElement} */
export function choose(name, words, choices, read = (/** @type {string} */ text) => text) {
  const list = make(
    "select",
    { id: `choose-${name}` },
    Object.entries(choices).map(([key, text]) => make("option", { value: key }, [text])),
  );
  list.addEventListener("change", () => change({ [name]: read(list.value) }));
  follow([name], () => (list.value = String(state[name])));
  list.value = String(state[name]);
  return make("div.field", {}, [make("label", { htmlFor: list.id }, [words]), list]);
}

/* A box that sets `name`; `words` as in `choose`. */
/** @type {(name: Name, words: Words) => HTMLElement} */
export function toggle(name, words) {
  const box = make("input", { type: "checkbox", id: `choose-${name}` });
  box.addEventListener("change", () => change({ [name]: box.checked ? "1" : "0" }));
  const show = () => (box.checked = state[name] === "1");
  follow([name], show);
  show();
  return make("label.check", { htmlFor: box.id }, [box, words]);
}

/** @template Each @param {Each[]} list @param {(each: Each) => string} words @returns {Record<string, string>} */
const named = (list, words) => Object.fromEntries(list.map((each, i) => [i, words(each)]));

/* The words of the metrics that have a definition of their own. */
const definedMetrics = () =>
  payload.metrics.map((each) => each.words).filter((each) => Object.hasOwn(payload.glossary, each));

export function mainControls() {
  const legend = make("div.legend", { role: "group", "aria-label": "Optimizers" });
  const host = byId("controls");
  const metrics = choose(
    "metric",
    term(["metric", ...definedMetrics()], "Metric"),
    named(payload.metrics, (each) => each.words),
    Number,
  );
  host.replaceChildren(
    make("div.bar", {}, [
      choose(
        "problem",
        term(["problem", "setting"], "Problem"),
        named(payload.settings, (each) => each.title),
        Number,
      ),
      metrics,
      choose(
        "variants",
        term(["variant", "chosen hyperparameters"], "Hyperparameters"),
        CHOICES.variants,
      ),
    ]),
    legend,
    make("p.quiet.setting", { id: "setting" }),
  );
  new ResizeObserver(() =>
    document.documentElement.style.setProperty("--bar", `${host.offsetHeight}px`),
  ).observe(host);
  follow(["problem", "off"], () => fillLegend(legend));
  follow(["problem"], () => {
    const { name, data } = setting();
    byId("setting").textContent = data ? `${name}. Data: ${data}` : name;
  });
  follow(["problem", "metric"], () => offerMeasured(metrics));
}

/* Tasks have different metrics: only those that the setting has can be chosen. */
/** @type {(field: HTMLElement) => void} */
function offerMeasured(field) {
  const { metrics } = setting();
  for (const option of field.querySelectorAll("option"))
    option.hidden = option.disabled = !metrics.includes(Number(option.value));
  if (metrics.length && !metrics.includes(state.metric)) change({ metric: metrics[0] });
}

/** @type {(legend: HTMLElement) => void} */
function fillLegend(legend) {
  const off = hidden();
  const here = [...new Set(setting().variants.map((variant) => variant.optimizer))].sort(
    (a, b) => a - b, // the reader's own optimizers come first
  );
  const focused = /** @type {HTMLElement | null} */ (document.activeElement)?.dataset?.optimizer;
  const chips = here.map((optimizer) => {
    const chip = make(
      "button.chip",
      {
        type: "button",
        "aria-pressed": String(!off.has(optimizer)),
        "data-optimizer": String(optimizer),
        title: "click: show or hide; double click: show this one alone",
      },
      [swatch(payload.optimizers[optimizer]), payload.optimizers[optimizer].label],
    );
    chip.addEventListener("click", () => toggleOptimizer(optimizer));
    chip.addEventListener("dblclick", () =>
      change({ off: here.filter((each) => each !== optimizer).join(",") }),
    );
    return chip;
  });
  const all = make("button.chip.plain", { type: "button", hidden: off.size === 0 }, ["show all"]);
  all.addEventListener("click", () => change({ off: "" }));
  legend.replaceChildren(...chips, all);
  if (focused) chips.find((chip) => chip.dataset.optimizer === focused)?.focus();
}

/** @type {(optimizer: number) => void} */
function toggleOptimizer(optimizer) {
  const off = hidden();
  if (!off.delete(optimizer)) off.add(optimizer);
  change({ off: [...off].sort((a, b) => a - b).join(",") });
}
