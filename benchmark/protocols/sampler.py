"""The interface of samplers, which choose the points to try."""

from typing import Protocol

from optimizers.spec import OptimizerSpec
from optimizers.tunable import Tunable


class Sampler(Protocol):
    """A source of points of one space; the first point has the optimizer's defaults.

    A sampler keeps nothing on disk. An interrupted search continues with a new sampler of the same
    seed. It gets the same calls as the first one, and so returns the same points.
    """

    def __init__(self, tunable: Tunable, *, seed: int = 0) -> None: ...

    def ask(self, count: int) -> list[OptimizerSpec]:
        """Return the next `count` points; fewer if a space of choices has no more."""

    def tell(self, spec: OptimizerSpec, value: float | None) -> None:
        """Take note of the value that a point reached.

        Args:
            spec: A point that was asked for.
            value: Value to minimize. NaN or None means a diverged trial, which counts as worst.
        """
