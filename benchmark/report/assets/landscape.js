/* "Optimizers in motion": reads the paths that Python computed, keeps the controls, the pictures
   and the address in step. No optimizer and no surface is computed here. */
"use strict";

(() => {
  const root = document.getElementById("landscape");
  const data = JSON.parse(document.getElementById("landscape-data").textContent);
  const OWN = data.lrs.length; // place of each walker's own rate on the learning-rate axis
  const MOST = 65535; // of a number of 16 bits
  const STEPS_PER_SECOND = 30;
  const SPEEDS = [0.25, 0.5, 1, 2, 4];
  const COLUMNS = ["optimizer", "lr", "x", "y", "loss", ""];

  const state = { scene: 0, start: 0, lr: "best", noisy: false, step: data.steps, speed: 1, off: new Set() };
  let playing = null; // {at: time of the last frame, step: with fractions}
  let shown = null; // {scene, paths, heights} of the scene whose numbers are unpacked
  let pointed = null; // {walker, step} under the pointer

  /* ---- numbers ---- */

  /* Undo the packing of payload.py: base64, zlib, two planes of bytes, differences. */
  async function unpack(text, length) {
    const packed = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
    const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
    const half = bytes.length / 2;
    const values = new Uint16Array(half);
    for (let i = 0; i < half; i++) {
      values[i] = (i % length ? values[i - 1] : 0) + bytes[i] + 256 * bytes[half + i];
    }
    return values;
  }

  async function load(place) {
    if (shown?.place === place) return;
    const scene = data.scenes[place];
    const [paths, relief] = await Promise.all([
      unpack(scene.paths, data.steps + 1),
      unpack(scene.relief, scene.reliefSize[1]),
    ]);
    shown = { place, scene, paths, heights: Float32Array.from(relief, (value) => value / 4095) };
  }

  const levels = data.hasNoise ? 2 : 1;

  /* Place of a walker's path among the scene's: axes walker, start, noise, learning rate. */
  const bestPlace = (walker) =>
    shown.scene.best[(walker * shown.scene.starts.length + state.start) * levels + Number(state.noisy)];

  function lrPlace(walker) {
    if (state.lr === "best") return bestPlace(walker);
    return state.lr === "own" ? OWN : data.lrs.indexOf(state.lr);
  }

  function pathOf(walker) {
    const lr = lrPlace(walker);
    if (lr < 0) return null;
    const starts = shown.scene.starts.length;
    const row = ((walker * starts + state.start) * levels + Number(state.noisy)) * (OWN + 1) + lr;
    return { row, lr, diverged: shown.scene.diverged[row] };
  }

  const isOutside = ([x0, x1, y0, y1], [x, y]) => x < x0 || x > x1 || y < y0 || y > y1;

  /* Position and loss of a path at a step; what has diverged stays where it last was. What is
     `far` was drawn in to the rim of the numbers: its x and y tell only the direction. */
  function at(path, step) {
    const [x0, x1, y0, y1] = shown.scene.window;
    const size = shown.paths.length / 3;
    const index = path.row * (data.steps + 1) + step;
    const code = (axis) => shown.paths[axis * size + index];
    const unit = (axis) => (code(axis) - data.origin) / data.units;
    return {
      x: x0 + unit(0) * (x1 - x0),
      y: y0 + unit(1) * (y1 - y0),
      far: [0, 1].some((axis) => code(axis) === 0 || code(axis) === MOST),
      gap: 10 ** (data.gapLow + data.gapStep * code(2)),
      isFloor: code(2) === 0,
      isCeiling: code(2) === MOST,
    };
  }

  function leftAt(path, step) {
    for (let k = step; k >= 0; k--) {
      const { x, y } = at(path, k);
      if (!isOutside(shown.scene.window, [x, y])) return k === step ? null : k + 1;
    }
    return 0;
  }

  const visible = () => data.walkers.map((_, i) => i).filter((i) => !state.off.has(i));

  /* ---- words ---- */

  function number(value, digits = 3) {
    if (value === null) return "none";
    if (value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e4)) {
      return value.toExponential(digits - 1).replace("e+", "e").replace("-", "−");
    }
    return String(Number(value.toPrecision(digits))).replace("-", "−");
  }

  const plain = (value) => String(value).replace("-", "−");
  const coordinate = (here, value) => (here.far ? "far" : plain(value.toFixed(3)));

  function loss(here) {
    if (here.isCeiling) return `> ${number(here.gap, 1)}`;
    if (here.isFloor && shown.scene.lowest === 0) return `≤ ${number(here.gap, 1)}`;
    return number(shown.scene.lowest + here.gap, 4);
  }

  function rate(walker, path) {
    const own = data.walkers[walker].lr;
    if (own === null) return "none";
    return path.lr === OWN ? plain(own) : plain(data.lrs[path.lr]);
  }

  const onEdge = (path) =>
    state.lr === "best" && OWN > 1 && (path.lr === 0 || path.lr === OWN - 1);

  function standing(path, step) {
    if (path.diverged <= step) return `diverged at step ${path.diverged}`;
    const left = leftAt(path, step);
    return left === null ? "" : `left at step ${left}`;
  }

  function rule() {
    const grid = `${OWN} rates from ${plain(data.lrs[0])} to ${plain(data.lrs[OWN - 1])}`;
    if (state.lr === "best") {
      return `Best of ${grid}: lowest mean of log(loss − lowest loss) over all steps from this `
        + "start; diverged paths are out. * marks a best at the end of the grid.";
    }
    if (state.lr === "own") return "Every optimizer at the rate it was given, or else its default.";
    return `Every optimizer at ${plain(state.lr)}, fair or not.`;
  }

  /* ---- controls ---- */

  function make(tag, properties = {}, children = []) {
    const element = document.createElement(tag);
    for (const [key, value] of Object.entries(properties)) {
      if (key in element) element[key] = value;
      else element.setAttribute(key, value);
    }
    element.append(...children);
    return element;
  }

  const options = (words) => words.map((word, i) => make("option", { value: i, textContent: word }));
  const field = (name, ...controls) => make("label", { className: "field" }, [make("span", { textContent: name }), ...controls]);

  const surface = make("select", { id: "landscape-surface" }, options(data.scenes.map((s) => s.title)));
  const start = make("select", { id: "landscape-start" });
  const mode = make("select", { id: "landscape-mode" }, options(["each at its best", "each at its own", "the same for all"]));
  const lr = make("input", { type: "range", id: "landscape-lr", min: 0, max: OWN - 1, step: 1, value: OWN >> 1, "aria-label": "learning rate for all" });
  const lrWords = make("output", { id: "landscape-lr-value" });
  const noise = make("input", { type: "checkbox", id: "landscape-noise" });
  const play = make("button", { type: "button", id: "landscape-play" });
  const scrub = make("input", { type: "range", id: "landscape-step", min: 0, max: data.steps, step: 1, "aria-label": "step" });
  const stepWords = make("output", { id: "landscape-step-value" });
  const speed = make("select", { id: "landscape-speed" }, options(SPEEDS.map((each) => `${each} ×`)));
  const field2d = make("canvas", { className: "field2d", role: "img" });
  const strip = make("canvas", { className: "strip", role: "img", "aria-label": "loss minus lowest loss against step" });
  const tip = make("div", { className: "tip", hidden: true });
  const about = make("p", { className: "about" });
  const source = make("p", { className: "quiet" });
  const ruleWords = make("p", { className: "quiet", id: "landscape-rule" });
  const body = make("tbody");
  const rows = data.walkers.map(legendRow);

  function legendRow(walker, i) {
    const box = make("input", { type: "checkbox" });
    box.addEventListener("change", () => change(() => state.off[box.checked ? "delete" : "add"](i)));
    const corners = walker.marker.map(([x, y]) => `${x},${-y}`).join(" ");
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const polygon = document.createElementNS("http://www.w3.org/2000/svg", "polygon");
    svg.setAttribute("viewBox", "-1.2 -1.2 2.4 2.4");
    svg.setAttribute("aria-hidden", "true");
    polygon.setAttribute("points", corners);
    svg.append(polygon);
    // An import path may break after its dots.
    const parts = walker.label.split(/(?<=\.)/).flatMap((part) => [make("wbr"), part]);
    const name = make("span", {}, parts);
    const label = make("label", { title: walker.summary }, [box, svg, name]);
    const cells = COLUMNS.slice(1).map(() => make("td"));
    const row = make("tr", {}, [make("th", { scope: "row" }, [label]), ...cells]);
    row.addEventListener("pointerenter", () => { pointed = { walker: i, step: state.step, quiet: true }; draw(); });
    row.addEventListener("pointerleave", () => { pointed = null; draw(); });
    body.append(row);
    return { box, polygon, cells, row };
  }

  function build() {
    const head = make("tr", {}, COLUMNS.map((name) => make("th", { scope: "col", textContent: name })));
    const table = make("table", { id: "landscape-legend" }, [make("thead", {}, [head]), body]);
    const all = make("button", { type: "button", textContent: "all" });
    const none = make("button", { type: "button", textContent: "none" });
    all.addEventListener("click", () => change(() => state.off.clear()));
    none.addEventListener("click", () => change(() => data.walkers.forEach((_, i) => state.off.add(i))));
    const noisy = make("label", { className: "check" }, [noise, make("span", { textContent: "gradient noise" })]);
    root.append(
      make("div", { className: "bar" }, [
        field("surface", surface), field("start", start),
        field("learning rate", mode), make("span", { className: "slider" }, [lr, lrWords]),
        ...(data.hasNoise ? [noisy] : []),
      ]),
      about,
      make("div", { className: "stage" }, [
        make("div", { className: "pictures" }, [
          make("div", { className: "plot" }, [field2d, tip]),
          make("div", { className: "bar transport" }, [play, scrub, stepWords, field("speed", speed)]),
          strip,
        ]),
        make("div", { className: "side" }, [
          make("div", { className: "scroll" }, [table]),
          make("p", { className: "bar show" }, [make("span", { className: "quiet", textContent: "show" }), all, none]),
          ruleWords, source,
        ]),
      ]),
    );
    listen();
  }

  function listen() {
    surface.addEventListener("change", () => change(() => { state.scene = Number(surface.value); }));
    start.addEventListener("change", () => change(() => { state.start = Number(start.value); }));
    mode.addEventListener("change", () => change(() => {
      state.lr = ["best", "own", data.lrs[Number(lr.value)]][Number(mode.value)];
    }));
    lr.addEventListener("input", () => change(() => { state.lr = data.lrs[Number(lr.value)]; }));
    noise.addEventListener("change", () => change(() => { state.noisy = noise.checked; }));
    speed.addEventListener("change", () => change(() => { state.speed = SPEEDS[Number(speed.value)]; }));
    scrub.addEventListener("input", () => goTo(Number(scrub.value)));
    play.addEventListener("click", () => (playing ? pause() : run()));
    strip.addEventListener("pointerdown", (event) => { strip.setPointerCapture(event.pointerId); scrubTo(event); });
    strip.addEventListener("pointermove", (event) => { if (event.buttons) scrubTo(event); });
    for (const kind of ["pointermove", "pointerdown"]) field2d.addEventListener(kind, point);
    field2d.addEventListener("pointerleave", () => { pointed = null; draw(); });
    window.addEventListener("hashchange", () => { read(); change(() => {}); });
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
    new ResizeObserver(draw).observe(root);
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

  function tick(now) {
    if (!playing) return;
    const seconds = playing.at === null ? 0 : Math.min((now - playing.at) / 1000, 0.1);
    playing.at = now;
    playing.step = Math.min(playing.step + seconds * STEPS_PER_SECOND * state.speed, data.steps);
    state.step = Math.floor(playing.step);
    if (state.step >= data.steps) return pause();
    show();
    requestAnimationFrame(tick);
  }

  function goTo(step) {
    playing = null;
    change(() => { state.step = Math.max(0, Math.min(data.steps, step)); });
  }

  function scrubTo(event) {
    const { left, width } = stripFrame();
    goTo(Math.round(((event.offsetX - left) / width) * data.steps));
  }

  /* ---- the address: only what is not as it was written, under names of our own ---- */

  const initial = () => ({ ...data.view, scene: 0, step: data.steps, speed: 1 });

  function write() {
    const words = new URLSearchParams(location.hash.slice(1));
    for (const key of [...words.keys()]) if (key.startsWith("l.")) words.delete(key);
    const first = initial();
    const set = (key, value, usual) => { if (value !== usual) words.append(`l.${key}`, value); };
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

  /* Take from the address what it says and can be had; the rest is as it was written. */
  function read() {
    const words = new URLSearchParams(location.hash.slice(1));
    const first = initial();
    const one = (key, known, usual) => {
      const found = known.find((each) => String(each) === words.get(`l.${key}`));
      return found === undefined ? usual : found;
    };
    state.scene = Math.max(0, data.scenes.findIndex((scene) => scene.name === words.get("l.surface")));
    state.start = one("start", data.scenes[0].starts.map((_, i) => i + 1), first.start + 1) - 1;
    state.lr = one("lr", ["best", "own", ...data.lrs], first.lr);
    state.noisy = data.hasNoise && Boolean(one("noise", [0, 1], Number(first.noisy)));
    state.step = one("step", Array.from({ length: data.steps + 1 }, (_, i) => i), first.step);
    state.speed = one("speed", SPEEDS, first.speed);
    const off = words.getAll("l.off");
    state.off = new Set(data.walkers.map((_, i) => i).filter((i) => off.includes(data.walkers[i].label)));
  }

  async function change(how) {
    how();
    const wanted = state.scene;
    await load(wanted);
    if (wanted !== state.scene) return; // another was chosen meanwhile
    pointed = null;
    show();
    if (!playing) write();
  }

  /* ---- showing ---- */

  function show() {
    const { scene } = shown;
    surface.value = state.scene;
    start.replaceChildren(...options(scene.starts.map(([x, y], i) => `${i + 1}: (${plain(x)}, ${plain(y)})`)));
    start.value = state.start;
    mode.value = state.lr === "best" ? 0 : state.lr === "own" ? 1 : 2;
    const isShared = typeof state.lr === "number";
    if (isShared) lr.value = data.lrs.indexOf(state.lr);
    lrWords.value = plain(data.lrs[Number(lr.value)]);
    lr.setAttribute("aria-valuetext", lrWords.value);
    lr.parentElement.classList.toggle("off", !isShared);
    noise.checked = state.noisy;
    scrub.value = state.step;
    stepWords.value = `step ${state.step} of ${data.steps}`;
    speed.value = SPEEDS.indexOf(state.speed);
    play.textContent = playing ? "Pause" : "Play";
    const noiseWords = state.noisy
      ? ` Noise of standard deviation ${number(scene.noise)} is added to both parts of the gradient, `
        + `the same for all optimizers (seed ${data.seed}); the losses shown are without it.`
      : "";
    about.replaceChildren(make("b", { textContent: `f(x, y) = ${scene.formula}` }), `. ${scene.note}${noiseWords}`);
    ruleWords.textContent = rule();
    source.textContent = `Surface: ${scene.source}. The paths are those of the real optimizers, `
      + "computed in Python with 64-bit numbers; this page only draws them.";
    showRows();
    draw();
  }

  function showRows() {
    data.walkers.forEach((walker, i) => {
      const { box, cells, row } = rows[i];
      const path = pathOf(i);
      box.checked = !state.off.has(i);
      row.classList.toggle("off", !box.checked);
      if (!path) {
        ["—", "—", "—", "—", "diverged at every rate"].forEach((words, k) => { cells[k].textContent = words; });
        return;
      }
      const here = at(path, state.step);
      const words = [rate(i, path) + (onEdge(path) && walker.lr !== null ? "*" : "")];
      const words2 = path.diverged <= state.step ? ["—", "—", "—"]
        : [coordinate(here, here.x), coordinate(here, here.y), loss(here)];
      [...words, ...words2, standing(path, state.step)].forEach((each, k) => { cells[k].textContent = each; });
    });
    field2d.setAttribute("aria-label", `${shown.scene.title} from above, with the paths of ${visible().length} optimizers`);
  }

  function look() {
    const style = getComputedStyle(root);
    const get = (name) => style.getPropertyValue(name).trim();
    return {
      ink: get("--ink"), quiet: get("--quiet"), paper: get("--paper"), rim: get("--line"),
      low: get("--low"), high: get("--high"), line: get("--contour"),
      isDark: get("--is-dark") === "1",
      font: `12px ${style.fontFamily}`,
    };
  }

  const colorOf = (walker, colors) => (colors.isDark ? walker.colorOnDark : walker.color);

  function mapFrame() {
    const side = field2d.clientWidth - 38;
    return { left: 34, top: 4, width: side, height: field2d.clientHeight - 28, window: shown.scene.window };
  }

  function stripFrame() {
    return { left: 50, top: 20, width: strip.clientWidth - 60, height: strip.clientHeight - 44 };
  }

  function draw() {
    if (!shown || !root.clientWidth) return;
    const colors = look();
    data.walkers.forEach((walker, i) => rows[i].polygon.setAttribute("fill", colorOf(walker, colors)));
    drawMap(colors);
    drawStrip(colors);
  }

  function drawMap(colors) {
    const context = LandscapeDraw.prepare(field2d);
    const frame = mapFrame();
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [Math.round(frame.width * ratio), Math.round(frame.height * ratio)];
    const key = [shown.place, width, height, colors.low, colors.high, colors.line].join();
    const picture = LandscapeDraw.relief(key, shown.heights, shown.scene.reliefSize, width, height, colors);
    context.drawImage(picture, frame.left, frame.top, frame.width, frame.height);
    drawAxes(context, frame, colors);
    context.save();
    context.beginPath();
    context.rect(frame.left, frame.top, frame.width, frame.height);
    context.clip();
    for (const [x, y] of shown.scene.minima) {
      LandscapeDraw.cross(context, ...LandscapeDraw.toPixels(frame, x, y), 5, colors.ink, 1.5);
    }
    const begin = LandscapeDraw.toPixels(frame, ...shown.scene.starts[state.start]);
    LandscapeDraw.ring(context, ...begin, 5, colors.ink);
    const order = visible().filter((i) => i !== pointed?.walker);
    if (pointed && !state.off.has(pointed.walker)) order.push(pointed.walker);
    for (const i of order) drawPath(context, frame, i, colors);
    for (const i of order) drawWalker(context, frame, i, colors);
    context.restore();
    drawTip(frame);
  }

  function drawAxes(context, frame, colors) {
    const [x0, x1, y0, y1] = frame.window;
    context.font = colors.font;
    context.fillStyle = colors.quiet;
    context.textAlign = "center";
    context.textBaseline = "top";
    for (const x of LandscapeDraw.ticks(x0, x1, 6)) {
      const [px] = LandscapeDraw.toPixels(frame, x, y0);
      const inside = Math.min(px, frame.left + frame.width - 8);
      context.fillText(plain(x), inside, frame.top + frame.height + 7);
    }
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const y of LandscapeDraw.ticks(y0, y1, 6)) {
      const [, py] = LandscapeDraw.toPixels(frame, x0, y);
      const inside = Math.min(Math.max(py, frame.top + 6), frame.top + frame.height - 6);
      context.fillText(plain(y), frame.left - 6, inside);
    }
  }

  function pixelsOf(frame, path) {
    const last = Math.min(state.step, path.diverged - 1);
    return Array.from({ length: last + 1 }, (_, k) => {
      const { x, y } = at(path, k);
      return LandscapeDraw.toPixels(frame, x, y);
    });
  }

  function drawPath(context, frame, i, colors) {
    const path = pathOf(i);
    if (!path) return;
    context.globalAlpha = 1;
    LandscapeDraw.line(context, pixelsOf(frame, path), colorOf(data.walkers[i], colors), data.walkers[i].dash, colors.paper);
  }

  function drawWalker(context, frame, i, colors) {
    const path = pathOf(i);
    if (!path) return;
    const walker = data.walkers[i];
    const color = colorOf(walker, colors);
    const last = Math.min(state.step, path.diverged - 1);
    const { x, y } = at(path, last);
    let [px, py] = LandscapeDraw.toPixels(frame, x, y);
    if (isOutside(frame.window, [x, y])) {
      [px, py] = LandscapeDraw.arrow(context, frame, px, py, color, colors.paper);
    } else {
      LandscapeDraw.marker(context, walker.marker, px, py, pointed?.walker === i ? 9 : 6.5, color, colors.paper);
    }
    if (path.diverged <= state.step) {
      LandscapeDraw.cross(context, px, py, 8, colors.paper, 5);
      LandscapeDraw.cross(context, px, py, 8, color, 2.5);
    }
  }

  /* ---- reading off ---- */

  function point(event) {
    const frame = mapFrame();
    let nearest = 24 ** 2;
    let found = null;
    for (const i of visible()) {
      const path = pathOf(i);
      if (!path) continue;
      pixelsOf(frame, path).forEach(([px, py], step) => {
        const distance = (px - event.offsetX) ** 2 + (py - event.offsetY) ** 2;
        if (distance <= nearest) [nearest, found] = [distance, { walker: i, step }];
      });
    }
    pointed = found;
    draw();
  }

  function drawTip(frame) {
    const path = pointed && !pointed.quiet && pathOf(pointed.walker);
    tip.hidden = !path;
    if (!path) return;
    const { walker, step } = pointed;
    const here = at(path, step);
    const lines = [
      data.walkers[walker].label,
      `step ${step}`,
      `x ${coordinate(here, here.x)}, y ${coordinate(here, here.y)}`,
      `loss ${loss(here)}`,
      `lr ${rate(walker, path)}`,
    ];
    tip.replaceChildren(...lines.map((words) => make("div", { textContent: words })));
    const [px, py] = LandscapeDraw.toPixels(frame, here.x, here.y);
    tip.style.left = `${px > frame.left + frame.width / 2 ? px - tip.offsetWidth - 12 : px + 12}px`;
    tip.style.top = `${Math.min(Math.max(py - 20, 0), field2d.clientHeight - tip.offsetHeight)}px`;
  }

  /* ---- loss against step ---- */

  function drawStrip(colors) {
    const context = LandscapeDraw.prepare(strip);
    const frame = stripFrame();
    const curves = visible().map((i) => [i, pathOf(i)]).filter(([, path]) => path);
    const [low, high] = decades(curves);
    frame.window = [0, data.steps, low, high];
    drawStripAxes(context, frame, colors);
    context.save();
    context.beginPath();
    context.rect(frame.left, frame.top - 6, frame.width + 8, frame.height + 12);
    context.clip();
    curves.sort(([i], [j]) => (i === pointed?.walker) - (j === pointed?.walker));
    for (const [i, path] of curves) {
      const last = Math.min(data.steps, path.diverged - 1);
      const curve = Array.from({ length: last + 1 }, (_, k) =>
        LandscapeDraw.toPixels(frame, k, Math.log10(at(path, k).gap)));
      const color = colorOf(data.walkers[i], colors);
      LandscapeDraw.line(context, curve, color, data.walkers[i].dash, colors.paper);
      if (last < data.steps) LandscapeDraw.cross(context, ...curve[last], 5, color);
      const here = Math.min(state.step, last);
      LandscapeDraw.marker(context, data.walkers[i].marker, ...curve[here], 5, color, colors.paper);
    }
    context.restore();
  }

  /* Whole decades that hold the curves, but not more above the start than a path that explodes. */
  function decades(curves) {
    let [low, high, first] = [Infinity, -Infinity, -Infinity];
    for (const [, path] of curves) {
      first = Math.max(first, Math.log10(at(path, 0).gap));
      for (let k = 0; k <= Math.min(data.steps, path.diverged - 1); k++) {
        const value = Math.log10(at(path, k).gap);
        low = Math.min(low, value);
        high = Math.max(high, value);
      }
    }
    if (!curves.length) return [-1, 0];
    return [Math.floor(low), Math.max(Math.ceil(Math.min(high, first + 1.5)), Math.floor(low) + 1)];
  }

  function drawStripAxes(context, frame, colors) {
    const [, steps, low, high] = frame.window;
    context.font = colors.font;
    context.strokeStyle = colors.rim;
    context.fillStyle = colors.quiet;
    context.lineWidth = 1;
    context.textAlign = "left";
    context.textBaseline = "top";
    context.fillText("loss − lowest loss, against step", 4, 0);
    context.textAlign = "right";
    context.textBaseline = "middle";
    const every = Math.max(1, Math.ceil((high - low) / (frame.height / 22)));
    for (let power = low; power <= high; power += every) {
      const [, y] = LandscapeDraw.toPixels(frame, 0, power);
      context.strokeRect(frame.left, Math.round(y) + 0.5, frame.width, 0);
      context.fillText(power === 0 ? "1" : `1e${plain(power)}`, frame.left - 6, y);
    }
    context.textBaseline = "top";
    for (const step of LandscapeDraw.ticks(0, steps, Math.min(6, frame.width / 60))) {
      const [x] = LandscapeDraw.toPixels(frame, step, low);
      context.textAlign = step === 0 ? "left" : x > frame.left + frame.width - 16 ? "right" : "center";
      context.fillText(String(step), x, frame.top + frame.height + 6);
    }
    const [now] = LandscapeDraw.toPixels(frame, state.step, low);
    context.strokeStyle = colors.quiet;
    context.strokeRect(Math.round(now) + 0.5, frame.top, 0, frame.height);
  }

  if (typeof DecompressionStream === "undefined") {
    root.append(make("p", { textContent: "This browser cannot unpack the paths; any of 2023 or later can." }));
    return;
  }
  build();
  read();
  change(() => {});
})();
