"""From what was asked for to the study to run: fallbacks, estimates, and saying so."""

import math
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmark.problems import PROBLEMS, Problem, problems_of
from benchmark.spec import Trial, UsageError, Workload
from benchmark.store import Record
from datamodules.errors import DataUnavailableError
from datamodules.places import which_unavailable
from datamodules.registry import DATASETS
from datamodules.sources import find_place
from optimizers.source import source_digest

_UNKNOWN_EPOCH_SECONDS = 10.0
_FIXED_SECONDS = 0.3  # of a trial besides its epochs, see docs/performance.md
START_SECONDS = 10.0  # until the first worker has loaded torch and Lightning
_ROW_BYTES = 600  # of a row in metrics.jsonl and in an offline W&B run together, as measured
_DIAGNOSTIC_ROWS = 8  # one look inside the optimizer takes as much room as so many rows
_TRIAL_BYTES = 40_000  # of the other files of a trial
_SPARSE_BYTES = 1_000  # of a bag of words


@dataclass(frozen=True, kw_only=True)
class Wish:
    """Which problems were asked for, and what was asked to differ from their table.

    Args:
        problems: Registered names; used if not empty.
        models: Registered names or import paths.
        dataset: Registered name or import path; None for the data set of the model's paper.
        epochs: Passes over the training split; None for the problem's.
        batch_size: Examples per step; None for the problem's.
        dropout: Whether dropout is on; None for the problem's.
        l2: Coefficient of the penalty; None for the problem's.
        data_dir: Where data sets were laid down by hand.
        cache_dir: Where prepared data go.
    """

    problems: Sequence[str]
    models: Sequence[str]
    dataset: str | None
    epochs: int | None
    batch_size: int | None
    dropout: bool | None
    l2: float | None
    data_dir: Path | None
    cache_dir: Path | None


def settle(
    wish: Wish, known_missing: Mapping[str, str], on_record: Callable[[Workload], bool]
) -> tuple[list[Workload], list[str]]:
    """Return the workloads to run, and a notice for each data set that an embedded one replaces.

    Args:
        wish: What was asked for.
        known_missing: Data sets that turned out unavailable, and why.
        on_record: Whether all trials of a workload have results; it then needs no data.

    Raises:
        DataUnavailableError: a data set that was asked for by name cannot be had.
        UsageError, ValueError: a name is not known, or model and data do not go together.
    """
    asked = [(problem, _adjusted(problem.workload, wish)) for problem in _asked(wish)]
    for _, workload in asked:
        _check_shapes(workload)
    missing = _missing([w for _, w in asked if not on_record(w)], wish, known_missing)
    notices: dict[str, str] = {}
    workloads = {}
    for problem, workload in asked:
        reason = missing.get(workload.problem)
        if reason:
            if wish.dataset is not None or not problem.twin:
                raise DataUnavailableError(reason)
            workload = _adjusted(PROBLEMS[problem.twin].workload, wish)
            notices[problem.name] = (
                f"NOTICE: {problem.name} becomes {workload.problem}: {reason}. "
                f"Until then the embedded data set stands in: {DATASETS[workload.dataset].title}."
            )
        workloads[workload.problem] = workload
    return list(workloads.values()), list(notices.values())


def _asked(wish: Wish) -> list[Problem]:
    if wish.problems:
        return [PROBLEMS[name] for name in wish.problems]
    return [problems_of(model, wish.dataset) for model in wish.models]


def _missing(
    workloads: Sequence[Workload], wish: Wish, known_missing: Mapping[str, str]
) -> dict[str, str]:
    """Return why the data of `workloads` cannot be had, by problem, without those that can."""
    unknown = {w.dataset for w in workloads if "." not in w.dataset} - known_missing.keys()
    reasons = which_unavailable(sorted(unknown), wish.data_dir, wish.cache_dir)
    reasons.update(known_missing)
    return {w.problem: reasons[w.dataset] for w in workloads if w.dataset in reasons}


def _adjusted(workload: Workload, wish: Wish) -> Workload:
    plugged = [name for name in (workload.model, workload.dataset) if "." in name]
    asked = {
        "source": "".join(map(source_digest, plugged)),
        "epochs": wish.epochs,
        "batch_size": wish.batch_size,
        "dropout": wish.dropout,
        "l2": wish.l2,
    }
    return replace(workload, **{k: v for k, v in asked.items() if v is not None})  # type: ignore[arg-type]


def _check_shapes(workload: Workload) -> None:
    row = DATASETS.get(workload.dataset)
    if row is not None and len(row.input_shape) == 1 and workload.model in ("mlp", "cnn"):
        images = ", ".join(name for name, each in DATASETS.items() if len(each.input_shape) == 3)
        raise UsageError(
            f"model {workload.model!r} takes images and {workload.dataset!r} is a bag of words. "
            f"Data sets with images: {images}; for {workload.dataset!r} use --model logreg"
        )


class Durations:
    """How long trials take, by what is on record.

    Args:
        records: The records of the study, which are walked through once.
    """

    def __init__(self, records: Iterable[Record]) -> None:
        known: dict[tuple[str, str, int], list[float]] = {}
        for record in records:
            if record.status == "done" and "total" in record.seconds:
                per_epoch = record.seconds["total"] / max(1, record.trial.epochs)
                known.setdefault(_kind(record.trial), []).append(per_epoch)
        self._per_epoch = {kind: statistics.median(each) for kind, each in known.items()}

    def estimate_seconds(self, trial: Trial) -> float:
        """Return about how long `trial` takes: as its likes did, without any as its row says."""
        row = PROBLEMS.get(trial.problem)
        by_table = row.epoch_seconds if row else _UNKNOWN_EPOCH_SECONDS
        return _FIXED_SECONDS + trial.epochs * self._per_epoch.get(_kind(trial), by_table)


def _kind(trial: Trial) -> tuple[str, str, int]:
    """Return what trials that take equally long have in common."""
    return trial.problem, trial.accelerator, trial.batch_size


def estimate_bytes(trials: Sequence[Trial], data_dir: Path | None, cache_dir: Path | None) -> int:
    """Return about how much disk the trials and the data they need will take."""
    rows = sum(_rows(trial) for trial in trials)
    data = 0
    for dataset in {trial.dataset for trial in trials}:
        row = DATASETS.get(dataset)
        place = find_place(dataset, data_dir, cache_dir) if row else None
        if row and not (place and place.manifest()):
            is_sparse = len(row.input_shape) == 1
            example = _SPARSE_BYTES if is_sparse else 4 * math.prod(row.input_shape)
            data += sum(row.sizes) * example
    return rows * _ROW_BYTES + len(trials) * _TRIAL_BYTES + data


def _rows(trial: Trial) -> int:
    row = DATASETS.get(trial.dataset)
    steps = trial.epochs * ((row.sizes[0] if row else 10_000) // trial.batch_size + 1)
    looks = _DIAGNOSTIC_ROWS * steps // trial.diagnostics_every if trial.diagnostics_every else 0
    return steps // trial.log_every + 2 * trial.epochs + 1 + looks
