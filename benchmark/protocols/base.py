"""The interface of a protocol."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from benchmark.declaration import Chosen
from benchmark.record import Record
from benchmark.spec import Cell, Trial
from optimizers.spec import OptimizerSpec

Results = Callable[[Trial], Record | None]
"""A function that returns the record of a trial, of any status; None if it has none."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """The trials of one cell that are wanted so far.

    Args:
        trials: All wanted trials in the order in which they run, including those with a result.
        doing: Purpose of the trials without a result, such as "tuning".
        later: Number of trials that later stages will add, as far as it is known.
        is_last: No later stage can add a trial.
        chosen: The outcomes of the cell's searches, once the last of them has ended.
        widened: Lines on ranges that were widened, the reasons for more trials than asked for.
    """

    trials: tuple[Trial, ...]
    doing: str = ""
    later: int = 0
    is_last: bool = True
    chosen: tuple[Chosen, ...] = ()
    widened: tuple[str, ...] = ()


class TrialProtocol(Protocol):
    """A rule that finds the trials a cell needs, given the records so far."""

    def specs(self) -> tuple[OptimizerSpec, ...]:
        """Return the optimizers whose hyperparameters are checked before the first trial."""

    def stage(self, cell: Cell, results: Results) -> Stage:
        """Return the trials of `cell` that are wanted so far.

        A protocol asks for results only of trials that it has returned or returns now. It is asked
        again once they have records, until it wants no others.
        """
