"""Records to rows: what trials that differ only in their seed have in common, with intervals."""

import math
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from benchmark.spec import Trial
from benchmark.store import Record

METRICS = ("train/loss", "val/loss", "val/accuracy", "test/loss", "test/accuracy")


@dataclass(frozen=True, kw_only=True)
class Mean:
    """A mean over seeds and the half-width of its 95 % interval, None for a single seed."""

    value: float
    half_width: float | None


@dataclass(frozen=True, kw_only=True)
class Row:
    """One optimizer with its hyperparameters on one problem.

    Args:
        trial: Any of its trials, standing for all: they differ only in their seed.
        metrics: Mean of each of `METRICS` over the seeds that are done.
        training_seconds: Mean over the same seeds.
        step_seconds: Median over them.
        counts: Number of seeds by status.
        best: Whether no row of its problem has a better mean validation accuracy.
    """

    trial: Trial
    metrics: Mapping[str, Mean]
    training_seconds: float | None
    step_seconds: float | None
    counts: Mapping[str, int]
    reasons: tuple[str, ...] = ()
    best: bool = False


def summarize(records: Iterable[Record]) -> dict[str, list[Row]]:
    """Return the rows of each setting, in the order in which settings and rows first appear.

    A setting is a problem with its budget, accelerator and precision: what is compared is alike in
    all but the optimizer.
    """
    groups: dict[str, dict[str, list[Record]]] = {}
    for record in records:
        alike = replace(record.trial, seed=0)
        groups.setdefault(setting(alike), {}).setdefault(alike.key, []).append(record)
    return {
        name: _mark_best([_row(group) for group in rows.values()]) for name, rows in groups.items()
    }


def setting(trial: Trial) -> str:
    """Return what the trials of one table have in common, in words."""
    words = [trial.problem, f"{trial.epochs} epochs of batches of {trial.batch_size}"]
    words += ["dropout"] * trial.dropout + [f"L2 {trial.l2:g}"] * bool(trial.l2)
    words.append(f"{trial.accelerator} {trial.precision}")
    words += [f"{trial.threads} threads"] * (trial.threads != 1)
    return ", ".join(words)


def mean(values: list[float]) -> Mean:
    """Return the mean and Student's 95 % interval of independent values.

    >>> round(mean([1.0, 2.0, 3.0]).half_width or 0, 4)
    2.4841
    >>> mean([5.0])
    Mean(value=5.0, half_width=None)
    """
    if len(values) < 2:
        return Mean(value=values[0], half_width=None)
    from scipy.special import stdtrit  # a tenth of what scipy.stats costs to import

    quantile = float(stdtrit(len(values) - 1, 0.975))
    half_width = quantile * statistics.stdev(values) / math.sqrt(len(values))
    return Mean(value=statistics.fmean(values), half_width=half_width)


def _row(records: list[Record]) -> Row:
    done = [record for record in records if record.status == "done"]
    metrics = {
        name: mean([record.metrics[name] for record in done])
        for name in METRICS
        if done and all(name in record.metrics for record in done)
    }
    seconds = [record.seconds["training"] for record in done]
    steps = [record.seconds["per_step"] for record in done]
    return Row(
        trial=records[0].trial,
        metrics=metrics,
        training_seconds=statistics.fmean(seconds) if seconds else None,
        step_seconds=statistics.median(steps) if steps else None,
        counts=Counter(record.status for record in records),
        reasons=tuple(dict.fromkeys(record.reason for record in records if record.reason)),
    )


def _mark_best(rows: list[Row]) -> list[Row]:
    """Mark by validation accuracy, then validation loss; a row that ever diverged is not best."""

    def merit(row: Row) -> tuple[float, float]:
        if row.counts.get("diverged", 0) or "val/accuracy" not in row.metrics:
            return (-math.inf, -math.inf)
        return row.metrics["val/accuracy"].value, -row.metrics["val/loss"].value

    top = max((merit(row) for row in rows), default=(-math.inf, 0.0))
    return [replace(row, best=merit(row) == top and top[0] > -math.inf) for row in rows]
