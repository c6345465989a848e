"""Launchers, the places where trials run. Workers communicate through the study's folder.

A new launcher implements `Launcher` and has its workers call `launchers.worker.work`. It is given
by import path, or by its name if it has a row in `LAUNCHERS`. It may also be a `StepTimer`, a
`Packer`, a `Queued` or a `Previewer`.
"""

import inspect
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import Protocol, TypeVar, runtime_checkable

from benchmark.context import Context, Stack
from benchmark.errors import UsageError
from benchmark.launchers.options import LauncherOptions
from benchmark.launchers.ray_options import RayOptions
from benchmark.launchers.slurm_options import SlurmOptions
from benchmark.plain_text import error_line
from benchmark.prepared import Preparation, Prepared
from benchmark.record import Record
from benchmark.spec import Trial
from benchmark.stacked.packs import Packs
from benchmark.step_costs import StepCost
from benchmark.store import Store
from optimizers.pick import is_import_path, pick, shown
from optimizers.source import module_of, why_not_found
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

    def said(self, text: str) -> None:
        """Note what the launcher has to tell a person, such as the ids of submitted jobs."""


class Launcher(Protocol):
    """A place where trials run; afterwards each has a record in the store."""

    def warm_up(self) -> AbstractContextManager[None]:
        """Start to get ready, and return the context in which all other methods are called."""

    def num_at_once(self, threads: int, accelerator: str = "cpu") -> int:
        """Return how many trials with that many CPU threads run in parallel, for estimates."""

    def why_not(self, accelerator: str, precision: str) -> str:
        """Return why trials cannot run here with these two, or "" if they can."""

    def check_hyperparameters(self, specs: Sequence[OptimizerSpec]) -> None:
        """Have the classes of registered optimizers check their hyperparameters.

        Raises:
            SpecError: a class refuses a value; the message is that of the class.
            UsageError: the check takes too long, or its process dies.
        """

    def prepare(self, wanted: Sequence[Preparation], context: Context) -> list[Prepared]:
        """Prepare data sets where the workers find them.

        Args:
            wanted: One per problem.
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


@runtime_checkable
class StepTimer(Protocol):
    """A launcher that can also time steps; without this, reports compare the times on record."""

    def time_steps(self, trials: Sequence[Trial], context: Context) -> list[StepCost]:
        """Time the steps of `trials`, which differ in their optimizers, in turn in one process.

        Args:
            trials: One trial per optimizer, that of the reference first; their data are prepared.
            context: Folders of the data, and the environment with the processor's name.

        Returns:
            A cost for each trial but the first; one that could not be timed says why.
        """


@runtime_checkable
class Queued(Protocol):
    """A launcher whose trials may wait in a queue, with one that runs a trial without waiting."""

    @property
    def here(self) -> Launcher:
        """The launcher for this machine; it trains one shipped trial again, to compare results."""


@runtime_checkable
class Previewer(Protocol):
    """A launcher that can also show what it would submit."""

    def preview(self, trials: Sequence[Trial], store: Store) -> str:
        """Return a text for ``--dry-run``; write no file and start nothing."""


@runtime_checkable
class Packer(Protocol):
    """A launcher that can train many trials as one network; without this, each trains alone."""

    def packs(self, trials: Sequence[Trial], stack: Stack, store: Store) -> Packs:
        """Return how `trials` of a study train if they are launched with this `Context.stack`."""


_Options = TypeVar("_Options", bound=LauncherOptions)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits for a launcher, and its own options.

    Args:
        workers: Trials that run in parallel; 0 for as many as the CPU cores allow.
        gpu_slots: Trials that run in parallel on each GPU.
        timeout_seconds: Time limit of a trial, of a data preparation, and of waiting for a trial
            that another process has locked. A trial over the limit is killed and counts as failed.
            A pack has the time of its trials together. None for no limit.
        options: The launcher's own options; those of another launcher are refused.
    """

    workers: int = 0
    gpu_slots: int = 1
    timeout_seconds: float | None = None
    options: tuple[LauncherOptions, ...] = ()

    def options_of(self, kind: type[_Options]) -> _Options:
        """Return the options of a kind, the defaults unless they are given."""
        return next((each for each in self.options if isinstance(each, kind)), kind())


@dataclass(frozen=True, kw_only=True)
class LauncherRow:
    """A registered launcher.

    Args:
        target: The class as ``module:attribute``; it is built with `Limits`.
        options: The type of its own options, of which the command line makes options; None if it
            has none. A launcher given by import path has this as its class attribute
            ``options_type``.
    """

    target: str
    options: type[LauncherOptions] | None = None


LAUNCHERS = {
    "local": LauncherRow(target="benchmark.launchers.local:LocalLauncher"),
    "ray": LauncherRow(target="benchmark.launchers.ray:RayLauncher", options=RayOptions),
    "slurm": LauncherRow(target="benchmark.launchers.slurm:SlurmLauncher", options=SlurmOptions),
}
DEFAULT = "local"
CONTRACT = (
    "a launcher is a class, built with benchmark.launchers.Limits, that has the methods of "
    "benchmark.launchers.Launcher, such as benchmark.launchers.local.LocalLauncher"
)
# Every class can be called, so `__call__` is looked for by itself.
_METHODS = sorted(name for name in vars(Launcher) if not name.startswith("_"))


def make_launcher(name: str, limits: Limits) -> Launcher:
    """Return the launcher with that name or import path.

    Raises:
        UnknownNameError: the name is unknown; the message lists the known names.
        UsageError: the class at the import path cannot be loaded or built, or breaks `CONTRACT`;
            there are options of another launcher, which would have no effect; or the launcher
            refuses its options.
    """
    if is_import_path(name):
        make = _class_at(name)
        _check_options(name, getattr(make, "options_type", None), limits)
    else:
        row = pick(LAUNCHERS, name, "launcher")
        _check_options(name, row.options, limits)
        make = resolve_name(row.target)
    try:
        launcher: Launcher = make(limits)
    except UsageError:  # of its own options; the message says what to do
        raise
    except (Exception, SystemExit) as error:  # a user's class may raise anything
        raise UsageError(
            f"launcher {shown(name)} cannot be built ({error_line(error, 200)}): {CONTRACT}"
        ) from error
    return launcher


def _check_options(name: str, takes: type[LauncherOptions] | None, limits: Limits) -> None:
    for each in limits.options:
        if takes is None or not isinstance(each, takes):
            owners = [other for other, row in LAUNCHERS.items() if row.options is type(each)]
            owner = f"--launcher {owners[0]}" if owners else f"one with {type(each).__name__}"
            given = " or ".join(each.given()) or type(each).__name__
            raise UsageError(f"{given} is for {owner}, and the launcher is {shown(name)}")


def _class_at(path: str) -> Callable[[Limits], Launcher]:
    """Return the launcher class at an import path."""
    try:
        found = resolve_name(path)
    except (Exception, SystemExit) as error:  # a user's module may raise anything
        why = why_not_found(error, module_of(path)) or f"{error_line(error, 200)}: {CONTRACT}"
        raise UsageError(f"launcher {shown(path)} cannot be imported: {why}") from error
    if not isinstance(found, type):
        raise UsageError(f"launcher {shown(path)} is no class: {CONTRACT}")
    lacking = [name for name in _METHODS if not callable(getattr(found, name, None))]
    if lacking:
        raise UsageError(f"launcher {shown(path)} has no {', '.join(lacking)}: {CONTRACT}")
    for name in [*_METHODS, "__call__"]:
        if not _takes_as_many(found, name):
            wanted = inspect.signature(getattr(Launcher, name))
            arguments = ", ".join(list(wanted.parameters)[1:])
            raise UsageError(
                f"launcher {shown(path)} cannot be called as {name}({arguments}): {CONTRACT}"
            )
    return found


def _takes_as_many(found: type, name: str) -> bool:
    """Return whether a method of a class takes as many arguments as that of `Launcher`."""
    method = next((vars(each)[name] for each in found.__mro__ if name in vars(each)), None)
    if method is None:
        return False
    is_bound = isinstance(method, (staticmethod, classmethod))  # it does not take the object
    wanted = len(inspect.signature(getattr(Launcher, name)).parameters) - is_bound
    try:
        inspect.signature(getattr(found, name)).bind(*range(wanted))
    except TypeError:
        return False
    except ValueError:  # nothing is known of its arguments
        return True
    return True
