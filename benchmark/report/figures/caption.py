"""Captions of figures: content, settings, hyperparameters, seeds and versions."""

from collections.abc import Sequence

import polars as pl

from benchmark.analysis.frame import Frames, Hyperparameters
from benchmark.record import known
from benchmark.report.words import best_first, counted

_OFF = ("maximize", "foreach", "fused", "capturable", "differentiable")  # named only if on
_STATUSES = ("done", "diverged", "failed", "skipped")
_VERSIONS = ("suite", "commit", "torch", "lightning", "python")


def caption(what: str, frames: Frames, *, chosen: bool = False) -> str:
    """Return the caption: `what`, then the settings, seeds and versions of the trials.

    Args:
        what: A sentence on what the figure shows.
        frames: The trials that are drawn.
        chosen: The trials are those of the best of several hyperparameters.
    """
    parts = [what, _rule(frames) * chosen, *_settings(frames), _machine(frames)]
    return "\n".join(part for part in parts if part) + "\n"


def _rule(frames: Frames) -> str:
    return (
        f"Each optimizer has the hyperparameters of its {best_first(frames.metrics)}, at the end "
        "of training, over seeds; those with which no seed diverged come first."
    )


def not_drawn(frames: Frames, drawn: pl.DataFrame, why: str) -> str:
    """Return a sentence that names the optimizers in `frames` missing from `drawn`, or ''.

    Args:
        frames: The trials that were to be drawn.
        drawn: The curves that were drawn, with columns ``setting`` and ``optimizer``.
        why: The reason, worded for one optimizer and for several.
    """
    keys = ["setting", "optimizer"]
    missing = frames.trials.unique(keys, keep="first", maintain_order=True).join(
        drawn, on=keys, how="anti", maintain_order="left"
    )
    is_one_setting = frames.trials["setting"].n_unique() == 1
    names = [
        optimizer if is_one_setting else f"{optimizer} on {problem}"
        for optimizer, problem in missing.select("optimizer", "problem").rows()
    ]
    return f" Not drawn, {why}: {', '.join(names)}." if names else ""


def seeds_in_words(counts: Sequence[int]) -> str:
    """Return the number of seeds in words, or its range.

    >>> seeds_in_words([5, 5]), seeds_in_words([3, 5]), seeds_in_words([1])
    ('5 seeds', '3 to 5 seeds', '1 seed')
    """
    low, high = min(counts), max(counts)
    if low < high:
        return f"{low} to {high} seeds"
    return counted(high, "seed")


def _settings(frames: Frames) -> list[str]:
    lines = []
    for (setting,), trials in frames.trials.group_by("setting", maintain_order=True):
        lines += [f"Setting: {setting}.", *_optimizers(frames, trials)]
    return lines


def _optimizers(frames: Frames, trials: pl.DataFrame) -> list[str]:
    lines = []
    for (label, index), group in trials.group_by("label", "hyperparameters", maintain_order=True):
        counts = {status: group.filter(status=status).height for status in _STATUSES}
        seeds = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
        lines.append(f"  {label}: {_in_words(frames.hyperparameters[index])}; seeds: {seeds}.")
    return lines


def _in_words(hyperparameters: Hyperparameters) -> str:
    shown = [
        f"{name} = {value}"
        for name, value in hyperparameters.values.items()
        if value is not None and not (name in _OFF and value is False)
    ]
    schedule = hyperparameters.schedule
    if schedule.kind != "constant":
        shown.append(f"schedule = {schedule.kind}")
    if schedule.warmup:
        shown.append(f"warmup = {schedule.warmup}")
    return ", ".join(shown) or "no hyperparameters"


def _machine(frames: Frames) -> str:
    here = frames.trials["environment"].unique()
    facts = sorted((known(frames.environments[index]) for index in here), key=str)
    words = []
    for name in (*_VERSIONS, "device", "cpu"):
        values = dict.fromkeys(str(fact[name]) for fact in facts if name in fact)
        if values:
            words.append(f"{name} {' and '.join(values)}")
    return f"Made with: {', '.join(words)}." if words else ""
