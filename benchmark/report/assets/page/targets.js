/* Time to target, for one setting, and performance profiles over all of them. */
"use strict";

const race = () => metric().races[state.problem];

function stairs(columns, x, y, top) {
  const off = hidden();
  const groups = new Map();
  for (const row of rowsOf(columns)) {
    const optimizer = row.variant === undefined ? row.optimizer : setting().variants[row.variant].optimizer;
    if (off.has(optimizer)) continue;
    if (!groups.has(optimizer)) groups.set(optimizer, []);
    groups.get(optimizer).push([row[x], row[y]]);
  }
  return [...groups].map(([optimizer, points]) => ({
    name: payload.optimizers[optimizer].label, optimizer, step: true, marked: true,
    x: [...points.map((each) => each[0]), ...(top > points.at(-1)[0] ? [top] : [])],
    y: [...points.map((each) => each[1]), ...(top > points.at(-1)[0] ? [points.at(-1)[1]] : [])],
  }));
}

const share = (number) => `${Math.round(number * 100)} %`;

function describeReaching() {
  if (noneIsShown()) return { empty: NONE_SHOWN };
  if (race().target === null) return { empty: noTarget() };
  const columns = race().shares[state.x];
  const top = Math.max(...(columns.x ?? []), 0);
  return {
    flat: true,
    label: `share of seeds that has reached ${value(race().target)} over ${AXIS_WORDS[state.x]}`,
    series: stairs(columns, "x", "share", top).map((each) => ({ ...each, x: [0, ...each.x], y: [0, ...each.y] })),
    x: { log: false, words: AXIS_WORDS[state.x], format: compact, range: [0, top || 1] },
    y: { log: false, words: "seeds there", format: share, range: [0, 1.03], best: "high" },
  };
}

const noTarget = () =>
  `No target: less than half of the optimizers have a finite median ${metric().words} on ${setting().problem}.`;

function describeProfiles() {
  if (noneIsShown()) return { empty: NONE_SHOWN };
  const { stairs: columns, settings } = metric().profiles;
  if (settings < 2) return { empty: "A performance profile needs two settings or more; with one, the table above says all." };
  return {
    flat: true,
    label: "share of settings within τ times the fastest optimizer",
    series: stairs(columns[state.x], "tau", "share", 4),
    x: { log: false, words: `τ: times the ${AXIS_WORDS[state.x]} of the fastest`, format: (each) => compact(Number(each.toFixed(2))), range: [1, 4] },
    y: { log: false, words: "settings", format: share, range: [0, 1.03], best: "high" },
  };
}

function targetColumns() {
  const time = (row, name) => (row[name] === null ? "–" : compact(row[name]));
  return [
    nameColumn,
    { name: "reached", head: term("reached"), key: (row) => row.reached / row.seeds, cell: (row) => `${row.reached} of ${row.seeds}`,
      csv: { reached: (row) => row.reached, seeds: (row) => row.seeds } },
    { id: "time", name: `median ${AXIS_WORDS[state.x]}`, head: term(["time to target", AXIS_WORDS[state.x]], AXIS_WORDS[state.x]), key: (row) => row.time, cell: (row) => (row.time === null ? "not reached" : compact(row.time)) },
    { name: "95 % interval", head: term("95 % interval"), cell: (row) => (row.low === null && row.high === null ? "–" : `${time(row, "low")} to ${row.high === null ? "unbounded" : time(row, "high")}`), csv: ends },
  ];
}

function fillTargets(table_, words) {
  const off = hidden();
  const { target } = race();
  words.replaceChildren(...(target === null ? [] : [
    term("target", "Target"), `: ${metric().words} of ${value(target)}${unitSign()} or ${metric().higher_is_better ? "more" : "less"}, `,
    "each optimizer with its ", term("best hyperparameters"), ".",
  ]));
  const rows = rowsOf(race().tables[state.x])
    .map((row) => ({ ...setting().variants[row.variant], ...row, winner: setting().winners.includes(row.variant) }))
    .filter((row) => !off.has(row.optimizer))
    .sort((a, b) => (a.time ?? Infinity) - (b.time ?? Infinity));
  table_.replaceChildren(...(rows.length ? [table("targets", "time to target", targetColumns(), rows)] : []));
}

function fillScores(host) {
  const off = hidden();
  const { scores, settings } = metric().profiles;
  const rows = settings < 2 ? [] : rowsOf(scores[state.x]).filter((row) => !off.has(row.optimizer))
    .map((row) => ({ ...row, label: payload.optimizers[row.optimizer].label, hyperparameters: "" }));
  const columns = [nameColumn, numberColumn("profile score", "score", term("profile score"), (each) => each.toFixed(4))];
  host.replaceChildren(...(rows.length ? [table("scores", "profile scores", columns, rows)] : []));
}

function targetsSection() {
  const words = make("p");
  const rows = make("div");
  const reaching = make("div", { id: "reaching-chart" });
  const profiles = make("div", { id: "profile-chart" });
  const scores = make("div");
  byId("targets-body").replaceChildren(
    words, reaching, rows,
    make("h3", {}, [term("performance profile", "Performance profiles"), ` over ${payload.settings.length} setting${payload.settings.length === 1 ? "" : "s"}`]),
    profiles, scores,
  );
  const redraw = [chart(reaching, describeReaching), chart(profiles, describeProfiles)];
  follow(["problem", "metric", "x", "off"], () => {
    fillTargets(rows, words);
    fillScores(scores);
    redraw.forEach((each) => each());
  });
}
