"""Search spaces: the hyperparameters of an optimizer to tune and their ranges, for all problems.

The ranges are fixed before anything is run, so that no optimizer is tuned more finely than another.
They are ours, derived from published ones: Schmidt, Schneider & Hennig, "Descending through a
Crowded Valley", ICML 2021 (learning rates log-uniform over four decades, decays as one minus a
log-uniform number), and Choi et al., "On Empirical Comparisons of Optimizers for Deep Learning",
2019 (one minus momentum log-uniform; a space that holds every special case of an optimizer).
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Range:
    """A hyperparameter drawn log-uniformly from low to high.

    Args:
        name: Name of the hyperparameter; ``betas.0`` for the first number of a pair.
        low: Smallest value.
        high: Largest value.
        one_minus: The hyperparameter is one minus the drawn value, as for decays near one.
    """

    name: str
    low: float
    high: float
    one_minus: bool = False

    def at(self, u: float) -> float:
        """Return the value at `u` in [0, 1] of the range.

        >>> Range(name="lr", low=1e-4, high=1.0).at(0.5)
        0.01
        >>> round(Range(name="momentum", low=0.001, high=0.1, one_minus=True).at(0.5), 4)
        0.99
        """
        value: float = self.low * (self.high / self.low) ** u
        return 1 - value if self.one_minus else value


@dataclass(frozen=True, kw_only=True)
class Space:
    """Ranges of the hyperparameters that are tuned together, and their source."""

    ranges: tuple[Range, ...]
    source: str = (
        "learning rate over four decades, decays as one minus a log-uniform number, "
        "after Schmidt et al., ICML 2021, and Choi et al., 2019"
    )


ADAM_LIKE = (
    Range(name="lr", low=1e-5, high=1e-1),
    Range(name="betas.0", low=1e-2, high=0.5, one_minus=True),
    Range(name="betas.1", low=1e-4, high=0.2, one_minus=True),
)
