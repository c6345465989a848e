"""Random search: independently drawn points. Paper: Bergstra & Bengio, JMLR 2012."""

import random

from optimizers.spec import OptimizerSpec
from optimizers.tunable import Tunable


class RandomSampler:
    """A sampler of points drawn uniformly from a space; the first has the defaults.

    In a space of choices, a point may occur twice.
    """

    def __init__(self, tunable: Tunable, *, seed: int = 0) -> None:
        self._tunable = tunable
        self._draw = random.Random(seed).random
        self._asked = 0

    def ask(self, count: int) -> list[OptimizerSpec]:
        """Return the next `count` points."""
        return [self._next() for _ in range(count)]

    def tell(self, spec: OptimizerSpec, value: float | None) -> None:
        """Do nothing: the points do not depend on values."""

    def _next(self) -> OptimizerSpec:
        self._asked += 1
        if self._asked == 1:
            return self._tunable.defaults()
        return self._tunable.point([self._draw() for _ in self._tunable.space.ranges])
