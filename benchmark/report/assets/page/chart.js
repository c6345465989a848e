// @ts-check
/* A line chart in SVG, with bands, lines with markers, crosses, end labels, and a read-out under the
   pointer or the arrow keys. Colours come from the style sheet, so dark mode and print need no code. */

import { payload } from "./data.js";
import { draw, make, say } from "./dom.js";
import { inked, markerPath, swatch, textWidth } from "./look.js";
import { extent, lastUpTo, marksOf, nearest, padded, placeBeside, scale } from "./scale.js";

/** @import { Mark, Numbers, Range, Scale } from "./scale.js" */
/**
 * An axis. Without `range` it spans the drawn values. `tick` formats its numbers, otherwise
 * `format` does. `best` is the sort order of a read-out.
 *
 * @typedef {{
 *   log: boolean, words: string, format: (number: number) => string,
 *   range?: Range, pad?: number, ticks?: number[],
 *   tick?: (number: number) => string, best?: "high" | "low",
 * }} Axis
 */
/**
 * A series in the look of one optimizer. `low` and `high` are a band, or whiskers if all
 * points are `marked`; `step` draws a staircase; a read-out shows `read`, otherwise `y`, and `more`.
 * A `faint` or `thin` series has no label; a `loose` one does not extend the axes. A `ringed` one is
 * only a ring around each point, without label and read-out.
 *
 * @typedef {{
 *   name: string, optimizer: number, x: Numbers, y: Numbers, low?: Numbers, high?: Numbers,
 *   read?: Numbers, more?: (place: number) => string,
 *   faint?: boolean, thin?: boolean, loose?: boolean, step?: boolean, marked?: boolean,
 *   ringed?: boolean,
 * }} Series
 */
/** @typedef {{ optimizer: number, x: number, y: number | null, words: string }} Cross */
/** @typedef {{ label: string, x: Axis, y: Axis, series: Series[], crosses?: Cross[], flat?: boolean }} Chart */
/** @typedef {Chart | { empty: string }} Description A chart, or the reason why there is none. */
/** @typedef {{ left: number, right: number, top: number, bottom: number }} Frame */
/** @typedef {{ each: Series, from: number, at: number }} Label */

const ROOM = { top: 12, bottom: 42, left: 58, right: 14 };
const TITLE = 32; // room for the vertical title, and padding on both sides of the numbers
const MARKERS = 7; // along a line
const ROWS = 14; // in a read-out
const CROWD = 5; // number of series from which on bands are fainter

/* Draw the chart that `describe()` returns in `host`; return a function that redraws it. */
/** @type {(host: HTMLElement, describe: () => Description) => () => void} */
export function chart(host, describe) {
  host.classList.add("chart");
  let width = 0;
  /** @type {number | null} */
  let cursor = null;
  let close = () => {};
  const redraw = () => {
    width ||= host.clientWidth; // measured once, because each access makes the browser lay out the page
    if (!width) return;
    cursor = null;
    const what = describe();
    host.replaceChildren(
      ...("series" in what ? picture(what) : [make("p.empty", {}, [what.empty])]),
    );
  };

  /** @type {(what: Chart) => Element[]} */
  function picture(what) {
    const height = Math.round(Math.min(440, Math.max(280, width * 0.46)) * (what.flat ? 0.75 : 1));
    const labels = width > 640 ? endLabels(what.series) : [];
    const longest = Math.max(0, ...labels.map((each) => textWidth(each.name)));
    const right = labels.length ? Math.min(16 + longest, width * 0.3) : ROOM.right;
    const frame = { left: 0, right: width - right, top: ROOM.top, bottom: height - ROOM.bottom };
    const firm = what.series.filter((each) => !each.loose);
    const drawn = firm.length ? firm : what.series;
    const xs =
      what.x.range ??
      padded(
        extent(
          drawn.map((each) => each.x),
          what.x.log,
        ),
        what.x.log,
        what.x.pad ?? 0,
      );
    const ys =
      what.y.range ??
      padded(
        extent(
          drawn.flatMap((each) => [each.y, each.low ?? [], each.high ?? []]),
          what.y.log,
        ),
        what.y.log,
      );
    const y = scale(...ys, frame.bottom, frame.top, what.y.log);
    const widths = yMarks(what, y).map(({ words }) => textWidth(words));
    frame.left = Math.max(ROOM.left, TITLE + Math.max(0, ...widths));
    const x = scale(...xs, frame.left, frame.right, what.x.log);
    const id = `clip-${host.id}`;
    const clip = draw("clipPath", { id }, [
      draw("rect", {
        x: frame.left - 6,
        y: frame.top - 6,
        width: frame.right - frame.left + 12,
        height: frame.bottom - frame.top + 9,
      }),
    ]);
    const inside = draw("g", { "clip-path": `url(#${id})` });
    const layers = [...what.series].sort((a, b) => Number(isOwn(a)) - Number(isOwn(b)));
    for (const each of layers)
      if (each.low) inside.append((each.marked ? whiskers : band)(each, x, y));
    for (const each of layers) inside.append(...line(each, x, y));
    for (const each of what.crosses ?? [])
      inside.append(cross(each, ...crossAt(each, x, y, frame)));
    const rule = draw("line", {
      class: "cursor",
      y1: frame.top,
      y2: frame.bottom,
      visibility: "hidden",
    });
    const svg = draw(
      "svg",
      {
        width,
        height,
        viewBox: `0 0 ${width} ${height}`,
        role: "img",
        tabindex: "0",
        "aria-label": what.label,
        class: drawn.length > CROWD ? "crowded" : "",
      },
      [clip, ...axes(what, x, y, frame), inside, ...placedLabels(labels, x, y, frame), rule],
    );
    const box = make("div.readout", { hidden: true });
    listen(svg, rule, box, what, x, frame);
    return [svg, box];
  }

  /** @type {(svg: SVGSVGElement, rule: SVGLineElement, box: HTMLElement, what: Chart, x: Scale, frame: Frame) => void} */
  function listen(svg, rule, box, what, x, frame) {
    const places = allPlaces(what.series);
    /** @type {(place: number) => void} */
    const read = (place) => {
      cursor = place;
      const at = x(places[place]);
      rule.setAttribute("x1", String(at));
      rule.setAttribute("x2", String(at));
      rule.setAttribute("visibility", "visible");
      box.hidden = false;
      box.replaceChildren(...readout(what, places[place]));
      placeBeside(box, at, frame.top, frame, width);
    };
    const leave = () => {
      rule.setAttribute("visibility", "hidden");
      box.hidden = true;
      cursor = null;
    };
    close = leave;
    /** @type {(event: PointerEvent) => void} */
    const follow = (event) => {
      if (!places.length) return;
      const at = event.clientX - svg.getBoundingClientRect().left;
      read(nearest(places.map(x), Math.min(Math.max(at, frame.left), frame.right)));
    };
    svg.addEventListener("pointermove", follow);
    svg.addEventListener("pointerdown", follow);
    svg.addEventListener("pointerleave", (event) => event.pointerType !== "touch" && leave());
    svg.addEventListener("blur", leave);
    svg.addEventListener("keydown", (event) => {
      const steps = event.key === "ArrowLeft" ? -1 : event.key === "ArrowRight" ? 1 : 0;
      if (event.key === "Escape") leave();
      if (!steps || !places.length) return;
      event.preventDefault();
      const from = cursor ?? (steps > 0 ? -1 : places.length);
      read(Math.min(Math.max(from + steps, 0), places.length - 1));
      // biome-ignore lint/performance/useDomNodeTextContent: its line breaks are wanted
      say(box.innerText.replaceAll("\n", ", "));
    });
  }

  addEventListener("pointerdown", ({ target }) => {
    if (!(target instanceof Node && host.contains(target))) close();
  });
  new ResizeObserver(() => {
    if (host.clientWidth === width) return;
    width = host.clientWidth;
    redraw();
  }).observe(host);
  return redraw;
}

/* The reader's own optimizers are drawn over the others. */
/** @type {(series: Series) => boolean} */
const isOwn = (series) => payload.optimizers[series.optimizer].own;

/** @type {(series: Series[]) => number[]} */
function allPlaces(series) {
  /** @type {Set<number>} */
  const found = new Set();
  for (const each of series) if (!each.faint) for (const number of each.x) found.add(number);
  return [...found].sort((a, b) => a - b);
}

/** @type {(what: Chart, at: number) => Element[]} */
function readout(what, at) {
  const rows = what.series
    .filter((each) => !each.faint && !each.ringed && each.x.length)
    .map((each) => ({ each, place: each.step ? lastUpTo(each.x, at) : nearest(each.x, at) }))
    .filter(({ each, place }) => place >= 0 && (each.step || covers(each.x, at)))
    .map(({ each, place }) => ({ each, place, number: (each.read ?? each.y)[place] }))
    .filter(({ number }) => Number.isFinite(number))
    .sort((a, b) => (what.y.best === "high" ? b.number - a.number : a.number - b.number));
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

/** @type {(x: Numbers, at: number) => boolean} */
const covers = (x, at) => at >= x[0] - 1e-9 && at <= x[x.length - 1] * (1 + 1e-9) + 1e-9;

/** @type {(what: Chart, y: Scale) => Mark[]} */
const yMarks = (what, y) => marksOf(y, what.y.tick ?? what.y.format, 5);

/** @type {(what: Chart, x: Scale, y: Scale, frame: Frame) => Element[]} */
function axes(what, x, y, frame) {
  const marks = [];
  const wide = frame.right - frame.left;
  for (const { at, words } of marksOf(x, what.x.format, what.x.ticks ?? Math.max(2, wide / 95))) {
    marks.push(
      draw("line", { class: "tick", x1: at, x2: at, y1: frame.bottom, y2: frame.bottom + 4 }),
    );
    marks.push(
      draw("text", { class: "number", x: at, y: frame.bottom + 17, "text-anchor": "middle" }, [
        words,
      ]),
    );
  }
  for (const { at, words } of yMarks(what, y)) {
    marks.push(draw("line", { class: "grid", x1: frame.left, x2: frame.right, y1: at, y2: at }));
    marks.push(
      draw("text", { class: "number", x: frame.left - 8, y: at + 4, "text-anchor": "end" }, [
        words,
      ]),
    );
  }
  marks.push(
    draw("line", {
      class: "axis",
      x1: frame.left,
      x2: frame.right,
      y1: frame.bottom,
      y2: frame.bottom,
    }),
  );
  const middle = (frame.left + frame.right) / 2;
  marks.push(
    draw("text", { class: "words", x: middle, y: frame.bottom + 36, "text-anchor": "middle" }, [
      what.x.words + (x.log ? ", log" : ""),
    ]),
  );
  const up = (frame.top + frame.bottom) / 2;
  marks.push(
    draw(
      "text",
      { class: "words", transform: `translate(13 ${up}) rotate(-90)`, "text-anchor": "middle" },
      [what.y.words + (y.log ? ", log" : "")],
    ),
  );
  return marks;
}

/* The path of a line, with a gap at absent points. Extreme heights are clipped. */
/** @type {(xs: Numbers, ys: Numbers, x: Scale, y: Scale, step?: boolean) => string} */
function pathOf(xs, ys, x, y, step) {
  let [path, down, before] = ["", false, ""];
  for (let i = 0; i < xs.length; i++) {
    if (!Number.isFinite(ys[i]) || (x.log && xs[i] <= 0) || (y.log && ys[i] <= 0)) {
      down = false;
      continue;
    }
    const [px, py] = [x(xs[i]).toFixed(1), Math.max(-4000, Math.min(9000, y(ys[i]))).toFixed(1)];
    path += !down ? `M${px} ${py}` : step ? `L${px} ${before}L${px} ${py}` : `L${px} ${py}`;
    [down, before] = [true, py];
  }
  return path;
}

/** @type {(series: Series, x: Scale, y: Scale) => Element} */
function band(series, x, y) {
  const floor = y.log ? y.low / 10 : -Infinity;
  const { low: lows = [], high: highs = [] } = series;
  let [up, back] = ["", ""];
  series.x.forEach((at, i) => {
    const [low, high] = [Math.max(lows[i], floor), highs[i]];
    if (
      !Number.isFinite(low) ||
      !Number.isFinite(high) ||
      (x.log && at <= 0) ||
      (y.log && high <= 0)
    )
      return;
    const px = x(at).toFixed(1);
    up += `${up ? "L" : "M"}${px} ${y(high).toFixed(1)}`;
    back = `L${px} ${y(low).toFixed(1)}${back}`;
  });
  return inked("path", series.optimizer, { class: "band", d: up ? `${up}${back}Z` : "" });
}

/* Whiskers, for intervals at single places with nothing known in between. */
/** @type {(series: Series, x: Scale, y: Scale) => Element} */
function whiskers(series, x, y) {
  const floor = y.log ? y.low / 10 : -Infinity;
  const { low: lows = [], high: highs = [] } = series;
  const path = Array.from(series.x, (at, i) => {
    const [low, high] = [Math.max(lows[i], floor), highs[i]];
    if (!Number.isFinite(low) || !Number.isFinite(high) || (y.log && high <= 0)) return "";
    const px = x(at).toFixed(1);
    return `M${px} ${y(low).toFixed(1)}V${y(high).toFixed(1)}`;
  });
  return inked("path", series.optimizer, { class: "whisker", d: path.join("") });
}

/** @type {(series: Series, x: Scale, y: Scale) => Element[]} */
function line(series, x, y) {
  if (series.ringed)
    return [inked("path", series.optimizer, { class: "ring", d: rings(series, x, y) })];
  const dash = payload.optimizers[series.optimizer].style.dash.join(" ");
  const kind = series.faint ? "line faint" : series.thin ? "line thin" : "line";
  const path = pathOf(series.x, series.y, x, y, series.step);
  const drawn = [
    inked("path", series.optimizer, {
      class: kind,
      d: path,
      "stroke-dasharray": dash,
      "data-line": series.name,
    }),
  ];
  if (series.faint || series.thin) return drawn;
  return [...drawn, inked("path", series.optimizer, { class: "dot", d: markers(series, x, y) })];
}

/** @type {(series: Series, x: Scale, y: Scale) => string} */
function rings(series, x, y) {
  const path = Array.from(series.x, (at, i) =>
    Number.isFinite(series.y[i])
      ? `M${(x(at) - 9).toFixed(1)} ${y(series.y[i]).toFixed(1)}a9 9 0 1 0 18 0a9 9 0 1 0 -18 0`
      : "",
  );
  return path.join("");
}

/** @type {(series: Series, x: Scale, y: Scale) => string} */
function markers(series, x, y) {
  const last = series.x.length - 1;
  const spaced = Array.from({ length: MARKERS }, (_, k) => Math.round((k * last) / (MARKERS - 1)));
  const places = series.marked || last < MARKERS ? series.x.keys() : new Set(spaced);
  return [...places]
    .filter(
      (i) =>
        Number.isFinite(series.y[i]) &&
        !(x.log && series.x[i] <= 0) &&
        !(y.log && series.y[i] <= 0),
    )
    .map((i) => markerPath(series.optimizer, x(series.x[i]), y(series.y[i]), 4.2))
    .join("");
}

/* The position of a cross inside the frame, at its top if its height cannot be drawn. */
/** @type {(each: Cross, x: Scale, y: Scale, frame: Frame) => [number, number]} */
function crossAt(each, x, y, frame) {
  const up = each.y === null ? NaN : y(each.y);
  /** @type {(at: number, low: number, high: number) => number} */
  const clamped = (at, low, high) => Math.min(Math.max(at, low), high);
  return [
    clamped(x(each.x), frame.left, frame.right),
    Number.isFinite(up) ? clamped(up, frame.top + 6, frame.bottom - 4) : frame.top + 6,
  ];
}

/** @type {(each: Cross, x: number, y: number) => Element} */
function cross({ optimizer, words }, x, y) {
  const path = `M${x - 4} ${y - 4}L${x + 4} ${y + 4}M${x - 4} ${y + 4}L${x + 4} ${y - 4}`;
  return inked("path", optimizer, { class: "cross", d: path }, [draw("title", {}, [words])]);
}

/* The series that get a label at their end: the main ones, if they are few enough to read. */
/** @type {(series: Series[]) => Series[]} */
function endLabels(series) {
  const named = series.filter((each) => !each.faint && !each.thin && !each.ringed && each.x.length);
  return named.length <= 14 ? named : [];
}

/* End labels: at the last point of a line that ends early, otherwise at the right edge. Labels that
   would overlap are moved apart. */
/** @type {(series: Series[], x: Scale, y: Scale, frame: Frame) => Element[]} */
function placedLabels(series, x, y, frame) {
  const late = frame.right - (frame.right - frame.left) * 0.15;
  const lines = series
    .map((each) => ({ each, last: lastPlace(each.y, y.log) }))
    .filter(({ last }) => last >= 0)
    .map(({ each, last }) => ({
      each,
      from: x(each.x[last]),
      at: Math.max(frame.top, y(each.y[last])),
    }))
    .filter(({ from }) => Number.isFinite(from))
    .map((line) => ({ ...line, from: (line.from > late ? frame.right : line.from) + 9 }));
  for (const column of overlapping(lines)) {
    spread(
      column.sort((a, b) => a.at - b.at),
      frame.top + 4,
      frame.bottom - 2,
      15,
    );
  }
  return lines.map(({ each, from, at }) =>
    inked("text", each.optimizer, { class: "end", x: from, y: at + 4 }, [each.name]),
  );
}

/* Groups of labels such that labels of different groups cannot overlap. */
/** @type {(lines: Label[]) => Label[][]} */
function overlapping(lines) {
  /** @type {Label[][]} */
  const groups = [];
  let end = -Infinity;
  for (const line of [...lines].sort((a, b) => a.from - b.from)) {
    if (line.from > end) groups.push([]);
    groups[groups.length - 1].push(line);
    end = Math.max(end, line.from + textWidth(line.each.name));
  }
  return groups;
}

/* The index of the last number that can be drawn, −1 if there is none. */
/** @type {(numbers: Numbers, log: boolean) => number} */
const lastPlace = (numbers, log) =>
  numbers.findLastIndex((number) => Number.isFinite(number) && !(log && number <= 0));

/* Move labels apart until neighbours have a distance of `gap`, inside [top, bottom]. */
/** @type {(lines: Label[], top: number, bottom: number, gap: number) => void} */
function spread(lines, top, bottom, gap) {
  let at = top - gap;
  for (const each of lines) at = each.at = Math.max(each.at, at + gap);
  at = bottom + gap;
  for (const each of [...lines].reverse()) at = each.at = Math.min(each.at, at - gap);
}
