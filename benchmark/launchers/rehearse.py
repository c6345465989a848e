"""Tests of optimizers and networks in workers before a study trains.

The classes of registered optimizers check their hyperparameters. Users' optimizers, and a user's
network or data with any, take two steps, each class in a process of its own, so that one which
hangs or kills its process does that here and not in a trial. The launching process loads no torch
for this.
"""

import time
from collections.abc import Sequence
from itertools import groupby
from multiprocessing.connection import wait
from typing import Any

from benchmark.context import Context
from benchmark.errors import UsageError
from benchmark.launchers.messages import Report
from benchmark.launchers.process import Worker, stop
from benchmark.rehearsal_words import contract, culprit
from benchmark.spec import Trial
from optimizers.execution import is_compiled
from optimizers.pick import is_import_path
from optimizers.spec import OptimizerSpec

SECONDS = 300.0  # for one optimizer on one problem, as some compile first; --timeout may lower it
_MOST_LOSSES = 5  # times the server may be lost before the check gives up


def check_hyperparameters(specs: Sequence[OptimizerSpec]) -> None:
    """Have the classes of registered optimizers check their hyperparameters.

    Raises:
        SpecError: a class refuses a value; the message is that of the class.
        UsageError: the check takes too long, or its process dies.
    """
    registered = [spec for spec in specs if not is_import_path(spec.name)]
    for _ in range(_MOST_LOSSES * bool(registered)):
        worker = Worker(_check, (registered,))
        try:
            outcome = _outcome(worker, SECONDS)
            if isinstance(outcome, Exception):
                raise outcome
            if outcome is None:
                return
            if not worker.is_lost():
                raise UsageError(f"checking hyperparameters {outcome}")
        finally:
            stop([worker])
    if registered:
        raise UsageError("the server that checks hyperparameters was lost; start again")


def rehearse(trials: Sequence[Trial], context: Context, timeout_seconds: float | None) -> None:
    """Have each optimizer or network of which the registry promises too little take two steps.

    Args:
        trials: All trials that will run; their data are prepared.
        context: Folders of the data.
        timeout_seconds: Time limit for one optimizer, at most `SECONDS`; None for `SECONDS`.

    Raises:
        UsageError: an optimizer fails, dies or hangs; one line, with the cure if known.
    """
    seconds = min(timeout_seconds or SECONDS, SECONDS)
    by_class = groupby(sorted(distinct(trials), key=_target), key=_target)
    for _, group in by_class:
        _rehearse_class(list(group), context, seconds)


def distinct(trials: Sequence[Trial]) -> list[Trial]:
    """Return one trial per optimizer to rehearse, model, data set, batches, device and precision.

    These are optimizers with an import path, and ours with a compiled kernel, which needs a
    compiler that works. A model or data set with an import path is rehearsed with the first
    optimizer if with no other. Trials that differ only in seed or length count as the same.
    """
    found: dict[tuple[Any, ...], Trial] = {}
    for trial in trials:
        spec = trial.optimizer
        if is_import_path(spec.name) or is_compiled(str(spec.hyperparameters.get("execution"))):
            found.setdefault((*_conditions(trial), spec.text), trial)
    tried = {_conditions(trial) for trial in found.values()}
    for trial in trials:
        is_users = is_import_path(trial.model) or is_import_path(trial.dataset)
        if is_users and _conditions(trial) not in tried:
            found[_conditions(trial)] = trial
            tried.add(_conditions(trial))
    return list(found.values())


def _conditions(trial: Trial) -> tuple[Any, ...]:
    """Return all that decides whether the steps of an optimizer work, besides the optimizer."""
    what = (trial.model, trial.dataset, trial.dropout, trial.batch_size)
    return (*what, trial.accelerator, trial.precision)


def _target(trial: Trial) -> str:
    return trial.optimizer.target


def _rehearse_class(trials: list[Trial], context: Context, seconds: float) -> None:
    for _ in range(_MOST_LOSSES):
        if _rehearsed(trials, context, seconds):
            return
    raise UsageError("the server that rehearses optimizers was lost; start again")


def _rehearsed(trials: list[Trial], context: Context, seconds: float) -> bool:
    """Rehearse `trials` in one process; return False if it was lost with its server."""
    worker = Worker(_rehearse, (trials, context))
    try:
        for trial in trials:
            outcome = _outcome(worker, seconds, "in its first two steps")
            if isinstance(outcome, Exception):
                raise outcome
            if outcome:
                if worker.is_lost():
                    return False
                raise UsageError(f"{culprit(trial)} {outcome}. {contract(trial)}")
        return True
    finally:
        stop([worker])


def _outcome(worker: Worker, seconds: float, when: str = "") -> Exception | str | None:
    """Wait for the next task of `worker` to end, and return its outcome.

    Args:
        worker: The worker, which sends an `Outcome` for each task.
        seconds: Time limit.
        when: Words for the task, for messages.

    Returns:
        The task's error, or words for the end of the process; None after success.
    """
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        wait(worker.things_to_wait_for(), timeout=left)
        over = not worker.running()  # checked before its last messages are read
        for outcome in worker.outcomes():
            return outcome.error
        if over:
            return f"fails: the process {worker.death()} {when}".rstrip()
    return f"took longer than {seconds:g} s {when}".rstrip()


def _check(specs: list[OptimizerSpec], report: Report) -> None:
    from benchmark.launchers.worker import check_hyperparameters as really_check  # loads torch

    really_check(specs, report)


def _rehearse(trials: list[Trial], context: Context, report: Report) -> None:
    from benchmark.launchers.worker import rehearse as really_rehearse  # loads torch

    really_rehearse(trials, context, report)
