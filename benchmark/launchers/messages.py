"""Messages from a worker to its launcher; they are pickled."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmark.prepared import Prepared


@dataclass(frozen=True, kw_only=True)
class Begun:
    """Message that the worker has locked its trial and cleared its files, or prepares data."""


@dataclass(frozen=True, kw_only=True)
class RunningLoss:
    """The running training loss, and the number of steps taken so far."""

    step: int
    loss: float


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The end of a preparation, a check or one rehearsal.

    Args:
        error: The exception; None after success.
        prepared: The data sets, after a preparation.
    """

    error: Exception | None = None
    prepared: tuple[Prepared, ...] = ()


Message = Begun | RunningLoss | Outcome
Report = Callable[[Message], None]  # raises OSError if the receiver is gone
