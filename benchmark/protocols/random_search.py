"""Random search: independently drawn points. Paper: Bergstra & Bengio, JMLR 2012."""

import itertools
import random
from collections.abc import Iterator

from benchmark.protocols.halton import different
from optimizers.spec import OptimizerSpec
from optimizers.tunable import Tunable


class RandomSampler:
    """A sampler of different points drawn uniformly from a space; the first has the defaults."""

    def __init__(self, tunable: Tunable, *, seed: int = 0) -> None:
        self._tunable = tunable
        self._draw = random.Random(seed).random
        self._points = different(self._drawn(), tunable)

    def ask(self, count: int) -> list[OptimizerSpec]:
        """Return the next `count` points; fewer if a space of choices has no more."""
        return list(itertools.islice(self._points, count))

    def tell(self, spec: OptimizerSpec, value: float | None) -> None:
        """Do nothing: the points do not depend on values."""

    def _drawn(self) -> Iterator[OptimizerSpec]:
        while True:
            yield self._tunable.point([self._draw() for _ in self._tunable.space.ranges])
