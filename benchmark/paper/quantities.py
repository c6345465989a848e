"""The quantity that a claim compares, from the training costs of one trial."""

import math
from collections.abc import Sequence
from statistics import fmean

from benchmark.paper.rules import Claim, Variant, horizon_of, window_of


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
    until = costs[:horizon]
    if len(until) < horizon or not all(map(math.isfinite, until)):
        return None
    if claim.level is None:
        return fmean(until[-window_of(claim, variant) :])
    epochs = (epoch for epoch, cost in enumerate(until, 1) if cost <= claim.level)
    return next(epochs, None)
