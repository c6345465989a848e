"""The points that one optimizer tries, drawn from its sampler and beyond the range if need be."""

from collections.abc import Callable
from dataclasses import replace

from benchmark.declaration import Edge
from benchmark.protocols import sampler
from benchmark.protocols.halton import points
from optimizers.spaces import Range, kind_of
from optimizers.spec import OptimizerSpec
from optimizers.tunable import Tunable

DECADE = 10.0
_BATCHES = {"optuna": 4}  # a sampler that learns from values gets the budget in so many parts


class Series:
    """The points of one optimizer that have been drawn so far.

    Args:
        tunable: The optimizer.
        source: Name of the sampler, in `protocols.SAMPLERS`.
        seed: Seed of the points.
        value: Returns the value of a point, None if it is not known yet.
    """

    def __init__(
        self,
        tunable: Tunable,
        *,
        source: str,
        seed: int,
        value: Callable[[OptimizerSpec], float | None],
    ) -> None:
        self.points: list[OptimizerSpec] = []
        self.tunable = tunable
        self._seed = seed
        self._sampler = sampler(source, tunable, seed=seed)
        self._batches = _BATCHES.get(source, 1)
        self._value = value
        self._own = range_of_rates(tunable)
        self._ends = (self._own.low, self._own.high) if self._own else (0.0, 0.0)

    def go_on(self, count: int) -> None:
        """Draw the next `count` points of the optimizer's own sequence.

        A sampler that learns draws them in batches, each after the values of the batch before are
        known.
        """
        batch = -(-count // self._batches)
        while count > 0:
            new = self._sampler.ask(min(batch, count))
            self.points += new
            count -= batch
            values = [self._value(spec) for spec in new]
            if not new or None in values:
                return
            for spec, value in zip(new, values, strict=True):
                self._sampler.tell(spec, value)

    def go_beyond(self, edge: Edge, count: int) -> None:
        """Draw `count` points beyond the highest or lowest learning rate tried so far.

        They lie between that rate and a decade beyond the end of the range. Without an edge, the
        points are the next ones of the optimizer's own sequence.
        """
        low, high = self._ends
        rates = [rate for spec in self.points if (rate := rate_of(spec, self._own)) is not None]
        if edge == "high":
            low, high = max(rates), max(high, *rates) * DECADE
        elif edge == "low":
            low, high = min(low, *rates) / DECADE, min(rates)
        else:
            self.go_on(count)
            return
        self._ends = min(low, self._ends[0]), max(high, self._ends[1])
        ranges = tuple(
            replace(each, low=low, high=high) if each == self._own else each
            for each in self.tunable.space.ranges
        )
        wider = replace(self.tunable, space=replace(self.tunable.space, ranges=ranges))
        _, *drawn = points(wider, len(self.points) + count + 1, seed=self._seed)  # after defaults
        self.points += [spec for spec in drawn if spec not in self.points][:count]


def range_of_rates(tunable: Tunable) -> Range | None:
    """Return the range of the learning rate, also a wrapped optimizer's; None if it is not tuned.

    The grammar writes no such range as one minus a number, but a declaration may have one.
    """
    for each in tunable.space.ranges:
        if isinstance(each, Range) and kind_of(each.name) == "lr" and not each.one_minus:
            return each
    return None


def rate_of(spec: OptimizerSpec, own: Range | None) -> float | None:
    """Return the learning rate that was drawn from `own`."""
    rate = spec.hyperparameters.get(own.name) if own else None
    return float(rate) if isinstance(rate, (int, float)) and not isinstance(rate, bool) else None
