"""The launcher of a Slurm cluster: array jobs whose tasks run the verb ``worker`` over keys."""

import math
from collections.abc import Sequence
from contextlib import AbstractContextManager

from benchmark.context import Context, Stack
from benchmark.jobs import job_file
from benchmark.launchers import Limits, Watcher, devices
from benchmark.launchers.arrays import Arrays, parsed, usual_tasks
from benchmark.launchers.local import LocalLauncher
from benchmark.launchers.scheduler import USUAL_MOST_TASKS, Scheduler, Slurm
from benchmark.launchers.slurm_options import SlurmOptions
from benchmark.launchers.slurm_watch import Watch
from benchmark.launchers.watchers import Shielded
from benchmark.prepared import Preparation, Prepared
from benchmark.spec import Trial
from benchmark.stacked.packs import Packs, joined, packs_of
from benchmark.store import Store
from optimizers.spec import OptimizerSpec


class SlurmLauncher:
    """A `Launcher` whose trials run in array jobs of Slurm.

    Hyperparameters are checked, optimizers rehearsed and data prepared on this machine, a login
    node; a node that does not see the prepared data prepares them for itself.

    Args:
        limits: Number of tasks that run in parallel, the time limit of a trial, and the options
            for sbatch.
        scheduler: The commands of Slurm; None for those of this machine.

    Raises:
        UsageError: an option for sbatch is malformed, or is one that the launcher sets.
    """

    def __init__(self, limits: Limits | None = None, scheduler: Scheduler | None = None) -> None:
        self._limits = limits or Limits()
        self._known_scheduler = scheduler
        parsed(self._limits.options_of(SlurmOptions).options)
        self.here = LocalLauncher(self._limits)

    def warm_up(self) -> AbstractContextManager[None]:
        """Start the server of workers on this machine, which checks optimizers and data.

        Raises:
            UsageError: the commands of Slurm are not here.
        """
        self._scheduler()
        return self.here.warm_up()

    def num_at_once(self, threads: int, accelerator: str = "cpu") -> int:
        """Return how many trials run in parallel if the cluster has room for all tasks."""
        del threads, accelerator  # each task has its own
        return usual_tasks(self._limits)

    def why_not(self, accelerator: str, precision: str) -> str:
        """Return why trials cannot run with these two, as far as that is known here."""
        return "" if accelerator == "gpu" else devices.why_not(accelerator, precision)

    def check_hyperparameters(self, specs: Sequence[OptimizerSpec]) -> None:
        """Have the classes of registered optimizers check their hyperparameters, here."""
        self.here.check_hyperparameters(specs)

    def prepare(self, wanted: Sequence[Preparation], context: Context) -> list[Prepared]:
        """Prepare data sets on this machine."""
        return self.here.prepare(wanted, context)

    def rehearse(self, trials: Sequence[Trial], context: Context) -> None:
        """Have optimizers that were given by import path take two steps, on this machine.

        Those of trials on a GPU are rehearsed only if this machine has one.
        """
        self.here.rehearse(
            [trial for trial in trials if not devices.why_not(trial.accelerator, trial.precision)],
            context,
        )

    def preview(self, trials: Sequence[Trial], store: Store) -> str:
        """Return the batch scripts that would be submitted, for ``--dry-run``.

        Neither files are written nor is Slurm asked: arrays have Slurm's usual greatest size.
        """
        arrays = Arrays(self._limits, store, store.folder / "jobs" / "JOB.json")
        return "\n".join(map(arrays.script, arrays.divide(trials, USUAL_MOST_TASKS)))

    def packs(self, trials: Sequence[Trial], stack: Stack, store: Store) -> Packs:
        """Return the packs that workers make of their tasks' trials, if they have free memory.

        Arrays have Slurm's usual greatest size.
        """
        arrays = Arrays(self._limits, store, store.folder)
        divided = arrays.divide(trials, USUAL_MOST_TASKS) if trials else []
        shares = (array.share(index) for array in divided for index in range(array.tasks))
        return joined(packs_of(share, stack, at_once=1, free_bytes=math.inf) for share in shares)

    def __call__(
        self, trials: Sequence[Trial], store: Store, context: Context, watcher: Watcher
    ) -> None:
        """Run `trials`; then each has a record, ``failed`` if its task died twice.

        With ``--detach`` the trials are only submitted. Jobs of an earlier command are watched, and
        their trials are not submitted again.

        Raises:
            UsageError: Slurm does not answer, or takes none of the jobs; the message is its own.
            OSError: a file of the study cannot be written.
        """
        store.plan(trials)
        arrays = Arrays(self._limits, store, job_file(store.folder, context))
        watch = Watch(arrays, self._scheduler(), store, context.environment, Shielded(watcher))
        watch.run(trials, detach=self._limits.options_of(SlurmOptions).detach)

    def _scheduler(self) -> Scheduler:
        if self._known_scheduler is None:
            self._known_scheduler = Slurm()
        return self._known_scheduler
