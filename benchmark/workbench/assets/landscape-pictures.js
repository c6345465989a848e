/* The two pictures of "Optimizers in motion": paths on a surface from above, loss against step.

   `paths` gives the numbers, `state` says what is chosen, `parts` are the elements to draw on:
   root, map, strip, a tip for each of both, and the legend's marks. */
"use strict";

function LandscapePictures(data, paths, state, { root, map, strip, tip, stripTip, marks }) {
  const { prepare, toPixels, ticks, relief, marker, line, cross, ring, arrow } = LandscapeDraw;
  const { walkers, steps } = data;

  const visible = () => walkers.map((_, i) => i).filter((i) => !state.off.has(i));

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
    const side = map.clientWidth - 38;
    const { window } = paths.shown.scene;
    return { left: 34, top: 4, width: side, height: map.clientHeight - 28, window };
  }

  function stripFrame() {
    return { left: 50, top: 20, width: strip.clientWidth - 60, height: strip.clientHeight - 44 };
  }

  /* The step at a place on the strip. */
  function stepAt(px) {
    const { left, width } = stripFrame();
    return Math.max(0, Math.min(steps, Math.round(((px - left) / width) * steps)));
  }

  function draw() {
    if (!paths.shown || map.clientWidth < 80) return; // not laid out yet, or hidden
    const colors = look();
    walkers.forEach((walker, i) => marks[i].setAttribute("fill", colorOf(walker, colors)));
    drawMap(colors);
    drawStrip(colors);
  }

  function drawMap(colors) {
    const context = prepare(map);
    const frame = mapFrame();
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [Math.round(frame.width * ratio), Math.round(frame.height * ratio)];
    const key = [paths.shown.place, width, height, colors.low, colors.high, colors.line].join();
    const { heights, scene } = paths.shown;
    const picture = relief(key, heights, scene.reliefSize, width, height, colors);
    context.drawImage(picture, frame.left, frame.top, frame.width, frame.height);
    drawAxes(context, frame, colors);
    context.save();
    context.beginPath();
    context.rect(frame.left, frame.top, frame.width, frame.height);
    context.clip();
    for (const [x, y] of scene.minima) {
      cross(context, ...toPixels(frame, x, y), 5, colors.ink, 1.5);
    }
    const begin = toPixels(frame, ...scene.starts[state.start]);
    ring(context, ...begin, 5, colors.ink);
    const order = visible().filter((i) => i !== state.pointed?.walker);
    if (state.pointed && !state.off.has(state.pointed.walker)) order.push(state.pointed.walker);
    for (const i of order) drawPath(context, frame, i, colors);
    for (const i of order) drawWalker(context, frame, i, colors);
    context.restore();
    drawTip(tip, frame, false);
  }

  function drawAxes(context, frame, colors) {
    const [x0, x1, y0, y1] = frame.window;
    context.font = colors.font;
    context.fillStyle = colors.quiet;
    context.textAlign = "center";
    context.textBaseline = "top";
    for (const x of ticks(x0, x1, 6)) {
      const [px] = toPixels(frame, x, y0);
      const inside = Math.min(px, frame.left + frame.width - 8);
      context.fillText(paths.plain(x), inside, frame.top + frame.height + 7);
    }
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const y of ticks(y0, y1, 6)) {
      const [, py] = toPixels(frame, x0, y);
      const inside = Math.min(Math.max(py, frame.top + 6), frame.top + frame.height - 6);
      context.fillText(paths.plain(y), frame.left - 6, inside);
    }
  }

  function pixelsOf(frame, path) {
    const last = Math.min(state.step, path.diverged - 1);
    return Array.from({ length: last + 1 }, (_, k) => {
      const { x, y } = paths.at(path, k);
      return toPixels(frame, x, y);
    });
  }

  function drawPath(context, frame, i, colors) {
    const path = paths.pathOf(i, state);
    if (!path) return;
    const walker = walkers[i];
    line(context, pixelsOf(frame, path), colorOf(walker, colors), walker.dash, colors.paper);
  }

  function drawWalker(context, frame, i, colors) {
    const path = paths.pathOf(i, state);
    if (!path) return;
    const walker = walkers[i];
    const color = colorOf(walker, colors);
    const last = Math.min(state.step, path.diverged - 1);
    const { x, y } = paths.at(path, last);
    let [px, py] = toPixels(frame, x, y);
    if (paths.isOutside({ x, y })) {
      [px, py] = arrow(context, frame, px, py, color, colors.paper);
    } else {
      const size = state.pointed?.walker === i ? 9 : 6.5;
      marker(context, walker.marker, px, py, size, color, colors.paper);
    }
    if (path.diverged <= state.step) {
      cross(context, px, py, 8, colors.paper, 5);
      cross(context, px, py, 8, color, 2.5);
    }
  }

  /* Let the pointer choose the nearest step of a visible path. */
  function point(event) {
    const frame = mapFrame();
    let nearest = 24 ** 2;
    let found = null;
    for (const i of visible()) {
      const path = paths.pathOf(i, state);
      if (!path) continue;
      pixelsOf(frame, path).forEach(([px, py], step) => {
        const distance = (px - event.offsetX) ** 2 + (py - event.offsetY) ** 2;
        if (distance <= nearest) [nearest, found] = [distance, { walker: i, step }];
      });
    }
    state.pointed = found;
    draw();
  }

  /* Let the pointer choose the curve that is nearest above or below it. */
  function pointStrip(px, py) {
    if (!paths.shown) return;
    const step = stepAt(px);
    const frame = { ...stripFrame(), window: [0, steps, ...decades(curves())] };
    const found = curves()
      .filter(([, path]) => step < path.diverged)
      .map(([walker, path]) => {
        const [, height] = toPixels(frame, step, Math.log10(paths.at(path, step).gap));
        return { walker, step, strip: true, distance: Math.abs(height - py) };
      })
      .sort((a, b) => a.distance - b.distance);
    state.pointed = found[0] ?? null;
    draw();
  }

  const curves = () => visible().map((i) => [i, paths.pathOf(i, state)]).filter(([, path]) => path);

  /* Tell on the map, or on the strip, what is pointed at there. */
  function drawTip(box, frame, isStrip) {
    const { pointed } = state;
    const isHere = pointed && !pointed.quiet && Boolean(pointed.strip) === isStrip;
    const path = isHere && paths.pathOf(pointed.walker, state);
    box.hidden = !path;
    if (!path) return;
    const { walker, step } = pointed;
    const here = paths.at(path, step);
    const lines = [
      walkers[walker].label,
      `step ${step}`,
      `x ${paths.coordinate(here, here.x)}, y ${paths.coordinate(here, here.y)}`,
      `loss ${paths.loss(here)}`,
      `lr ${paths.rate(walker, path)}`,
    ];
    box.replaceChildren(...lines.map((words) => {
      const line = document.createElement("div");
      line.textContent = words;
      return line;
    }));
    const [px, py] = toPixels(frame, ...(isStrip ? [step, Math.log10(here.gap)] : [here.x, here.y]));
    const bottom = frame.top + frame.height + 24 - box.offsetHeight;
    box.style.left = `${px > frame.left + frame.width / 2 ? px - box.offsetWidth - 12 : px + 12}px`;
    box.style.top = `${Math.max(0, Math.min(py - 20, bottom))}px`;
  }

  function drawStrip(colors) {
    const context = prepare(strip);
    const frame = stripFrame();
    const shown = curves();
    const [low, high] = decades(shown);
    frame.window = [0, steps, low, high];
    drawStripAxes(context, frame, colors);
    context.save();
    context.beginPath();
    context.rect(frame.left, frame.top - 6, frame.width + 8, frame.height + 12);
    context.clip();
    shown.sort(([i], [j]) => (i === state.pointed?.walker) - (j === state.pointed?.walker));
    for (const [i, path] of shown) {
      const last = Math.min(steps, path.diverged - 1);
      const curve = Array.from({ length: last + 1 }, (_, k) =>
        toPixels(frame, k, Math.log10(paths.at(path, k).gap)));
      const color = colorOf(walkers[i], colors);
      line(context, curve, color, walkers[i].dash, colors.paper);
      if (last < steps) cross(context, ...curve[last], 5, color);
      const here = Math.min(state.step, last);
      marker(context, walkers[i].marker, ...curve[here], 5, color, colors.paper);
    }
    context.restore();
    drawTip(stripTip, frame, true);
  }

  /* Whole decades that hold the curves, but not more above the start than a path that explodes. */
  function decades(curves) {
    let [low, high, first] = [Infinity, -Infinity, -Infinity];
    for (const [, path] of curves) {
      first = Math.max(first, Math.log10(paths.at(path, 0).gap));
      for (let k = 0; k <= Math.min(steps, path.diverged - 1); k++) {
        const value = Math.log10(paths.at(path, k).gap);
        low = Math.min(low, value);
        high = Math.max(high, value);
      }
    }
    if (!curves.length) return [-1, 0];
    return [Math.floor(low), Math.max(Math.ceil(Math.min(high, first + 1.5)), Math.floor(low) + 1)];
  }

  function drawStripAxes(context, frame, colors) {
    const [, , low, high] = frame.window;
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
      const [, y] = toPixels(frame, 0, power);
      context.strokeRect(frame.left, Math.round(y) + 0.5, frame.width, 0);
      context.fillText(power === 0 ? "1" : `1e${paths.plain(power)}`, frame.left - 6, y);
    }
    context.textBaseline = "top";
    for (const step of ticks(0, steps, Math.min(6, frame.width / 60))) {
      const [x] = toPixels(frame, step, low);
      const isLast = x > frame.left + frame.width - 16;
      context.textAlign = isLast ? "right" : step === 0 ? "left" : "center";
      context.fillText(String(step), x, frame.top + frame.height + 6);
    }
    const [now] = toPixels(frame, state.step, low);
    context.strokeStyle = colors.quiet;
    context.strokeRect(Math.round(now) + 0.5, frame.top, 0, frame.height);
  }

  return { draw, point, pointStrip, stepAt, visible };
}
