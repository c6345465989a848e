"""The numbers of a study as Markdown: sentences and tables, for pages that others draw."""

import json
from collections.abc import Iterable, Mapping, Sequence

import polars as pl

from benchmark.analysis.cost import costs
from benchmark.analysis.finals import best_variants, leaderboard, only, passed_over, scores, winners
from benchmark.analysis.frame import Frames
from benchmark.analysis.intervals import mean_method
from benchmark.analysis.profiles import profile_scores, target_times
from benchmark.analysis.ranks import rank, setting_blocks
from benchmark.analysis.sensitivity import basins, by_learning_rate, expected_best
from benchmark.analysis.targets import suggested_target, target_table, time_to_target
from benchmark.metrics import (
    AXES,
    BY_CLOCK,
    CHOOSING,
    STEP,
    metric_of,
    metric_words,
    on_test,
    tabled,
)
from benchmark.report.markdown_text import as_cell, as_text
from benchmark.report.verdicts import METRIC, Versus, short_p, verdict_in_short
from benchmark.report.words import (
    best_first,
    claim_words,
    interval_words,
    lacking_words,
    passed_over_words,
    seeds_words,
    together,
    value_words,
    with_unit,
)


def how_to_read(frames: Frames, reference: str | None) -> str:
    """Return what is shown of each optimizer, and what the signs in the tables mean."""
    statuses = frames.trials["status"].value_counts(sort=True).rows()
    counts = ", ".join(f"{count} {status}" for status, count in statuses)
    metric = metric_words(METRIC)
    versus, family = (
        (as_text(reference), "all comparisons with it")
        if reference
        else ("each table's best", "all pairs, since nobody named the best beforehand")
    )
    seeds = frames.trials.filter(status="done").group_by("variant").len()["len"]
    sentences = [
        f"{frames.trials.height} trials: {counts}.",
        f"Each optimizer is shown with the hyperparameters of its {best_first()}, found on the "
        "same seeds, which flatters every one of them a little; test data chose nothing.",
        interval_words({mean_method(count) for count in seeds}),
        f"The last column compares the {metric} at the end, paired by seed, with {versus}: ▲ "
        "better, ▼ worse, = no difference shown, with p of Wilcoxon's signed-rank test after "
        f"Holm's correction for {family}; n<N: with fewer than N seeds no outcome could be "
        "significant.",
        "Losses and accuracies are evaluated without dropout, but for the running training loss, "
        "which is that of the minibatches as trained on.",
    ]
    return " ".join(words for words in sentences if words)


def headline(frames: Frames, versus: Versus) -> str:
    """Return who did best in the frames' one setting, and how others compare with the reference."""
    problem = as_text(frames.trials["problem"][0])
    best = next(iter(winners(frames).values()), None)
    sentences = [
        f"On {problem} none did best: no optimizer is done with all of its seeds."
        if best is None
        else _claim(
            frames.trials.filter(pl.col("variant").is_in(best)), problem, passed_over(frames)
        )
    ]
    sentences += _verdicts(_labels(frames), versus)
    return " ".join(sentences)


def _verdicts(labels: Mapping[str, str], versus: Versus) -> list[str]:
    if versus.missing:
        return [lacking_words(as_text(versus.missing))]
    found = []
    for verdict, phrase in _PHRASES.items():
        names = [labels[one.variant] for one in versus.family if one.verdict == verdict]
        if names:
            reference = labels[versus.family[0].reference]
            found.append(f"{phrase.format(reference=reference)}: {', '.join(names)}.")
    return found


_PHRASES = {
    "better": f"Significantly better than {{reference}} in {metric_words(METRIC)}",
    "worse": f"Significantly worse than {{reference}} in {metric_words(METRIC)}",
    "no difference shown": f"No difference from {{reference}} in {metric_words(METRIC)} shown",
    "too few seeds to conclude": f"Too few seeds to tell from {{reference}} in "
    f"{metric_words(METRIC)}",
}


def _claim(best: pl.DataFrame, problem: str, passed: pl.DataFrame) -> str:
    chosen_by = next(name for name in CHOOSING if name in best.columns)
    names = [as_text(name) for name in best["label"].unique(maintain_order=True)]
    numbers = [
        f"{together(_means(best, name))}{on}"
        for name, on in ((chosen_by, ""), (on_test(best.columns), " on test data"))
        if name is not None
    ]
    rows = passed.select("label", "mean", "seeds", "diverged").rows()
    claim = claim_words(names, chosen_by, problem, among_steady=bool(rows))
    passed_words = (
        passed_over_words(chosen_by, as_text(label), *numbers) for label, *numbers in rows
    )
    return " ".join([f"{claim}: {', '.join(numbers)}.", *passed_words])


def _means(best: pl.DataFrame, metric: str) -> list[str]:
    """Return the mean of each variant in words, equal ones once."""
    means = best.group_by("variant", maintain_order=True).agg(pl.col(metric).mean())[metric]
    return list(dict.fromkeys(value_words(metric, mean) for mean in means))


def board(frames: Frames, versus: Versus | None = None) -> str:
    """Return the leaderboard of the frames' one setting: means with their 95 % intervals.

    Without comparisons there is no column of them.
    """
    boards = {
        name: leaderboard(scores(frames, name)) for name in tabled() if name in frames.metrics
    }
    marks = _marks(versus or Versus())
    rows, counts = [], []
    for row in boards[METRIC].iter_rows(named=True) if METRIC in boards else ():
        cells = [_cell(each, row["variant"]) for each in boards.values()]
        seeds = f"{row['seeds']} done" + f", {row['diverged']} diverged" * bool(row["diverged"])
        rows.append([row["label"], *cells, seeds, *[marks.get(row["variant"], "")] * bool(marks)])
        counts.append(row["seeds"] + row["diverged"])
    named = [with_unit(name) for name in boards]
    last = [f"{metric_words(METRIC)} vs reference"] * bool(marks)
    note = seeds_words(counts)
    return table(["optimizer", *named, "seeds", *last], rows) + f"\n\n{note}" * bool(note)


def _marks(versus: Versus) -> dict[str, str]:
    """Return what stands in the last column, by variant; nothing where nobody is compared."""
    found = {one.variant: verdict_in_short(one) for one in versus.family}
    return found | {versus.reference: "reference"} if found and versus.reference else {}


def targets(frames: Frames) -> str:
    """Return when each optimizer's best variant reaches a loss that half of them reach."""
    best = only(frames, best_variants(frames))
    target = suggested_target(scores(best, METRIC))
    if target is None:
        return (
            f"Less than half of the optimizers have a median {metric_words(METRIC)}: there is no "
            "target."
        )
    reached = {
        axis.name: target_table(time_to_target(best, METRIC, target, axis.name))
        for axis in AXES.values()
        if axis.tabled
    }
    rows = [
        [row["label"], f"{row['reached']} of {row['seeds']}"]
        + [_number(_of(row["variant"], table, "time")) for table in reached.values()]
        for row in reached[STEP].sort("time", nulls_last=True).iter_rows(named=True)
    ]
    title = (
        f"What it takes to a {metric_words(METRIC)} of {target:g}, which half of the optimizers "
        "reach: medians over seeds, empty if fewer than half of them got there."
    )
    header = ["optimizer", "reached", *(AXES[axis].plural for axis in reached)]
    return f"{title}\n\n{table(header, rows)}"


def profiles(frames: Frames) -> str:
    """Return the scores of performance profiles; empty with fewer than two settings."""
    best = only(frames, best_variants(frames))
    found = {axis: target_times(best, METRIC, axis) for axis in (STEP, *BY_CLOCK)}
    settings = found[STEP]["setting"].n_unique()
    if settings < 2:
        return ""
    scored = {axis: dict(profile_scores(times).select("optimizer", "score").rows())
              for axis, times in found.items()}  # fmt: skip
    rows = [
        [name, f"{score:.3f}", *(f"{scored[axis].get(name, 0.0):.3f}" for axis in BY_CLOCK)]
        for name, score in scored[STEP].items()
    ]
    title = (
        f"Area under the share of {settings} settings in which an optimizer reaches the target "
        "within τ times what the fastest takes, from τ = 1 to 4 (Dolan & Moré; the score is "
        "AlgoPerf's): 1 is fastest everywhere, 0 never within 4 times the fastest."
    )
    header = ["optimizer", *(f"by {AXES[axis].plural}" for axis in found)]
    return f"{title}\n\n{table(header, rows)}"


def sensitivity(frames: Frames) -> str:
    """Return how wide each optimizer's basin of learning rates is; empty without a grid."""
    found = basins(by_learning_rate(scores(frames, METRIC))).filter(pl.col("tried") > 1)
    rows = [
        [row["optimizer"], _number(row["best_lr"]), f"{_number(row['low_lr'])} … "
         f"{_number(row['high_lr'])}", f"on the {row['edge']} edge" if row["edge"] else ""]
        for row in found.iter_rows(named=True)
    ]  # fmt: skip
    header = ["optimizer", "best lr", "within 10 % of its loss", "warning"]
    return table(header, rows) if rows else ""


def search(frames: Frames) -> str:
    """Return the expected best loss after k variants tried; empty if nobody tried several."""
    found = expected_best(scores(frames, METRIC))
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


def ranking(frames: Frames) -> str:
    """Return average ranks over settings; empty with fewer than two settings."""
    found = rank(setting_blocks(scores(only(frames, best_variants(frames)), METRIC)))
    if found is None or found.blocks < 2:
        return ""
    rows = [
        [name, f"{average:.2f}"]
        for name, average in zip(found.optimizers, found.average_ranks, strict=True)
    ]
    title = (
        f"Over {found.blocks} settings; Friedman's p = {short_p(found.p)}, ranks that differ by "
        f"more than {found.critical_difference:.2f} differ significantly (Nemenyi)."
    )
    return f"{title}\n\n{table(['optimizer', 'average rank'], rows)}"


def failures(frames: Frames) -> str:
    """Return the trials without a result, or diverged, with the reason; empty if there are none."""
    gone = frames.trials.filter(pl.col("status") != "done")
    rows = gone.select("problem", "label", "seed", "status", "reason").rows()
    return table(["problem", "optimizer", "seed", "status", "reason"], rows) if rows else ""


def cost(frames: Frames) -> str:
    """Return what a step and an epoch of each optimizer's best variant cost."""
    found = costs(only(frames, best_variants(frames)))
    rows = [
        [row["problem"], row["label"], _number(row["step_ms"]), _number(row["epoch_seconds"])]
        for row in found.iter_rows(named=True)
    ]
    header = ["problem", "optimizer", "ms a step", "s an epoch"]
    mixed = " These are times of different machines." * bool((found["machines"] > 1).any())
    words = f"Training alone, forward and backward pass included; medians over seeds.{mixed}"
    return f"{words}\n\n{table(header, rows)}"


def provenance(frames: Frames) -> str:
    """Return what the trials ran on: every value of every fact of their environments."""
    values: dict[str, dict[str, None]] = {}
    for text in frames.trials["environment"].unique(maintain_order=True):
        for name, value in json.loads(text).items():
            if value not in ("", None):
                values.setdefault(name, {})[str(value)] = None
    return table(["", ""], [[name, ", ".join(found)] for name, found in values.items()])


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table, of which every cell stays text.

    >>> print(table(["a", "b"], [[1, "x"]]))
    | a | b |
    |---|---|
    | 1 | x |
    """
    return "\n".join([_line(header), "|" + "---|" * len(header), *map(_line, rows)])


def _line(cells: Iterable[object]) -> str:
    return "| " + " | ".join(map(as_cell, cells)) + " |"


def _labels(frames: Frames) -> dict[str, str]:
    rows = frames.trials.select("variant", "label").unique().rows()
    return {variant: as_text(label) for variant, label in rows}


def _cell(board: pl.DataFrame, variant: str) -> str:
    (row,) = board.filter(variant=variant).iter_rows(named=True)
    if row["mean"] is None:
        return "-"
    unit = metric_of(row["metric"]).unit
    scale, digits = unit.factor, 4 if unit.decimals is None else unit.decimals
    mean = f"{scale * row['mean']:.{digits}f}"
    if row["low"] is None:
        return mean
    if row["method"] == "Student's t":
        return f"{mean} ± {scale * (row['high'] - row['low']) / 2:.{digits}f}"
    return f"{mean} ({scale * row['low']:.{digits}f} … {scale * row['high']:.{digits}f})"


def _of(variant: str, table: pl.DataFrame, column: str) -> float | None:
    found = table.filter(variant=variant)[column]
    return None if found.is_empty() else found[0]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
