"""Rehearses anyone's optimizers before a study trains, each class in a process of its own.

What an optimizer does to its process, hanging and dying included, is then done to no trial.
"""

import time
from collections.abc import Sequence
from itertools import groupby
from multiprocessing.connection import Connection, wait
from typing import Any

from benchmark.context import Context
from benchmark.launchers.process import Worker, stop
from benchmark.spec import Trial, UsageError

SECONDS = 300.0  # for one optimizer on one problem, unless --timeout says less: some compile first
_CONTRACT = "docs/plugins.md says what is asked of an optimizer"


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
        if "." in trial.optimizer["name"]:
            where = (trial.model, trial.dataset, trial.dropout, trial.accelerator, trial.precision)
            found.setdefault((*where, str(trial.to_json()["optimizer"])), trial)
    return list(found.values())


def _target(trial: Trial) -> str:
    return str(trial.optimizer["target"])


def _rehearse_class(trials: list[Trial], context: Context, seconds: float) -> None:
    worker = Worker(_rehearse, (trials, context))
    try:
        for trial in trials:
            outcome = _outcome(worker, seconds)
            if isinstance(outcome, Exception):
                raise outcome
            if outcome:
                who = f"optimizer {trial.label!r} on {trial.problem}"
                raise UsageError(f"{who} {outcome}. {_CONTRACT}")
    finally:
        stop([worker])


def _outcome(worker: Worker, seconds: float) -> Exception | str | None:
    """Return how the next rehearsal ends: an error, or what became of the process; None if well."""
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        wait(worker.things_to_wait_for(), timeout=left)
        over = not worker.running()  # asked before its last news is read
        for outcome in worker.news():
            found: Exception | None = outcome
            return found
        if over:
            return f"fails: in its first two steps the process {worker.death()}"
    return f"took longer than {seconds:g} s for two steps on one batch"


def _rehearse(trials: list[Trial], context: Context, pipe: Connection) -> None:
    from benchmark.launchers.worker import rehearse as really_rehearse  # heavy, as in `local`

    really_rehearse(trials, context, pipe)
