"""The margin of equivalence of a problem, and what it was derived from."""

import statistics
from collections.abc import Sequence

from msgspec import Struct

MARGIN_SHARE = 0.01  # share of the reference's mean; a smaller difference never matters
MOST_MARGIN_SHARE = 0.05  # a larger difference always matters, even if seeds differ by more
TUNING_SEEDS = "tuning seeds"  # the source of a margin that no shipped baseline gives


class MarginBasis(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The values of the reference that a margin of equivalence was derived from.

    Args:
        source: `TUNING_SEEDS`, or the shipped baselines, such as "baselines 2026.11".
        optimizer: Label of the reference with its hyperparameters.
        seeds: Number of values, one for each seed.
        mean: Their mean.
        deviation: Their standard deviation (n − 1); 0 for one value.
    """

    source: str
    optimizer: str
    seeds: int
    mean: float
    deviation: float

    @classmethod
    def of(cls, values: Sequence[float], *, source: str, optimizer: str) -> "MarginBasis":
        """Return the basis with these values."""
        return cls(
            source=source,
            optimizer=optimizer,
            seeds=len(values),
            mean=statistics.fmean(values),
            deviation=statistics.stdev(values) if len(values) > 1 else 0.0,
        )

    @property
    def margin(self) -> float:
        """The margin of equivalence: the deviation over seeds, within 1 to 5 % of the mean.

        A seed also draws the validation rows. With a few hundred rows, the deviation is 30 to 60 %
        of the mean. Without the upper bound, an optimizer with half of the reference's loss would
        then count as equivalent.
        """
        mean = abs(self.mean)
        return min(max(MARGIN_SHARE * mean, self.deviation), MOST_MARGIN_SHARE * mean)


def default_margin(values: Sequence[float]) -> float:
    """Return the margin of equivalence (`MarginBasis.margin`) from values of the reference.

    Args:
        values: Final values of the reference, one for each seed.

    >>> default_margin([1.0, 1.0]), default_margin([0.99, 1.01]), default_margin([0.5, 1.5])
    (0.01, 0.014142135623730963, 0.05)
    """
    return MarginBasis.of(values, source="", optimizer="").margin
