"""Estimates of the duration of trials and of the disk space they need."""

import math
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmark.evaluation import POINTS
from benchmark.models.registry import MODELS
from benchmark.problems import PROBLEMS, problems_of
from benchmark.record import Record
from benchmark.spec import Trial
from datamodules.registry import DATASETS
from datamodules.sources import find_place
from optimizers.pick import is_import_path

_START_SECONDS = 10.0  # until the first worker has loaded torch and Lightning
UNKNOWN_EPOCH_SECONDS = 10.0
_FIXED_SECONDS = 0.3  # a trial's time outside its epochs, see docs/performance.md
_EVALUATION_SECONDS = 0.01  # a pause for an evaluation, whatever the number of examples
_REHEARSAL_SECONDS = 1.0  # of an optimizer by import path on one problem, in a process of its own
_ROW_BYTES = 600  # measured: a row in metrics.jsonl and in an offline W&B run together
_DIAGNOSTIC_ROWS = 8  # a row of diagnostics takes as much space as this many other rows
_TRIAL_BYTES = 40_000  # the other files of a trial
_SPARSE_BYTES = 1_000  # one bag of words


class Durations:
    """Durations of trials, estimated from records.

    Args:
        records: The records of the study; the iterable is consumed once. Stacked trials, whose
            seconds are shares, do not count.
    """

    def __init__(self, records: Iterable[Record]) -> None:
        known: dict[tuple[object, ...], list[float]] = {}
        for record in records:
            if record.status == "done" and record.own_clocks.total is not None:
                per_epoch = record.own_clocks.total / max(1, record.trial.epochs)
                for kind in (_kind(record.trial), _kind_and_optimizer(record.trial)):
                    known.setdefault(kind, []).append(per_epoch)
        self._per_epoch = {kind: statistics.median(each) for kind, each in known.items()}

    def estimate_seconds(self, trial: Trial) -> float:
        """Return the estimated seconds of `trial`, from similar trials if any, or the table.

        Those of its optimizer count before others: a step of one may take ten times as long.
        """
        for kind in (_kind_and_optimizer(trial), _kind(trial)):
            if kind in self._per_epoch:
                return _FIXED_SECONDS + trial.epochs * self._per_epoch[kind]
        per_epoch = _epoch_seconds(trial)
        return _FIXED_SECONDS + trial.epochs * per_epoch + (POINTS + 1) * _EVALUATION_SECONDS

    def guessed(self, trials: Iterable[Trial]) -> list[str]:
        """Return the problems of `trials` of which neither records nor the table know the time."""
        unknown = (trial for trial in trials if _kind(trial) not in self._per_epoch)
        return list(dict.fromkeys(each.problem for each in unknown if not _is_in_table(each)))

    def estimate_in_all(self, trials: Sequence[Trial], num_at_once: int) -> float:
        """Return the estimated seconds of all `trials`, with what comes before; 0 if none.

        Before them, the workers start, and what is given by import path is rehearsed.
        """
        seconds = sum(map(self.estimate_seconds, trials)) / num_at_once
        rehearsed = {
            (t.optimizer.target, t.problem) for t in trials if is_import_path(t.optimizer.name)
        }
        with_ours = {
            t.problem for t in trials if is_import_path(t.model) or is_import_path(t.dataset)
        }
        rehearsed |= {("", each) for each in with_ours - {problem for _, problem in rehearsed}}
        before = _START_SECONDS + _REHEARSAL_SECONDS * len(rehearsed)
        return seconds + (before if trials else 0.0)


def _epoch_seconds(trial: Trial) -> float:
    """Return the seconds of an epoch by the table.

    A problem without a row has those of another with the same model, if its names are registered.
    """
    if trial.problem in PROBLEMS:
        return PROBLEMS[trial.problem].epoch_seconds
    if _is_in_table(trial):
        return problems_of(trial.model, trial.dataset).epoch_seconds
    return UNKNOWN_EPOCH_SECONDS


def _is_in_table(trial: Trial) -> bool:
    is_made_of_rows = trial.model in MODELS and trial.dataset in DATASETS
    return trial.problem in PROBLEMS or is_made_of_rows


def _kind(trial: Trial) -> tuple[str, str, int]:
    """Return the properties that trials of about equal duration share."""
    return trial.problem, trial.accelerator, trial.batch_size


def _kind_and_optimizer(trial: Trial) -> tuple[str, str, int, str]:
    return *_kind(trial), trial.optimizer.name


def estimate_bytes(trials: Sequence[Trial], data_dir: Path | None, cache_dir: Path | None) -> int:
    """Return the estimated disk space of the trials and of the data they need, in bytes."""
    rows = sum(_rows(trial) for trial in trials)
    datasets = {trial.dataset for trial in trials}
    data = sum(bytes_to_prepare(dataset, data_dir, cache_dir) for dataset in datasets)
    copies = {(trial.problem, trial.seed): trial.dataset for trial in trials}
    data += sum(bytes_of_examples(each) for each in copies.values() if _is_fitted(each))
    return rows * _ROW_BYTES + len(trials) * _TRIAL_BYTES + data


def bytes_to_prepare(dataset: str, data_dir: Path | None, cache_dir: Path | None) -> int:
    """Return the estimated bytes to prepare a registered data set; 0 if it is already prepared."""
    row = DATASETS.get(dataset)
    place = find_place(dataset, data_dir, cache_dir) if row else None
    if row is None or (place and place.manifest()):
        return 0
    return bytes_of_examples(dataset)


def bytes_of_examples(dataset: str) -> int:
    """Return the estimated bytes of all examples of a registered data set."""
    row = DATASETS[dataset]
    example = _SPARSE_BYTES if row.sparse else 4 * math.prod(row.input_shape)
    return sum(row.sizes) * example


def _is_fitted(dataset: str) -> bool:
    return dataset in DATASETS and DATASETS[dataset].fitted


def _rows(trial: Trial) -> int:
    row = DATASETS.get(trial.dataset)
    steps = trial.epochs * ((row.sizes[0] if row else 10_000) // trial.batch_size + 1)
    looks = _DIAGNOSTIC_ROWS * steps // trial.diagnostics_every if trial.diagnostics_every else 0
    return steps // trial.log_every + trial.epochs + POINTS + 1 + looks
