// @ts-check
/* The main module, which assembles the page. */

import { costSection, provenanceSection, troubleSection } from "./accounts.js";
import { mainControls } from "./controls.js";
import { curvesSection } from "./curves.js";
import { payload } from "./data.js";
import { byId, goTo, make } from "./dom.js";
import { insideSection } from "./inside.js";
import { fillHeadline, leaderboardSection } from "./leaderboard.js";
import { ranksSection } from "./ranks.js";
import { searchesSection } from "./searches.js";
import { CHOSEN, defaults, readAddress, refresh, state } from "./state.js";
import { targetsSection } from "./targets.js";
import { tip } from "./terms.js";
import { tuningSection } from "./tuning.js";
import { verdictSection } from "./verdicts.js";

const SECTIONS = {
  verdicts: "Verdicts",
  leaderboard: "Leaderboard",
  curves: "Curves",
  targets: "Time to target",
  search: "Learning rates tried",
  sensitivity: "Learning rate",
  ranks: "Ranks",
  inside: "Inside the optimizer",
  trouble: "Diverged and failed",
  cost: "Cost",
  landscape: "In motion",
  provenance: "Provenance",
};

/* Sections that exist only if there is something to draw. */
const DRAWN = [
  "controls",
  "leaderboard",
  "curves",
  "targets",
  "search",
  "sensitivity",
  "ranks",
  "inside",
  "cost",
];

function fillFrame() {
  byId("title").textContent = payload.studies.join(", ");
  /** @type {(number: number, word: string) => string} */
  const count = (number, word) => `${number} ${word}${number === 1 ? "" : "s"}`;
  const problems = new Set(payload.settings.map((each) => each.problem)).size;
  const tuning = payload.tuning_trials;
  byId("subtitle").textContent = [
    count(payload.trials, tuning ? "evaluation trial" : "trial"),
    ...(tuning ? [count(tuning, "tuning trial")] : []),
    count(payload.optimizers.length, "optimizer"),
    count(problems, "problem"),
  ].join(" · ");
  byId("unfinished").replaceChildren(
    ...payload.unfinished.map((words) => make("p.caution", {}, [words])),
  );
  byId("nav").replaceChildren(
    ...Object.entries(SECTIONS)
      .filter(([id]) => byId(id) && !byId(id).hidden)
      .map(([id, words]) => {
        const link = make("a", { href: `#${id}` }, [words]);
        link.addEventListener("click", (event) => {
          event.preventDefault();
          goTo(id);
        });
        return link;
      }),
  );
}

/* Folded parts are opened for printing. */
function unfold() {
  for (const details of document.querySelectorAll("details")) details.open = true;
  for (const button of document.querySelectorAll("button")) {
    if (button.matches(".table > .link")) button.click();
  }
}

function start() {
  if (payload.reference) defaults.against = state.against = payload.reference;
  const drawn = payload.settings.length && payload.metrics.length;
  if (!drawn) for (const id of DRAWN) byId(id).hidden = true;
  if (!payload.inside.length) byId("inside").hidden = true;
  verdictSection();
  if (!payload.searches.some((each) => each.searches.length)) byId("search").hidden = true;
  // Where everything was tuned, the learning rates that were tried are the points of the tuning.
  const isTuned = payload.searches.length && payload.searches.every((each) => each.searches.length);
  if (isTuned) byId("sensitivity").hidden = true;
  fillFrame();
  tip.listen();
  addEventListener("beforeprint", unfold);
  fillHeadline();
  troubleSection();
  provenanceSection();
  if (!drawn) return;
  readAddress();
  mainControls();
  leaderboardSection();
  curvesSection();
  targetsSection();
  searchesSection();
  tuningSection();
  ranksSection();
  insideSection();
  costSection();
  refresh(CHOSEN);
  addEventListener("hashchange", () => refresh(readAddress()));
}

start();
