"""Where trials run. The interface is one call, and the study's folder is the protocol."""

from collections.abc import Sequence
from typing import Protocol

from benchmark.spec import Trial
from benchmark.store import Record, Store

BEGUN = "begun"  # what a worker sends when it has its trial for itself and has cleared its files


class Launcher(Protocol):
    """Runs trials somewhere, so that each has a record in the store afterwards."""

    def __call__(self, trials: Sequence[Trial], store: Store) -> None:
        """Run `trials`; whatever is interrupted has no record, and nothing else is lost."""


class Watcher(Protocol):
    """Is told what goes on, in the launching process."""

    def started(self, trial: Trial) -> None:
        """Note that `trial` has been handed to a worker; again, if its worker crashed."""

    def begun(self, trial: Trial) -> None:
        """Note that a worker has `trial` for itself, and its files are those of this attempt."""

    def progressed(self, trial: Trial, step: int, loss: float) -> None:
        """Note how far `trial` is: steps taken and the running training loss."""

    def finished(self, record: Record) -> None:
        """Note that a trial has its record."""
