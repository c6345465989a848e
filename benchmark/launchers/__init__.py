"""Where trials run. A launcher is one object, and the study's folder is the protocol.

A new launcher implements `Launcher`, has its workers call `launchers.worker.work`, and gets a row
in `LAUNCHERS`.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import Protocol

from benchmark.context import Context
from benchmark.prepared import Prepared
from benchmark.spec import Trial
from benchmark.store import Record, Store
from optimizers.pick import pick
from optimizers.spec import OptimizerSpec


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


class Launcher(Protocol):
    """A place where trials run, so that each has a record in the store afterwards."""

    def warm_up(self) -> AbstractContextManager[None]:
        """Return a context in which all other methods are called, and get ready meanwhile."""

    def num_at_once(self, threads: int) -> int:
        """Return how many trials of so many CPU threads run at once, for estimates."""

    def why_not(self, accelerator: str, precision: str) -> str:
        """Return why trials cannot run here with these two, empty if they can."""

    def check_hyperparameters(self, specs: Sequence[OptimizerSpec]) -> None:
        """Have the classes of registered optimizers check the values that they are given.

        Raises:
            UsageError: one refuses its values; the message is its own.
        """

    def prepare(self, wanted: Sequence[tuple[str, str, bool]], context: Context) -> list[Prepared]:
        """Prepare data sets where the workers find them.

        Args:
            wanted: Data set, model, and whether dropout is on, of each problem.
            context: Where data are.

        Raises:
            DataError, UsageError, OSError: as the data modules do.
        """

    def rehearse(self, trials: Sequence[Trial], context: Context) -> None:
        """Have each optimizer that comes by import path take two steps on its real model.

        Raises:
            UsageError: one fails, dies or hangs; one line, with the cure if one is known.
        """

    def __call__(
        self, trials: Sequence[Trial], store: Store, context: Context, watcher: Watcher
    ) -> None:
        """Run `trials`; whatever is interrupted has no record, and nothing else is lost.

        Raises:
            OSError: a record cannot be written; every record that was written before stays.
        """


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a launcher may use.

    Args:
        workers: Trials at once; 0 for as many as there are CPU cores for.
        gpu_slots: Trials at once on each GPU.
        timeout_seconds: After which a trial is killed and has failed, and a preparation is given
            up; as long may a trial have to wait for another process that has it. None for never.
    """

    workers: int = 0
    gpu_slots: int = 1
    timeout_seconds: float | None = None


LAUNCHERS = {"local": "benchmark.launchers.local:LocalLauncher"}  # each is built with `Limits`


def make_launcher(name: str, limits: Limits) -> Launcher:
    """Return the launcher of that name.

    Raises:
        UnknownNameError: there is none; the message lists those that there are.
    """
    make: Callable[[Limits], Launcher] = resolve_name(pick(LAUNCHERS, name, "launcher"))
    return make(limits)
