"""Costs of optimizers' steps, timed beside the reference's, in a study's ``step_costs.json``.

`step_timing` measures them when a tuned study is complete. The file may be removed: the next run
of the study measures them again.
"""

import math
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from benchmark.atomic import write_text
from benchmark.decode import read_file
from benchmark.errors import Misfit

FILE = "step_costs.json"
FEWEST_ROUNDS = 7  # the median of six or more has an interval of 95 %
_MOST_BYTES = 10_000_000
_LEVEL = 0.05
# Two digits are printed, and a tenth tells them apart. With a third, a ratio still says which of
# 1 and 2 it is nearer to; beyond that it says nothing.
_SURE, _ROUGH = 0.1, 0.33


class TimeRatio(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The median over rounds of a ratio of times.

    Args:
        median: The median; a slow round is slow for both times.
        low, high: Ends of its 95 % interval.
    """

    median: float
    low: float
    high: float

    @property
    def is_sure(self) -> bool:
        """True if the interval is narrow enough for two digits."""
        return self._scatter <= _SURE

    @property
    def is_known(self) -> bool:
        """True if the interval is narrow enough for a rough number."""
        return self._scatter <= _ROUGH

    @property
    def _scatter(self) -> float:
        return max(self.high - self.median, self.median - self.low) / self.median


class StepCost(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The cost of an optimizer's step on a problem, with that of the reference.

    Args:
        trial: Key of the optimizer's trial on the first evaluation seed.
        reference: Key of the reference's trial on that seed.
        cpu: Name of the processor of the machine.
        at: Date and time.
        rounds: Number of rounds, in each of which all optimizers of the problem took turns.
        own: Time of the optimizer's own part of a step, without its gradients, over the
            reference's; None if it could not be timed.
        training: Time of a training step over the reference's: forward, backward and own part.
        share: Share of a training step that its own part takes, between 0 and 1.
        own_seconds: Median time of its own part.
        training_seconds: Median time of a training step.
        gradients: Number of gradients in a step, the median over steps.
        reference_gradients: That number of the reference.
        failure: The reason why it could not be timed; empty if it was.
    """

    trial: str
    reference: str
    cpu: str
    at: str
    rounds: int = 0
    own: TimeRatio | None = None
    training: TimeRatio | None = None
    share: float = 0.0
    own_seconds: float = 0.0
    training_seconds: float = 0.0
    gradients: float = 1
    reference_gradients: float = 1
    failure: str = ""


class _File(Struct, kw_only=True, forbid_unknown_fields=True):
    costs: list[StepCost]


def read_step_costs(folder: Path) -> list[StepCost]:
    """Return the costs in the folder of a study; none if the file is missing or damaged."""
    try:
        found = msgspec.json.decode(read_file(folder / FILE, _MOST_BYTES), type=_File)
    except (OSError, Misfit, ValueError, RecursionError):
        return []
    return found.costs


def write_step_costs(folder: Path, costs: Iterable[StepCost]) -> None:
    """Write costs beside those in the folder of a study; they replace those of the same trials.

    Raises:
        OSError: the file cannot be written.
    """
    by_trials = {(each.trial, each.reference): each for each in read_step_costs(folder)}
    by_trials |= {(each.trial, each.reference): each for each in costs}
    text = msgspec.json.encode(_File(costs=list(by_trials.values())))
    write_text(folder / FILE, msgspec.json.format(text, indent=1).decode() + "\n")


def ratio_of(times: Sequence[float], others: Sequence[float]) -> TimeRatio:
    """Return the ratio of two times, each measured once in every round.

    The interval is that of the median by order statistics (Thompson, 1936), which holds whatever
    the distribution.

    Args:
        times: Times of the numerator, at least six, in rounds.
        others: Times of the denominator in the same rounds.

    >>> ratio_of([2.0] * 7, [1.0, 1.0, 1.0, 2.0, 4.0, 1.0, 1.0])
    TimeRatio(median=2.0, low=0.5, high=2.0)
    """
    ratios = sorted(time / other for time, other in zip(times, others, strict=True))
    number, tail, left_out = len(ratios), 0.0, -1
    while tail <= _LEVEL / 2:
        left_out += 1
        tail += math.comb(number, left_out) / 2**number
    left_out = max(0, left_out - 1)
    return TimeRatio(
        median=statistics.median(ratios), low=ratios[left_out], high=ratios[-1 - left_out]
    )
