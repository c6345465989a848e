"""Rows of result tables: one per variant, summarizing trials that differ only in their seed."""

import math
import re
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from benchmark.analysis.rounding import TIE_DECIMALS, rounded
from benchmark.metrics import CHOOSING, higher_is_better, is_share, tabled
from benchmark.problems import PROBLEMS
from benchmark.record import Record, origin_of_times, was_busy
from benchmark.spec import SCHEMA, Trial
from optimizers.pick import is_import_path
from optimizers.registry import OPTIMIZERS

_OTHER_FIELDS = tuple(
    field.name for field in fields(Trial) if field.name not in ("seed", "optimizer")
)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One optimizer with its hyperparameters on one problem.

    Args:
        trial: One of its trials, which differ only in their seed.
        metrics: Values of the seeds that are done, by name, for each of `metrics.tabled`.
        training_seconds: Mean training time over the same seeds.
        step_seconds: Median time of a step; None if a record lacks it, as for the next two.
        optimizer_seconds: Median time of the optimizer's part of a step, without forward and
            backward pass.
        state_bytes_per_parameter: Median size of the tensors in the optimizer's state.
        busy: Number of seeds done while other programs took a part of the processor.
        origins: Versions and machines that the times per step are from (`origin_of_times`).
        counts: Number of seeds by status.
        reasons: Reasons why seeds are not done, each with its seed.
        best: No row of its setting without diverged seeds is better by `metrics.CHOOSING`.
    """

    trial: Trial
    metrics: Mapping[str, tuple[float, ...]]
    training_seconds: float | None
    step_seconds: float | None
    optimizer_seconds: float | None
    state_bytes_per_parameter: float | None
    busy: int
    origins: frozenset[tuple[str | None, ...]]
    counts: Mapping[str, int]
    reasons: tuple[str, ...] = ()
    best: bool = False


def summarize(records: Iterable[Record]) -> dict[str, list[Row]]:
    """Return the rows of each setting, in the order of `in_order`.

    A setting is a problem with its budget, accelerator and precision, so that compared rows differ
    only in the optimizer.
    """
    groups: dict[str, dict[str, list[Record]]] = {}
    places: dict[tuple[Any, ...], tuple[str, str]] = {}
    for record in in_order(evaluated(records)):
        what = alike(record.trial)
        if what not in places:
            places[what] = setting(record.trial), replace(record.trial, seed=0).key
        name, key = places[what]
        groups.setdefault(name, {}).setdefault(key, []).append(record)
    return {
        name: _mark_best([_row(group) for group in rows.values()]) for name, rows in groups.items()
    }


def ranked(rows: Iterable[Row]) -> list[list[Row]]:
    """Return the rows of one setting by optimizer, best first in both.

    Rows of which no seed diverged come first, by `metrics.CHOOSING`; then the others with a seed
    that is done; then those without. Among equals, the user's own optimizers come first.
    """
    found = sorted(rows, key=lambda row: not is_import_path(row.trial.optimizer.name))
    measured = [name for name in CHOOSING if any(name in row.metrics for row in found)]

    def place(row: Row) -> tuple[float, ...]:
        gone = 2 if not row.metrics else int(bool(row.counts.get("diverged")))
        return gone, *(-_merit(name, row.metrics.get(name, ())) for name in measured)

    groups: dict[str, list[Row]] = {}
    for row in sorted(found, key=place):
        groups.setdefault(optimizer_of(row.trial), []).append(row)
    return list(groups.values())


def optimizer_of(trial: Trial) -> str:
    """Return the label up to its first ``key=value``, such as ``sgd`` for ``sgd lr=0.1``."""
    keys = [*trial.optimizer.hyperparameters, "schedule", "warmup"]
    return re.split(rf" (?:{'|'.join(map(re.escape, keys))})=", trial.label, maxsplit=1)[0]


def evaluated(records: Iterable[Record]) -> list[Record]:
    """Return the records of trials that are compared, without those that only chose settings."""
    return [record for record in records if record.trial.purpose == "evaluation"]


def alike(trial: Trial) -> tuple[Any, ...]:
    """Return a value that is equal for trials that differ only in their seed, faster than the key.

    It may differ between equal optimizers that were written differently.
    """
    others = tuple(getattr(trial, name) for name in _OTHER_FIELDS)
    return *others, trial.optimizer.text


def in_order(records: Iterable[Record]) -> list[Record]:
    """Return records in the order of the problem and optimizer tables, then by label and seed."""
    problems, optimizers = list(PROBLEMS), list(OPTIMIZERS)
    places: dict[tuple[Any, ...], tuple[Any, ...]] = {}

    def place(record: Record) -> tuple[Any, ...]:
        trial = record.trial
        what = alike(trial)
        if what not in places:
            places[what] = (
                _index(problems, trial.problem),
                setting(trial),
                _index(optimizers, trial.optimizer.name),
                _natural(trial.label),
            )
        return *places[what], trial.seed

    return sorted(records, key=place)


def _index(names: list[str], name: str) -> tuple[int, str]:
    return (names.index(name), name) if name in names else (len(names), name)


def _natural(label: str) -> list[tuple[float, str]]:
    """Return a key that sorts the numbers in a label as numbers.

    >>> sorted(["sgd lr=10", "sgd lr=1e-3", "sgd lr=0.5", "sgd"], key=_natural)
    ['sgd', 'sgd lr=1e-3', 'sgd lr=0.5', 'sgd lr=10']
    """
    parts = re.split(r"(\d+\.?\d*(?:e[+-]?\d+)?)", label)
    return [(float(p), "") if i % 2 else (-1.0, p) for i, p in enumerate(parts)]


def setting(trial: Trial) -> str:
    """Return the setting of a trial in words: all that the trials of one table share."""
    epochs = "1 epoch" if trial.epochs == 1 else f"{trial.epochs} epochs"
    words = [trial.problem, f"{epochs} of batches of {trial.batch_size}"]
    words += ["dropout"] * trial.dropout + [f"L2 {trial.l2:g}"] * bool(trial.l2)
    words.append(f"{trial.accelerator} {trial.precision}")
    words += [f"{trial.threads} threads"] * (trial.threads != 1)
    words += [f"a loss {_every(trial.log_every)}"] * (trial.log_every != Trial.log_every)
    if trial.diagnostics_every:  # diagnostics slow a trial down
        words.append(f"diagnostics {_every(trial.diagnostics_every)}")
    if trial.schema != SCHEMA:  # it would train differently today
        words.append(f"schema {trial.schema}")
    return ", ".join(words)


def _every(steps: int) -> str:
    return "every step" if steps == 1 else f"every {steps} steps"


def _row(records: list[Record]) -> Row:
    done = [record for record in records if record.status == "done"]
    metrics = {
        name: tuple(rounded(name, record.metrics[name]) for record in done)
        for name in tabled()
        if done and all(name in record.metrics for record in done)
    }
    clocks, costs = [record.own_clocks for record in done], [record.cost for record in done]
    seconds = [each.training for each in clocks if each.training is not None]
    steps = [each.per_step for each in clocks if each.per_step is not None]
    alone = [each.optimizer_step for each in clocks if each.optimizer_step is not None]
    sizes = [
        cost.state_bytes / cost.parameters
        for cost in costs
        if cost.state_bytes is not None and cost.parameters
    ]
    return Row(
        trial=records[0].trial,
        metrics=metrics,
        training_seconds=statistics.fmean(seconds) if seconds else None,
        step_seconds=statistics.median(steps) if steps else None,
        optimizer_seconds=statistics.median(alone) if alone else None,
        state_bytes_per_parameter=statistics.median(sizes) if sizes else None,
        busy=sum(map(was_busy, done)),
        origins=frozenset(origin for each in done if (origin := origin_of_times(each))),
        counts=Counter(record.status for record in records),
        reasons=tuple(f"seed {r.trial.seed}: {r.reason}" for r in records if r.reason),
    )


def _mark_best(rows: list[Row]) -> list[Row]:
    """Mark the best rows by the metrics that choose; a row with a diverged seed is not best.

    `finals.winners` states the same rule for frames. It stands here again because the terminal
    prints its tables without loading polars and numpy, which would make it start late.
    tests/benchmark/analysis/test_finals.py compares the two.
    """
    steady = [row for row in rows if row.metrics and not row.counts.get("diverged", 0)]
    measured = [name for name in CHOOSING if any(name in row.metrics for row in steady)]

    def merit(row: Row) -> tuple[float, ...]:
        return tuple(_merit(name, row.metrics.get(name, ())) for name in measured)

    if not measured:
        return rows
    top = max(map(merit, steady))
    return [replace(row, best=row in steady and merit(row) == top) for row in rows]


def _merit(metric: str, values: tuple[float, ...]) -> float:
    """Return the sort key of rows by their mean; higher is better."""
    if not values:
        return -math.inf
    mean = statistics.fmean(values)
    mean = round(mean, TIE_DECIMALS) if is_share(metric) else mean
    return mean if higher_is_better(metric) else -mean
