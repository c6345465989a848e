"""Launchers, the places where trials run. Workers communicate through the study's folder.

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
from benchmark.record import Record
from benchmark.spec import Trial
from benchmark.store import Store
from optimizers.pick import pick
from optimizers.spec import OptimizerSpec


class Watcher(Protocol):
    """An observer of running trials, in the launching process."""

    def started(self, trial: Trial) -> None:
        """Note that a worker was given `trial`; called again after a crash of the worker."""

    def begun(self, trial: Trial) -> None:
        """Note that a worker has locked `trial`, so its files belong to this attempt."""

    def progressed(self, trial: Trial, step: int, loss: float) -> None:
        """Note the progress of `trial`: steps taken, and the running training loss."""

    def finished(self, record: Record) -> None:
        """Note that a trial has its record."""


class Launcher(Protocol):
    """A place where trials run; afterwards each has a record in the store."""

    def warm_up(self) -> AbstractContextManager[None]:
        """Start to get ready, and return the context in which all other methods are called."""

    def num_at_once(self, threads: int) -> int:
        """Return how many trials with that many CPU threads run in parallel, for estimates."""

    def why_not(self, accelerator: str, precision: str) -> str:
        """Return why trials cannot run here with these two, or "" if they can."""

    def check_hyperparameters(self, specs: Sequence[OptimizerSpec]) -> None:
        """Have the classes of registered optimizers check their hyperparameters.

        Raises:
            UsageError: a class refuses a value; the message is that of the class.
        """

    def prepare(self, wanted: Sequence[tuple[str, str, bool]], context: Context) -> list[Prepared]:
        """Prepare data sets where the workers find them.

        Args:
            wanted: Data set, model, and True if dropout is on; one tuple per problem.
            context: Folders of the data.

        Raises:
            DataError, UsageError, OSError: raised by a data module.
        """

    def rehearse(self, trials: Sequence[Trial], context: Context) -> None:
        """Have each optimizer that was given by import path take two steps on its real model.

        Raises:
            UsageError: an optimizer fails, dies or hangs; one line, with the cure if known.
        """

    def __call__(
        self, trials: Sequence[Trial], store: Store, context: Context, watcher: Watcher
    ) -> None:
        """Run `trials`; after an interruption only the trials that were running have no record.

        Raises:
            OSError: a record cannot be written; all records written before are kept.
        """


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits for a launcher.

    Args:
        workers: Trials that run in parallel; 0 for as many as the CPU cores allow.
        gpu_slots: Trials that run in parallel on each GPU.
        timeout_seconds: Time limit of a trial, of a data preparation, and of waiting for a trial
            that another process has locked. A trial over the limit is killed and counts as failed.
            None for no limit.
    """

    workers: int = 0
    gpu_slots: int = 1
    timeout_seconds: float | None = None


LAUNCHERS = {"local": "benchmark.launchers.local:LocalLauncher"}  # each is built with `Limits`


def make_launcher(name: str, limits: Limits) -> Launcher:
    """Return the launcher of that name.

    Raises:
        UnknownNameError: the name is unknown; the message lists the known names.
    """
    make: Callable[[Limits], Launcher] = resolve_name(pick(LAUNCHERS, name, "launcher"))
    return make(limits)
