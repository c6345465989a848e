"""Tries optimizers before a study trains, so that the launching process loads no torch for it.

Values of hyperparameters are checked by the classes of registered optimizers; anyone's optimizers
take two steps, each class in a process of its own. What an optimizer does to its process, hanging
and dying included, is then done to no trial.
"""

import time
from collections.abc import Sequence
from itertools import groupby
from multiprocessing.connection import wait
from typing import Any

from benchmark.context import Context
from benchmark.launchers.messages import Report
from benchmark.launchers.process import Worker, stop
from benchmark.spec import Trial, UsageError
from optimizers.spec import OptimizerSpec

SECONDS = 300.0  # for one optimizer on one problem, unless --timeout says less: some compile first
_MOST_LOSSES = 5  # of the server, before the check is given up
_CONTRACT = "docs/plugins.md says what is asked of an optimizer"


def check_hyperparameters(specs: Sequence[OptimizerSpec]) -> None:
    """Have the classes of registered optimizers check the values that they are given.

    Raises:
        UsageError: one refuses its values; the message is its own.
    """
    registered = [spec for spec in specs if "." not in spec.name]
    for _ in range(_MOST_LOSSES * bool(registered)):
        worker = Worker(_check, (registered,))
        try:
            outcome = _outcome(worker, SECONDS)
            if isinstance(outcome, Exception):
                raise outcome
            if outcome is None:
                return
            if not worker.is_lost():
                raise UsageError(f"--opts: checking hyperparameters {outcome}")
        finally:
            stop([worker])
    if registered:
        raise UsageError("--opts: the server that checks hyperparameters was lost; start again")


def rehearse(trials: Sequence[Trial], context: Context, timeout_seconds: float | None) -> None:
    """Have each optimizer that comes by import path take two steps on its real model.

    Args:
        trials: All that will run; their data are prepared.
        context: Where data are.
        timeout_seconds: For one of them, at most `SECONDS`; None for these.

    Raises:
        UsageError: one fails, dies or hangs; one line, with the cure if one is known.
    """
    seconds = min(timeout_seconds or SECONDS, SECONDS)
    by_class = groupby(sorted(distinct(trials), key=_target), key=_target)
    for _, group in by_class:
        _rehearse_class(list(group), context, seconds)


def distinct(trials: Sequence[Trial]) -> list[Trial]:
    """Return one trial of each optimizer that lies at an import path, per model and data.

    Seeds and lengths do not matter.
    """
    found: dict[tuple[Any, ...], Trial] = {}
    for trial in trials:
        if "." in trial.optimizer.name:
            where = (trial.model, trial.dataset, trial.dropout, trial.accelerator, trial.precision)
            found.setdefault((*where, trial.optimizer.text), trial)
    return list(found.values())


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
            outcome = _outcome(worker, seconds, "in its first two steps, on one batch")
            if isinstance(outcome, Exception):
                raise outcome
            if outcome:
                if worker.is_lost():
                    return False
                who = f"optimizer {trial.label!r} on {trial.problem}"
                raise UsageError(f"{who} {outcome}. {_CONTRACT}")
        return True
    finally:
        stop([worker])


def _outcome(worker: Worker, seconds: float, when: str = "") -> Exception | str | None:
    """Return how what `worker` does next ends.

    Args:
        worker: Sends an error, or None when all is well, for each of its tasks.
        seconds: The most that one may take.
        when: What it does, for the words.

    Returns:
        The error, or what became of the process; None if all is well.
    """
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        wait(worker.things_to_wait_for(), timeout=left)
        over = not worker.running()  # asked before its last news is read
        for outcome in worker.outcomes():
            return outcome.error
        if over:
            return f"fails: the process {worker.death()} {when}".rstrip()
    return f"took longer than {seconds:g} s {when}".rstrip()


def _check(specs: list[OptimizerSpec], report: Report) -> None:
    from benchmark.launchers.worker import check_hyperparameters as really_check  # heavy

    really_check(specs, report)


def _rehearse(trials: list[Trial], context: Context, report: Report) -> None:
    from benchmark.launchers.worker import rehearse as really_rehearse  # heavy, as in `pool`

    really_rehearse(trials, context, report)
