"""The numbers of a study as Markdown sentences and tables, for documents and W&B Reports."""

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

import polars as pl

from benchmark.analysis.compare import ALPHA, Comparison
from benchmark.axes import AXES, BY_CLOCK, STEP, AxisName
from benchmark.metrics import metric_of, metric_words, tabled
from benchmark.problems import problem_and_metric, unit_on
from benchmark.report import differences
from benchmark.report.claims import Versus
from benchmark.report.findings import METRIC, Findings, SettingFindings, busy_sentence
from benchmark.report.markdown_text import as_text, table
from benchmark.report.race_words import PROFILES_LEFT_OUT, target_words
from benchmark.report.units import value_on
from benchmark.report.untuned import claim_sentence, passed_over_sentences
from benchmark.report.verdicts import short_p
from benchmark.report.words import (
    NO_VERDICT,
    PICKED,
    best_first,
    evaluated_words,
    interval_words,
    is_symmetric,
    lacking_words,
    seeds_words,
    with_unit,
)


def how_to_read(findings: Findings, *, has_verdicts: bool = False) -> str:
    """Return an explanation of the rows that are shown and of the columns of the tables.

    Args:
        findings: The numbers.
        has_verdicts: The studies were tuned and their verdicts stand above; otherwise the text says
            that there are none.
    """
    trials, reference = findings.frames.trials, findings.reference
    statuses = Counter(trials["status"]).most_common()
    counts = ", ".join(f"{count} {status}" for status, count in statuses)
    metric = metric_words(METRIC)
    versus = as_text(reference) if reference else "each table's best"
    measured = [name for name in tabled() if name in findings.frames.metrics]
    boards = [findings.metrics[name].boards["final"] for name in measured]
    methods = {method for board in boards for method in board["method"].drop_nulls()}
    sentences = [
        f"{trials.height}{' evaluation' * has_verdicts} trials: {counts}.",
        *findings.unfinished,
        "" if has_verdicts else NO_VERDICT,
        "" if has_verdicts else _how_chosen(findings),
        interval_words(methods),
        f"The last column is the mean difference in {metric} at the end from {versus}, paired by "
        "seed, with its 95 % interval by Student's t; it is exploratory.",
        f"{evaluated_words(findings.frames.metrics)} are evaluated without dropout, but for the "
        "running training loss, which is that of the minibatches as trained on.",
    ]
    return " ".join(words for words in sentences if words)


def _how_chosen(findings: Findings) -> str:
    best = best_first(findings.frames.metrics)
    return (
        f"Each optimizer is shown with the hyperparameters of its {best}. The lowest of several is "
        f"{PICKED}; test data chose nothing."
    )


def headline(setting: SettingFindings) -> str:
    """Return sentences on the best optimizer, and on better means that do not count."""
    return " ".join(
        [
            claim_sentence(setting.claim, has_spread=False, name=as_text),
            *passed_over_sentences(setting.claim, as_text),
            lacking_words(as_text(setting.versus.missing)) if setting.versus.missing else "",
        ]
    ).strip()


def board(
    setting: SettingFindings, shown: Collection[str | None], versus: Versus | None = None
) -> str:
    """Return the leaderboard: means with their 95 % intervals.

    Args:
        setting: The numbers of one setting.
        shown: The variants that get a row.
        versus: Comparisons for the last column; without any, the column is left out.
    """
    names = [name for name in tabled() if name in setting.measured]
    boards = {name: _by_variant(setting.board(name)) for name in names}
    marks = _marks(versus or Versus())
    rows, counts = [], []
    for variant, row in boards.get(METRIC, {}).items():
        if variant not in shown:
            continue
        cells = [_cell(each[variant]) for each in boards.values()]
        seeds = f"{row['seeds']} done" + f", {row['diverged']} diverged" * bool(row["diverged"])
        rows.append([row["label"], *cells, seeds, *[marks.get(variant, "")] * bool(marks)])
        counts.append(row["seeds"] + row["diverged"])
    named = [with_unit(name, unit_on(name, [setting.problem])) for name in boards]
    sign = unit_on(METRIC, [setting.problem]).sign
    head = f"{metric_words(METRIC)} − reference's{', ' * bool(sign)}{sign} [95 % interval]"
    last = [head] * bool(marks)
    note = seeds_words(counts)
    return table(["optimizer", *named, "seeds", *last], rows) + f"\n\n{note}" * bool(note)


def _by_variant(frame: pl.DataFrame) -> dict[str, dict[str, Any]]:
    return {row["variant"]: row for row in frame.iter_rows(named=True)}


def _marks(versus: Versus) -> dict[str, str]:
    """Return the cells of the last column, by variant; empty without comparisons."""
    found = {one.variant: _difference(one) for one in versus.family}
    return found | {versus.reference: "reference"} if found and versus.reference else {}


def _difference(one: Comparison) -> str:
    found = one.difference
    if found is None:
        return "–"
    return differences.interval_words(one.metric, found.estimate, found.low, found.high)


def targets(setting: SettingFindings) -> str:
    """Return when each optimizer's best variant reaches the target of each metric that has one.

    These are the confirmatory metric, and those for which the user gave a target.
    """
    keys = map(problem_and_metric, setting.findings.targets)
    here = (name for problem, name in keys if problem in ("", setting.problem))
    given = (name for name in here if name in setting.measured)
    return "\n\n".join(_race(setting, name) for name in dict.fromkeys([METRIC, *given]))


def _race(setting: SettingFindings, metric: str) -> str:
    numbers = setting.findings.metrics[metric]
    target = numbers.targets[setting.name]
    if target is None:
        return (
            f"Less than half of the optimizers have a median {metric_words(metric)}: there is no "
            "target."
        )
    reached = {
        axis.name: numbers.target_tables[axis.name].filter(setting=setting.name)
        for axis in AXES.values()
        if axis.tabled
    }
    rows = [
        [row["label"], f"{row['reached']} of {row['seeds']}"]
        + [_number(_of(row["variant"], table, "time")) for table in reached.values()]
        for row in reached[STEP].sort("time", nulls_last=True).iter_rows(named=True)
    ]
    title = (
        f"What it takes to a {metric_words(metric)} of "
        f"{value_on(setting.problem, metric, target.value)} ({target_words(target)}): medians "
        "over seeds, empty if fewer than half of them got there."
    )
    header = ["optimizer", "reached", *(AXES[axis].plural for axis in reached)]
    return f"{title}\n\n{table(header, rows)}"


def profiles(findings: Findings) -> str:
    """Return the scores of performance profiles; empty with one setting."""
    numbers = findings.metrics[METRIC]
    settings = numbers.profiled
    if not settings:
        return PROFILES_LEFT_OUT if len(findings.settings) > 1 else ""
    axes: tuple[AxisName, ...] = (STEP, *BY_CLOCK)
    scored = {
        axis: dict(numbers.profile_scores[axis].select("optimizer", "score").rows())
        for axis in axes
    }
    rows = [
        [name, f"{score:.3f}", *(f"{scored[axis].get(name, 0.0):.3f}" for axis in BY_CLOCK)]
        for name, score in scored[STEP].items()
    ]
    title = (
        f"Area under the share of {settings} settings in which an optimizer reaches the target "
        "within τ times what the fastest takes, from τ = 1 to 4 (Dolan & Moré; the score is "
        "AlgoPerf's): 1 is fastest everywhere, 0 never within 4 times the fastest."
    )
    header = ["optimizer", *(f"by {AXES[axis].plural}" for axis in axes)]
    return f"{title}\n\n{table(header, rows)}"


def sensitivity(setting: SettingFindings) -> str:
    """Return the width of each optimizer's basin of learning rates; empty without a grid."""
    here = setting.findings.metrics[METRIC].basins.filter(setting=setting.name)
    found = here.filter(pl.col("tried") > 1)
    rows = [
        [row["optimizer"], _number(row["best_lr"]), f"{_number(row['low_lr'])} … "
         f"{_number(row['high_lr'])}" if row["inside"] else "not defined",
         f"on the {row['edge']} edge" if row["edge"] else ""]
        for row in found.iter_rows(named=True)
    ]  # fmt: skip
    header = ["optimizer", "best lr", "within 10 % of its loss", "warning"]
    return table(header, rows) if rows else ""


def search(setting: SettingFindings) -> str:
    """Return the expected best loss after trying k variants; empty if no optimizer has several."""
    found = setting.findings.metrics[METRIC].search.filter(setting=setting.name)
    most = int(found["tried"].max() or 0)  # type: ignore[arg-type]
    if most < 2:
        return ""
    ks = sorted({2**power for power in range(most.bit_length())} | {most})
    expected = {
        (name, k): value
        for name, k, value in found.select("optimizer", "k", "expected").iter_rows()
    }
    rows = [
        [name, *(_number(expected.get((name, k))) for k in ks)]
        for name in found["optimizer"].unique(maintain_order=True)
    ]
    title = (
        f"Expected best mean {metric_words(METRIC)} after k of the variants, chosen at random "
        "(Tang et al. 2020); empty where fewer were tried, or where all of the k may diverge."
    )
    return f"{title}\n\n{table(['optimizer', *(f'k = {k}' for k in ks)], rows)}"


def ranking(findings: Findings) -> str:
    """Return average ranks over settings; empty with fewer than two settings."""
    found = findings.metrics[METRIC].ranking
    if found is None or found.blocks < 2:
        return ""
    rows = [
        [name, f"{average:.2f}"]
        for name, average in zip(found.optimizers, found.average_ranks, strict=True)
    ]
    apart = (
        f"ranks that differ by more than {found.critical_difference:.2f} are told apart (Nemenyi)."
        if found.p < ALPHA
        else "it tells no ranks apart."
    )
    title = f"Over {found.blocks} settings; Friedman's p = {short_p(found.p)}: {apart}"
    return f"{title}\n\n{table(['optimizer', 'average rank'], rows)}"


def failures(findings: Findings) -> str:
    """Return the trials that are not done, with their reasons; empty if there are none."""
    gone = findings.frames.trials.filter(pl.col("status") != "done")
    rows = gone.select("problem", "label", "seed", "status", "reason").rows()
    return table(["problem", "optimizer", "seed", "status", "reason"], rows) if rows else ""


def cost(findings: Findings) -> str:
    """Return the time of a step and of an epoch for each optimizer's best variant."""
    found = findings.costs.filter(pl.col("variant").is_in(findings.chosen))
    rows = [
        [row["problem"], row["label"], _number(row["step_ms"]), _number(row["epoch_seconds"])]
        for row in found.iter_rows(named=True)
    ]
    header = ["problem", "optimizer", "ms a step", "s an epoch"]
    mixed = " These are times of different machines." * bool((found["machines"] > 1).any())
    words = f"Training alone, forward and backward pass included; medians over seeds.{mixed}"
    if busy := busy_sentence(findings):
        words += f" {busy}"
    return f"{words}\n\n{table(header, rows)}"


def provenance(findings: Findings) -> str:
    """Return a table of the trials' environments: each fact with all of its values."""
    values: dict[str, dict[str, None]] = {}
    for each in findings.origins:
        values.setdefault(each.name, {})[each.value] = None
    return table(["", ""], [[name, ", ".join(found)] for name, found in values.items()])


def _cell(row: Mapping[str, Any]) -> str:
    if row["mean"] is None:
        return "-"
    unit = metric_of(row["metric"]).unit
    scale, digits = unit.factor, 4 if unit.decimals is None else unit.decimals
    mean = f"{scale * row['mean']:.{digits}f}"
    if row["low"] is None:
        return mean
    if is_symmetric(row["mean"], row["low"], row["high"], 10.0**-digits / scale):
        return f"{mean} ± {scale * (row['high'] - row['low']) / 2:.{digits}f}"
    return f"{mean} ({scale * row['low']:.{digits}f} … {scale * row['high']:.{digits}f})"


def _of(variant: str, table: pl.DataFrame, column: str) -> float | None:
    found = table.filter(variant=variant)[column]
    return None if found.is_empty() else found[0]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
