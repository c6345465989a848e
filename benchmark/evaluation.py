"""The schedule of evaluation: its steps and its numbers of examples. It uses no clock.

A trial is evaluated at its start, at its end, and at 19 evenly spaced steps between. Start and end
take all splits in full. Between them only the first rows of the validation split are evaluated.
Their number is such that all evaluation takes at most a quarter of the trial, by the measured cost
of an example (`problems.Problem.evaluation_cost`). It follows from the table and from sizes alone,
so a trial is evaluated on the same examples on every machine.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from benchmark.problems import evaluation_cost
from benchmark.spec import Trial

POINTS = 20  # evaluations after the start
_SHARE = 0.25  # of a trial's time
_FEWEST = 100  # validation examples, even where the evaluations at the ends take the whole share


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """The evaluations of one trial, without the one at its start.

    Args:
        steps: Steps at which it is evaluated, ascending; the last one ends training.
        examples: Validation examples in evaluations between start and end.
    """

    steps: tuple[int, ...]
    examples: int


def schedule_of(
    trial: Trial, num_train: int, num_evaluated: tuple[int, int, int], points: int = POINTS
) -> Schedule:
    """Return the schedule of `trial`.

    Args:
        trial: The trial.
        num_train: Examples in the training split.
        num_evaluated: Training, validation and test examples in a whole evaluation.
        points: Number of evaluations after the start; a trial of fewer steps has fewer.
    """
    total = trial.epochs * -(-num_train // trial.batch_size)
    steps = sorted({round(k * total / points) for k in range(1, points + 1)} - {0})
    between, num_val = len(steps) - 1, num_evaluated[1]
    training = trial.epochs * num_train / evaluation_cost(trial.problem)  # in examples evaluated
    left = training * _SHARE / (1 - _SHARE) - 2 * sum(num_evaluated)
    affordable = int(left / between) if between else num_val
    return Schedule(steps=tuple(steps), examples=min(num_val, max(_FEWEST, affordable)))


class Alternating:
    """A loader that yields the batches of one of two loaders, chosen for each iteration.

    Args:
        whole: Loader of all batches; it determines the length.
        part: Loader for the other iterations; None yields nothing.
        is_whole: Function that returns True if this iteration uses `whole`.
    """

    def __init__(self, whole: Any, part: Any | None, is_whole: Callable[[], bool]) -> None:
        self._whole, self._part, self._is_whole = whole, part, is_whole

    def __len__(self) -> int:
        return len(self._whole)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._whole if self._is_whole() else self._part or ())
