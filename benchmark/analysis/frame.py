"""Frames of records: one table of trials and one of their curves, for one or more studies.

Everything else in this package takes these tables. They hold the contents of the files, with three
exceptions. A trial that is not done has no final metrics, because its last finite loss is not its
result. Accuracies are rounded to the precision of single-precision numbers (`rounding.rounded`).
Running losses over few steps, as left over at the end of an epoch, are left out of curves.
"""

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
import polars as pl

from benchmark.analysis.rounding import SHARE_DECIMALS, rounded
from benchmark.analysis.summary import evaluated, in_order, optimizer_of, setting
from benchmark.axes import AXES, BY_STEP, STEP
from benchmark.decode import COUNTS
from benchmark.errors import UsageError
from benchmark.metrics import LEARNING_RATE, RUNNING, is_metric, is_share
from benchmark.record import Environment, Record, known, was_busy
from benchmark.spec import Trial
from benchmark.store import Store
from optimizers.schedules import Schedule
from optimizers.spec import OptimizerSpec

_FILES_AT_ONCE = 500  # their rows as Python dictionaries take about 30 MB


@dataclass(frozen=True, kw_only=True)
class Hyperparameters:
    """The hyperparameters of an optimizer, and the schedule of its learning rate.

    Args:
        values: All hyperparameters by name, as JSON has them: lists in place of tuples.
        schedule: The schedule.
    """

    values: Mapping[str, Any]
    schedule: Schedule


@dataclass(frozen=True, kw_only=True, eq=False)
class Frames:
    """The tables of one or more studies.

    Args:
        trials: One row per trial. ``trial`` is its number, to which `curves` refers; ``key`` is the
            name of its folder. ``setting`` (text) is what trials must share to be compared.
            ``name`` is the optimizer's registered name or import path. ``label`` is the
            optimizer's label and ``optimizer`` the label without hyperparameters; both end in the
            study if several studies have an optimizer of that name. ``variant`` is shared by trials
            that differ only in ``seed``. ``hyperparameters`` and ``environment`` are indices into
            the fields of these names, ``machine`` is the GPU or CPU, ``lr`` is a float or null.
            ``busy`` is `record.was_busy`. ``stacked`` is the number of trials that trained as one
            network, null for a trial alone. Then follow
            ``status``, ``reason``, the end of training (``step``, ``epoch``, ``samples``),
            ``seconds/…`` for every clock, and one column per metric with its last value, null
            unless the trial is done.
        curves: One row per line of ``metrics.jsonl``, in its order: ``trial``, the four `AXES`,
            and one column per metric, null where that line lacks it.
        metrics: Names of the metrics in either table, in order of appearance, without those that
            `diagnostics` and `costs` read.
        hyperparameters: Distinct hyperparameters of the trials, in order of appearance.
        environments: Distinct environments of the trials, in order of appearance.
    """

    trials: pl.DataFrame
    curves: pl.DataFrame
    metrics: tuple[str, ...]
    hyperparameters: tuple[Hyperparameters, ...]
    environments: tuple[Environment, ...]


def read(stores: Sequence[Store]) -> Frames:
    """Return the trials and curves of `stores`, in the order of `summary.in_order`.

    Trials without a record are left out, and so are those for tuning.

    Raises:
        UsageError: two studies have the same name.
    """
    return frames_of([(store, in_order(evaluated(store.records()))) for store in stores])


def frames_of(studies: Sequence[tuple[Store, Sequence[Record]]]) -> Frames:
    """Return the trials and curves of studies whose records have been read.

    Raises:
        UsageError: as `read` does.
    """
    stores = [store for store, _ in studies]
    for study, count in Counter(store.study for store in stores).items():
        if count > 1:
            raise UsageError(f"study {study!r} is given {count} times; expected different names")
    found = [(store, record) for store, records in studies for record in records]
    hyperparameters, which = _distinct(_hyperparameters(r.trial.optimizer) for _, r in found)
    environments, where = _distinct(record.environment for _, record in found)
    rows = [
        _row(store.study, record)
        | {"trial": i, "hyperparameters": which[i], "environment": where[i]}
        for i, (store, record) in enumerate(found)
    ]
    curves = _read_curves(found)
    final = (name for _, record in found for name in record.metrics)
    names = dict.fromkeys(
        name for name in (*final, *curves.columns) if name != "trial" and is_metric(name)
    )
    return Frames(
        trials=_trials_frame(rows),
        curves=curves,
        metrics=tuple(names),
        hyperparameters=hyperparameters,
        environments=environments,
    )


_T = TypeVar("_T")


def _distinct(values: Iterable[_T]) -> tuple[tuple[_T, ...], list[int]]:
    """Return the distinct values, and the index of each value among them."""
    found: dict[str, tuple[int, _T]] = {}  # by text, because mappings have no hash
    indices = [found.setdefault(repr(value), (len(found), value))[0] for value in values]
    return tuple(value for _, value in found.values()), indices


def _hyperparameters(optimizer: OptimizerSpec) -> Hyperparameters:
    return Hyperparameters(
        values=optimizer.to_json()["hyperparameters"], schedule=optimizer.schedule
    )


def _trials_frame(rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Return the table `Frames.trials`."""
    if not rows:
        return pl.DataFrame(schema=_SCHEMA)
    _tell_studies_apart(rows)
    frame = pl.from_dicts(rows, infer_schema_length=None)
    known = [pl.col(name).cast(kind) for name, kind in _SCHEMA.items()]
    return frame.select(*known, pl.exclude(*_SCHEMA).cast(pl.Float64))


def variant_of(study: str, trial: Trial) -> str:
    """Return the name that `trial` shares with trials that differ only in their seed."""
    return f"{study}/{replace(trial, seed=0).key.rpartition('-')[2]}"


_ENDS: Mapping[str, type[pl.DataType]] = {
    name: pl.Int64 if AXES[name].whole else pl.Float64 for name in BY_STEP
}
_SCHEMA: Mapping[str, type[pl.DataType]] = {
    "trial": pl.UInt32,
    "study": pl.String,
    "key": pl.String,
    "problem": pl.String,
    "dataset": pl.String,
    "setting": pl.String,
    "name": pl.String,
    "optimizer": pl.String,
    "label": pl.String,
    "variant": pl.String,
    "hyperparameters": pl.UInt32,
    "lr": pl.Float64,
    "seed": pl.Int64,
    "status": pl.String,
    "reason": pl.String,
    "environment": pl.UInt32,
    "machine": pl.String,
    "busy": pl.Boolean,
    "stacked": pl.Int64,
    **_ENDS,
}


def _row(study: str, record: Record) -> dict[str, Any]:
    trial, optimizer = record.trial, record.trial.optimizer
    lr = optimizer.hyperparameters.get("lr")
    done = record.status == "done"
    ends: dict[str, float | None] = {axis: getattr(record.progress, axis) for axis in BY_STEP}
    measured = {
        name: rounded(name, value) if done else None
        for name, value in {**record.metrics, **known(record.cost)}.items()
        if name != LEARNING_RATE
    }
    return measured | {
        "study": study,
        "key": trial.key,
        "problem": trial.problem,
        "dataset": trial.dataset,
        "setting": setting(trial),
        "name": optimizer.name,
        "optimizer": optimizer_of(trial),
        "label": trial.label,
        "variant": variant_of(study, trial),
        "lr": float(lr) if isinstance(lr, (int, float)) and math.isfinite(lr) else None,
        "seed": trial.seed,
        "status": record.status,
        "reason": record.reason,
        "machine": _machine(record.environment),
        "busy": was_busy(record),
        "stacked": record.environment.stacked,
        **ends,
        **{f"seconds/{clock}": value for clock, value in known(record.own_clocks).items()},
    }


def _machine(environment: Environment) -> str:
    """Return the name of the GPU that trained, otherwise that of the processor."""
    device = environment.device or "cpu"
    return environment.cpu or "" if device == "cpu" else device


def _tell_studies_apart(rows: list[dict[str, Any]]) -> None:
    studies = Counter(optimizer for _, optimizer in {(r["study"], r["optimizer"]) for r in rows})
    for row in rows:
        if studies[row["optimizer"]] > 1:
            row["optimizer"] += f" ({row['study']})"
            row["label"] += f" ({row['study']})"


def _read_curves(found: Sequence[tuple[Store, Record]]) -> pl.DataFrame:
    starts = range(0, len(found), _FILES_AT_ONCE)
    parts = [_curves_from(start, found[start : start + _FILES_AT_ONCE]) for start in starts]
    empty = pl.DataFrame(schema={"trial": pl.UInt32, **dict.fromkeys(AXES, pl.Float64)})
    frame = pl.concat([empty, *parts], how="diagonal_relaxed").sort("trial", maintain_order=True)
    whole = pl.col(COUNTS).cast(pl.Int64)
    shares = [pl.col(name).round(SHARE_DECIMALS) for name in frame.columns if is_share(name)]
    frame = frame.with_columns(whole, *shares)
    return _without_remainders(frame) if RUNNING in frame.columns else frame


def _without_remainders(curves: pl.DataFrame) -> pl.DataFrame:
    """Remove running losses over less than half of their trial's usual number of steps.

    They occur at the end of an epoch, and are noisy compared with the others.
    """
    measured = curves.with_row_index("row").drop_nulls(RUNNING).sort("trial", STEP)
    steps = pl.col(STEP) - pl.col(STEP).shift(1, fill_value=0).over("trial")
    few = measured.filter(2 * steps < steps.median().over("trial"))["row"]
    is_few = pl.int_range(pl.len(), dtype=pl.UInt32).is_in(few.implode())
    return curves.with_columns(pl.when(~is_few).then(RUNNING).alias(RUNNING))


def _curves_from(first: int, found: Sequence[tuple[Store, Record]]) -> pl.DataFrame:
    """Return the curves of the trials in `found`, numbered from `first`."""
    logs = [store.metrics(record.trial) for store, record in found]
    rows = list(itertools.chain.from_iterable(logs))
    names = dict.fromkeys(itertools.chain.from_iterable(rows))
    names.pop("trial", None)  # this column holds the trial's number
    numbers = np.repeat(range(first, first + len(logs)), list(map(len, logs)))
    columns = [
        pl.Series(name, [row.get(name) for row in rows], pl.Float64, strict=False) for name in names
    ]
    return pl.DataFrame([*columns, pl.Series("trial", numbers, pl.UInt32)])
