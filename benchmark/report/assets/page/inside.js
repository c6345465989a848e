// @ts-check
/* The section of values recorded with --diagnostics; it shares axis, center and band with the curves. */

import { chart } from "./chart.js";
import { CHOICES } from "./choices.js";
import { choose } from "./controls.js";
import { shownSeries } from "./curves.js";
import { AXIS_WORDS, curvesOf, payload } from "./data.js";
import { byId, make } from "./dom.js";
import { compact, digits } from "./format.js";
import { follow, state } from "./state.js";
import { definition, term } from "./terms.js";

/** @import { Description } from "./chart.js" */
/** @import { Name } from "./state.js" */

const ONE_SIDED = ["cosine", "signal_to_noise"]; // a log axis would hide values near 0

function insideCurves() {
  const place = payload.inside.indexOf(`inside/${state.group}/${state.look}`);
  return place < 0 ? null : curvesOf(payload.metrics.length + place, state.problem);
}

/** @type {() => Description} */
function describeInside() {
  const curves = insideCurves();
  const words = state.look.replaceAll("_", " ");
  const series = curves ? shownSeries(curves, digits) : [];
  if (!series.length)
    return {
      empty: `No trial of the current selection has recorded the ${words} of ${state.group}.`,
    };
  return {
    label: `${words} of ${state.group} over ${AXIS_WORDS[state.x]}`,
    series,
    x: { log: state.logx === "1", words: AXIS_WORDS[state.x], format: compact },
    y: {
      log: !ONE_SIDED.includes(state.look),
      words,
      format: (each) => digits(each),
      tick: compact,
    },
  };
}

export function insideSection() {
  if (!payload.inside.length) return;
  const parts = payload.inside.map((name) => name.replace(/^inside\//, ""));
  const groups = [...new Set(parts.map((name) => name.slice(0, name.lastIndexOf("/"))))];
  const quantities = [...new Set(parts.map((name) => name.slice(name.lastIndexOf("/") + 1)))];
  CHOICES.group = Object.fromEntries(
    groups.map((each) => [each, each === "all" ? "all parameters" : each]),
  );
  CHOICES.look = Object.fromEntries(quantities.map((each) => [each, each.replaceAll("_", " ")]));
  const about = make("p.quiet");
  const host = make("div", { id: "inside-chart" });
  byId("inside-body").replaceChildren(
    make("div.bar", {}, [
      choose("look", "Quantity", CHOICES.look),
      choose("group", term("layer", "Of"), CHOICES.group),
    ]),
    host,
    about,
  );
  const redraw = chart(host, describeInside);
  /** @type {Name[]} */
  const all = [
    "problem",
    "variants",
    "off",
    "x",
    "logx",
    "center",
    "band",
    "seeds",
    "smooth",
    "look",
    "group",
  ];
  follow(all, () => {
    about.textContent = definition(CHOICES.look[state.look]);
    redraw();
  });
}
