"""The numbers of a study as Markdown: sentences and tables, for pages that others draw."""

import json
from collections.abc import Iterable, Sequence
from html import escape

import polars as pl

from benchmark.analysis.compare import Comparison
from benchmark.analysis.cost import costs
from benchmark.analysis.finals import best_variants, leaderboard, only, scores, winners
from benchmark.analysis.frame import Frames
from benchmark.analysis.metrics import CHOOSING, higher_is_better
from benchmark.analysis.ranks import rank, setting_blocks
from benchmark.analysis.sensitivity import basins, by_learning_rate
from benchmark.analysis.targets import suggested_target, target_table, time_to_target
from benchmark.report.verdicts import METRIC, short_p, verdict_in_short
from benchmark.report.words import metric_words, value_words

_BOARD = ("train/loss", "val/loss", "val/accuracy", "test/loss", "test/accuracy")


def headline(frames: Frames, compared: Sequence[Comparison]) -> str:
    """Return who did best in the frames' one setting, and how others compare with the reference."""
    problem = frames.trials["problem"][0]
    best = next(iter(winners(frames).values()), None)
    if best is None:
        return f"On {problem} none did best: no optimizer is done with all of its seeds."
    labels = _labels(frames)
    sentences = [_claim(frames.trials.filter(variant=best), problem)]
    for verdict, phrase in _PHRASES.items():
        names = [labels[one.variant] for one in compared if one.verdict == verdict]
        if names:
            reference = labels[compared[0].reference]
            sentences.append(f"{phrase.format(reference=reference)}: {', '.join(names)}.")
    return " ".join(sentences)


_PHRASES = {
    "better": f"Significantly better than {{reference}} in {metric_words(METRIC)}",
    "worse": f"Significantly worse than {{reference}} in {metric_words(METRIC)}",
    "no difference shown": f"No difference from {{reference}} in {metric_words(METRIC)} shown",
    "too few seeds to conclude": f"Too few seeds to tell from {{reference}} in "
    f"{metric_words(METRIC)}",
}


def _claim(best: pl.DataFrame, problem: str) -> str:
    chosen_by = next(name for name in CHOOSING if name in best.columns)
    superlative = "highest" if higher_is_better(chosen_by) else "lowest"
    numbers = [
        f"{value_words(name, best[name].mean())}{on}"  # type: ignore[arg-type]
        for name, on in ((chosen_by, ""), ("test/accuracy", " on test data"))
        if name in best.columns
    ]
    return (
        f"{best['label'][0]} reached the {superlative} {metric_words(chosen_by)} on {problem}: "
        f"{', '.join(numbers)}."
    )


def board(frames: Frames, reference: str | None = None, compared: Sequence[Comparison] = ()) -> str:
    """Return the leaderboard of the frames' one setting: means ± half of the 95 % interval.

    Without comparisons there is no column of them.
    """
    boards = {name: leaderboard(scores(frames, name)) for name in _BOARD if name in frames.metrics}
    verdicts = {one.variant: verdict_in_short(one, compared) for one in compared}
    rows = []
    for row in boards[METRIC].iter_rows(named=True) if METRIC in boards else ():
        variant = row["variant"]
        cells = [_cell(each, variant) for each in boards.values()]
        seeds = f"{row['seeds']} done" + f", {row['diverged']} diverged" * bool(row["diverged"])
        mark = "reference" if variant == reference else verdicts.get(variant, "")
        rows.append([row["label"], *cells, seeds, *[mark] * bool(compared)])
    named = [metric_words(name) + ", %" * name.endswith("accuracy") for name in boards]
    versus = [f"{metric_words(METRIC)} vs reference"] * bool(compared)
    return table(["optimizer", *named, "seeds", *versus], rows)


def targets(frames: Frames) -> str:
    """Return when each optimizer's best variant reaches a loss that half of them reach."""
    best = only(frames, best_variants(frames))
    target = suggested_target(scores(best, METRIC))
    if target is None:
        return (
            f"Less than half of the optimizers have a median {metric_words(METRIC)}: there is no "
            "target."
        )
    reached = target_table(time_to_target(best, METRIC, target, "step"))
    rows = [
        [row["label"], f"{row['reached']} of {row['seeds']}", _number(row["time"])]
        for row in reached.sort("time", nulls_last=True).iter_rows(named=True)
    ]
    title = (
        f"Steps to a {metric_words(METRIC)} of {target:g}, which half of the optimizers reach: the "
        "median over seeds, empty if fewer than half of them got there."
    )
    return f"{title}\n\n{table(['optimizer', 'reached', 'steps'], rows)}"


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
            values.setdefault(name, {})[str(value)] = None
    return table(["", ""], [[name, ", ".join(found)] for name, found in values.items()])


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table; bars and HTML in a cell stay text.

    >>> print(table(["a", "b"], [[1, "x"]]))
    | a | b |
    |---|---|
    | 1 | x |
    """
    lines = [header, ["---"] * len(header), *rows]
    text = [[_as_text(str(cell)) for cell in line] for line in lines]
    return "\n".join(_line(cells) for cells in text)


def _as_text(cell: str) -> str:
    return escape(cell, quote=False).replace("|", r"\|").replace("\n", " ")


def _line(cells: Sequence[str]) -> str:
    if set(cells) == {"---"}:
        return "|" + "---|" * len(cells)
    return "| " + " | ".join(cells) + " |"


def _labels(frames: Frames) -> dict[str, str]:
    return dict(frames.trials.select("variant", "label").unique().rows())


def _cell(board: pl.DataFrame, variant: str) -> str:
    (row,) = board.filter(variant=variant).iter_rows(named=True)
    if row["mean"] is None:
        return "-"
    scale, digits = (100, 2) if row["metric"].endswith("accuracy") else (1, 4)
    mean = f"{scale * row['mean']:.{digits}f}"
    if row["low"] is None:
        return mean
    return f"{mean} ± {scale * (row['high'] - row['low']) / 2:.{digits}f}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
