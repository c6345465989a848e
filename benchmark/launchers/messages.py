"""Messages from a worker to its launcher; they are pickled."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmark.prepared import Prepared
from benchmark.step_costs import StepCost


@dataclass(frozen=True, kw_only=True)
class Begun:
    """Message that the worker has locked its trial and cleared its files, or prepares data."""


@dataclass(frozen=True, kw_only=True)
class RunningLoss:
    """The running training loss, and the number of steps taken so far.

    Args:
        step: Number of steps.
        loss: The loss.
        place: Which trial of a pack this is, from 0; 0 for a trial alone.
    """

    step: int
    loss: float
    place: int = 0


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The end of a preparation, a check, one rehearsal or the timing of steps.

    It is also the end of a trial whose files cannot be written, and of a pack that fails.

    Args:
        error: The exception; None after success.
        prepared: The data sets, after a preparation.
        step_costs: The costs, after a timing.
    """

    error: Exception | None = None
    prepared: tuple[Prepared, ...] = ()
    step_costs: tuple[StepCost, ...] = ()


Message = Begun | RunningLoss | Outcome
Report = Callable[[Message], None]  # raises OSError if the receiver is gone
