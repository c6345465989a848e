"""Messages of a worker to whoever launched it; pickled, however they travel."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmark.prepared import Prepared


@dataclass(frozen=True, kw_only=True)
class Begun:
    """The worker has its trial for itself and has cleared its files, or begins to prepare data."""


@dataclass(frozen=True, kw_only=True)
class RunningLoss:
    """The running training loss after so many steps."""

    step: int
    loss: float


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The end of a preparation, a check or one rehearsal.

    Args:
        error: What went wrong; None if nothing did.
        prepared: The data sets, after a preparation.
    """

    error: Exception | None = None
    prepared: tuple[Prepared, ...] = ()


Message = Begun | RunningLoss | Outcome
Report = Callable[[Message], None]  # raises OSError if nobody takes the message any more
