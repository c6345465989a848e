// @ts-check
/* Read-outs of a chart under the pointer and the arrow keys. */

import { draw, make, say } from "./dom.js";
import { swatch } from "./look.js";
import { lastUpTo, nearest, placeBeside } from "./scale.js";

/** @import { Chart, Laid, Series } from "./chart.js" */
/** @import { Numbers } from "./scale.js" */
/** @typedef {{ each: Series, place: number, number: number }} Row A point of a series, and its number. */

const ROWS = 14; // in a read-out
const REACH = 24; // pixels from the pointer to a point on a plane

/**
 * The read-out of the chart in `svg`, in `box`: `rule` is its line, `show` takes what was drawn
 * last, and `hide` ends it.
 *
 * @param {SVGSVGElement} svg
 * @param {HTMLElement} box
 */
export function readOut(svg, box) {
  const rule = draw("line", { class: "cursor", visibility: "hidden" });
  /** @type {Laid | null} */
  let laid = null;
  /** @type {{ x: number, y: number } | null} */
  let pointer = null; // while it is on the chart
  /** @type {number | null} */
  let cursor = null;
  /** @type {number[] | null} */
  let known = null;

  const clear = () => {
    rule.setAttribute("visibility", "hidden");
    box.hidden = true;
    cursor = null;
  };
  const hide = () => {
    const wasPointer = pointer;
    pointer = null;
    clear();
    if (wasPointer) laid?.what.point?.(null);
  };
  /** @type {(drawn: Laid) => void} */
  const show = (drawn) => {
    laid = drawn;
    known = null;
    clear();
    if (pointer) readPointer(drawn, pointer);
  };

  /** @type {() => number[]} */
  function places() {
    known ??= allPlaces(laid?.what.series ?? []);
    return known;
  }

  /** @type {(drawn: Laid, place: number, rows: Row[]) => void} */
  function read({ what, x, frame, width }, place, rows) {
    cursor = place;
    const at = x(places()[place]);
    for (const [name, value] of Object.entries({ x1: at, x2: at, y1: frame.top, y2: frame.bottom }))
      rule.setAttribute(name, String(value));
    rule.setAttribute("visibility", "visible");
    box.hidden = false;
    box.classList.remove("one");
    box.replaceChildren(...table(what, places()[place], rows));
    placeBeside(box, at, frame.top, frame, width);
  }

  /* The read-out of one point, beside it; returns the point. */
  /** @type {(drawn: Laid, row: Row | undefined) => Row | null} */
  function readOne({ what, x, y, frame, width, height }, row) {
    box.hidden = !row;
    if (row) {
      const { each, place } = row;
      const lines = what.tell?.(each, place) ?? [];
      box.classList.add("one");
      box.replaceChildren(
        make("div", {}, [swatch(each.optimizer), make("b.name", {}, [each.name])]),
        ...lines.map((words) => make("div.more", {}, [words])),
      );
      const top = Math.min(y(each.y[place]) - 20, height - box.offsetHeight);
      placeBeside(box, x(each.x[place]), Math.max(0, top), frame, width);
    }
    return row ?? null;
  }

  /* The read-out under the pointer; returns the point if it is only of one. */
  /** @type {(drawn: Laid, at: { x: number, y: number }) => Row | null} */
  function readPointer(drawn, at) {
    const { what, y } = drawn;
    if (what.plane) return readOne(drawn, nearestPoint(drawn, at));
    if (!places().length) return null;
    const place = placeAt(drawn, at.x);
    const rows = rowsAt(what, places()[place]);
    if (!what.tell) {
      read(drawn, place, rows);
      return null;
    }
    rule.setAttribute("visibility", "hidden");
    /** @type {(row: Row) => number} */
    const distance = (row) => Math.abs(y(row.each.y[row.place]) - at.y);
    const placed = rows.filter((row) => !Number.isNaN(distance(row)));
    const least = Math.min(...placed.map(distance));
    return readOne(
      drawn,
      onTop(
        what,
        placed.filter((row) => distance(row) === least),
      ),
    );
  }

  /** @type {(drawn: Laid, at: number) => number} */
  const placeAt = ({ x, frame }, at) =>
    nearest(places().map(x), Math.min(Math.max(at, frame.left), frame.right));

  /** @type {(event: PointerEvent) => void} */
  function follow(event) {
    if (!laid) return;
    const { left, top } = svg.getBoundingClientRect();
    pointer = { x: event.clientX - left, y: event.clientY - top };
    const { grab } = laid.what;
    if (grab && event.type === "pointerdown") svg.setPointerCapture(event.pointerId);
    if (grab && event.buttons && places().length) grab(places()[placeAt(laid, pointer.x)]);
    const row = readPointer(laid, pointer);
    laid.what.point?.(row);
  }

  /** @type {(event: KeyboardEvent) => void} */
  function step(event) {
    const steps = event.key === "ArrowLeft" ? -1 : event.key === "ArrowRight" ? 1 : 0;
    if (event.key === "Escape") hide();
    if (!steps || !places().length || !laid || laid.what.plane) return;
    event.preventDefault();
    const from = cursor ?? (steps > 0 ? -1 : places().length);
    const place = Math.min(Math.max(from + steps, 0), places().length - 1);
    read(laid, place, rowsAt(laid.what, places()[place]));
    // biome-ignore lint/performance/useDomNodeTextContent: its line breaks are wanted
    say(box.innerText.replaceAll("\n", ", "));
  }

  svg.addEventListener("pointermove", follow);
  svg.addEventListener("pointerdown", follow);
  svg.addEventListener("pointerleave", (event) => event.pointerType !== "touch" && hide());
  svg.addEventListener("blur", hide);
  svg.addEventListener("keydown", step);
  addEventListener("pointerdown", ({ target }) => {
    if (!(target instanceof Node && svg.contains(target))) hide();
  });
  return { rule, show, hide };
}

/** @type {(each: Series) => boolean} */
const isRead = (each) => !each.faint && !each.ringed && !each.silent && each.x.length > 0;

/** @type {(series: Series[]) => number[]} */
function allPlaces(series) {
  /** @type {Set<number>} */
  const found = new Set();
  for (const each of series) if (!each.faint) for (const number of each.x) found.add(number);
  return [...found].sort((a, b) => a - b);
}

/* The row whose series is drawn last. */
/** @type {(what: Chart, rows: Row[]) => Row | undefined} */
const onTop = ({ series }, rows) =>
  rows.sort((a, b) => series.indexOf(b.each) - series.indexOf(a.each))[0];

/* The nearest point within reach; of equals, the one that is drawn last. */
/** @type {(laid: Laid, at: { x: number, y: number }) => Row | undefined} */
function nearestPoint({ what, x, y }, at) {
  let best = REACH ** 2;
  /** @type {Row | undefined} */
  let found;
  for (const each of what.series.filter(isRead)) {
    each.x.forEach((number, place) => {
      const distance = (x(number) - at.x) ** 2 + (y(each.y[place]) - at.y) ** 2;
      if (distance <= best) [best, found] = [distance, { each, place, number: each.y[place] }];
    });
  }
  return found;
}

/* The points of all series at a place, the best first. */
/** @type {(what: Chart, at: number) => Row[]} */
function rowsAt(what, at) {
  return what.series
    .filter(isRead)
    .map((each) => ({ each, place: each.step ? lastUpTo(each.x, at) : nearest(each.x, at) }))
    .filter(({ each, place }) => place >= 0 && (each.step || covers(each.x, at)))
    .map(({ each, place }) => ({ each, place, number: (each.read ?? each.y)[place] }))
    .filter(({ number }) => Number.isFinite(number))
    .sort((a, b) => (what.y.best === "high" ? b.number - a.number : a.number - b.number));
}

/** @type {(x: Numbers, at: number) => boolean} */
const covers = (x, at) => at >= x[0] - 1e-9 && at <= x[x.length - 1] * (1 + 1e-9) + 1e-9;

/** @type {(what: Chart, at: number, rows: Row[]) => Element[]} */
function table(what, at, rows) {
  const lines = rows
    .slice(0, ROWS)
    .map(({ each, place, number }) =>
      make("div", {}, [
        swatch(each.optimizer),
        make("span", {}, [each.name]),
        make("b", {}, [what.y.format(number)]),
        make("i", {}, [each.more ? each.more(place) : ""]),
      ]),
    );
  const rest = rows.length > ROWS ? [make("div.rest", {}, [`and ${rows.length - ROWS} more`])] : [];
  return [make("div.at", {}, [`${what.x.words} ${what.x.format(at)}`]), ...lines, ...rest];
}
