"""Numbers in the table of problems that follow from the shipped baselines.

`python -m tools.make_baselines --targets` prints them, and a test compares the targets.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from benchmark.analysis.targets import rounded_up
from benchmark.archive import read_trials
from benchmark.axes import STEP
from benchmark.baselines import Baselines, Slice
from benchmark.decode import Row
from benchmark.metrics import LOSS
from benchmark.problems import PROBLEMS
from benchmark.record import Record

OPTIMIZER, KIND = "adam", "lr"
SHARE = 0.75  # of the budget, when the target is read
_LOSS = LOSS.on("val")


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Numbers of one problem, from the evaluation trials of tuned Adam.

    Args:
        problem: The problem's name.
        seeds: Number of these trials.
        target: Median validation loss after three quarters of the steps, rounded up to three
            digits; None if half of the seeds have none.
        epoch_seconds: Median processor seconds of training and evaluation over the epochs; None
            without clocks.
    """

    problem: str
    seeds: int
    target: float | None
    epoch_seconds: float | None

    def __str__(self) -> str:
        seconds = "unknown" if self.epoch_seconds is None else f"{self.epoch_seconds:.2g}"
        return (
            f"{self.problem}: target={self.target}, epoch_seconds={seconds} "
            f"({OPTIMIZER}, {self.seeds} seeds)"
        )


def measure(found: Baselines) -> dict[str, Measured]:
    """Return the numbers of each problem that has a slice of its default length."""
    measured = (_measure(each) for each in found.slices if each.kind == KIND)
    return {each.problem: each for each in measured if each is not None}


def loss_at(curve: Sequence[Row], share: float) -> float:
    """Return the validation loss at the evaluation nearest to a share of all steps.

    Infinity for a trial without such a loss, which diverged before.
    """
    found = {row[STEP]: row[_LOSS] for row in curve if _LOSS in row and STEP in row}
    if not found:
        return math.inf
    moment = share * max(found)
    loss = found[min(found, key=lambda step: abs(step - moment))]
    return loss if math.isfinite(loss) else math.inf


def _measure(one: Slice) -> Measured | None:
    row = PROBLEMS.get(one.problem)
    setting = one.optimizers.get(OPTIMIZER)
    if row is None or setting is None or one.workload != row.workload:
        return None
    if not one.parquet.exists():
        return None
    spec = setting.spec(OPTIMIZER)
    trials = [
        (record, curve)
        for record, curve in read_trials(one.parquet)
        if record.trial.purpose == "evaluation"
        and record.trial.optimizer == spec
        and record.trial.seed in one.seeds
    ]
    if not trials:
        return None
    losses = [
        math.inf if record.status == "diverged" else loss_at(curve, SHARE)
        for record, curve in trials
    ]
    target = statistics.median(losses)
    seconds = [each for record, _ in trials if (each := _epoch_seconds(record)) is not None]
    return Measured(
        problem=one.problem,
        seeds=len(trials),
        target=rounded_up(target) if math.isfinite(target) else None,
        epoch_seconds=statistics.median(seconds) if seconds else None,
    )


def _epoch_seconds(record: Record) -> float | None:
    """Return the processor seconds of an epoch with its evaluations; None if not all are known."""
    clocks = record.clocks
    if record.status != "done" or clocks.training is None or clocks.evaluation is None:
        return None
    load = 1.0 if clocks.load is None else min(1.0, clocks.load)  # one thread, at most one core
    return load * (clocks.training + clocks.evaluation) / record.trial.epochs
