"""The quantity that a claim compares, from the training costs of one trial."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from benchmark.axes import EPOCH, STEP
from benchmark.metrics import LEARNING_RATE, RUNNING
from benchmark.paper.rules import Claim, Cost, Variant, horizon_of, window_of

EVALUATED = "train/loss"  # at the end of a trial


@dataclass(frozen=True, kw_only=True)
class Costs:
    """The training costs of one trial.

    Args:
        running: Cost of each epoch from the first on, until the last or until it diverged.
        evaluated: Cost at the end; None if it diverged.
        epochs: Epochs that it was to train.
        is_result: False if it failed, so that nothing is known of it.
    """

    running: tuple[float, ...] = ()
    evaluated: float | None = None
    epochs: int
    is_result: bool = True

    def of(self, kind: Cost) -> Sequence[float]:
        """Return the costs by epoch; of evaluated ones, the one at the end stands for all."""
        if kind == "running":
            return self.running
        return () if self.evaluated is None else (self.evaluated,) * self.epochs


def epoch_costs(rows: Iterable[Mapping[str, float]]) -> tuple[float, ...]:
    """Return the running loss of each epoch, the mean over its steps.

    Args:
        rows: Rows of a trial's log, in order. A row of the running loss has the mean over the steps
            since the one before, and the end of an epoch has one.

    Returns:
        The costs of whole epochs, until the first one that has a loss that is not finite.
    """
    found: list[float] = []
    total, before = 0.0, 0.0
    for row in rows:
        if RUNNING not in row:
            if LEARNING_RATE in row:  # its loss was not finite
                break
            continue
        step, epoch = row[STEP], row[EPOCH]
        total += row[RUNNING] * (step - before)
        before = step
        if epoch == round(epoch) and epoch > len(found):
            found.append(total / (step / epoch))
            total = 0.0
    return tuple(found)


def mean_cost(costs: Sequence[float], epochs: int, window: int) -> float | None:
    """Return the mean cost of `window` epochs up to `epochs`; None if it diverged before."""
    until = costs[:epochs]
    if len(until) < epochs or not all(map(math.isfinite, until)):
        return None
    return fmean(until[-window:])


def quantity(claim: Claim, costs: Sequence[float], variant: Variant | None = None) -> float | None:
    """Return the quantity of one trial.

    Args:
        claim: The claim, which says which quantity.
        costs: Cost of each epoch from the first on; at least as many as the horizon unless the
            trial diverged.
        variant: The variant of the claim, which may have another horizon.

    Returns:
        None for the worst: the trial diverged, or its cost never falls to the level.
    """
    horizon = horizon_of(claim, variant)
    mean = mean_cost(costs, horizon, window_of(claim, variant))
    if claim.level is None or mean is None:
        return mean
    epochs = (epoch for epoch, cost in enumerate(costs[:horizon], 1) if cost <= claim.level)
    return next(epochs, None)
