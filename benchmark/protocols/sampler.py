"""The interface of whatever chooses the points at which an optimizer is tried."""

from typing import Protocol

from optimizers.spec import OptimizerSpec
from optimizers.tunable import Tunable


class Sampler(Protocol):
    """Points of one space, one after the other; the first has the optimizer's defaults.

    A sampler keeps nothing on disk. An interrupted search goes on with a new sampler of the same
    seed, which is asked and told as the first one was: it then asks for the same points.
    """

    def __init__(self, tunable: Tunable, *, seed: int = 0) -> None: ...

    def ask(self, count: int) -> list[OptimizerSpec]:
        """Return the next `count` points; fewer if a space of choices has no more."""

    def tell(self, spec: OptimizerSpec, value: float | None) -> None:
        """Take note of the value that a point reached.

        Args:
            spec: A point that was asked for.
            value: Smaller is better. NaN or None is a diverged trial, which counts as worst.
        """
