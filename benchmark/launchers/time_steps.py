"""Timing of optimizers' steps in a worker, so that the launching process need not load torch."""

import time
from collections.abc import Sequence
from multiprocessing.connection import wait

from benchmark.context import Context
from benchmark.declaration import now
from benchmark.launchers.messages import Outcome, Report
from benchmark.launchers.process import Worker, stop
from benchmark.spec import Trial
from benchmark.step_costs import StepCost

SECONDS = 60.0  # for all optimizers of one problem, as some compile first; then it is given up


def time_steps(trials: Sequence[Trial], context: Context) -> list[StepCost]:
    """Time the steps of `trials`, which differ in their optimizers, in turn in one worker.

    Args:
        trials: One trial per optimizer, that of the reference first; their data are prepared.
        context: Folders of the data, and the environment with the processor's name.

    Returns:
        A cost for each trial but the first; one that could not be timed says why.
    """
    worker = Worker(_time, (trials, context))
    try:
        outcome = _outcome(worker)
    finally:
        stop([worker])
    if isinstance(outcome, Outcome) and outcome.error is None:
        return list(outcome.step_costs)
    failure = str(outcome.error) if isinstance(outcome, Outcome) else outcome
    cpu, at = context.environment.cpu or "", now()
    return [
        StepCost(trial=each.key, reference=trials[0].key, cpu=cpu, at=at, failure=failure)
        for each in trials[1:]
    ]


def _outcome(worker: Worker) -> Outcome | str:
    """Return the outcome of `worker`, or why there is none."""
    deadline = time.monotonic() + SECONDS
    while (left := deadline - time.monotonic()) > 0:
        wait(worker.things_to_wait_for(), timeout=left)
        over = not worker.running()  # checked before its last messages are read
        for outcome in worker.outcomes():
            return outcome
        if over:
            return f"the process that timed it {worker.death()}"
    return f"timing took longer than {SECONDS:g} s"


def _time(trials: Sequence[Trial], context: Context, report: Report) -> None:
    from benchmark.launchers.worker import time_steps as really_time_steps  # loads torch

    really_time_steps(trials, context, report)
