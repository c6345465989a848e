"""The launcher of this machine: it runs each trial, or each pack, in a process of its own.

The other modules of the launcher are imported on first use, because a command with nothing to run
needs none of them.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager

from benchmark.context import Context, Stack
from benchmark.launchers import Limits, Watcher, devices
from benchmark.prepared import Preparation, Prepared
from benchmark.spec import Trial
from benchmark.stacked.packs import Packs, by_accelerator, joined, packs_of
from benchmark.step_costs import StepCost
from benchmark.store import Store
from optimizers.spec import OptimizerSpec


class LocalLauncher:
    """A `Launcher` whose workers are forked from a preloaded server.

    Args:
        limits: Numbers of parallel trials, and the time limit.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()

    def warm_up(self) -> AbstractContextManager[None]:
        """Start the server, which loads torch and Lightning during the block."""
        from benchmark.launchers.server import started_early

        return started_early()

    def num_at_once(self, threads: int, accelerator: str = "cpu") -> int:
        """Return how many trials with that many CPU threads run in parallel."""
        workers = self._limits.workers or max(1, devices.cpu_cores() // threads)
        if accelerator != "gpu":
            return workers
        return min(workers, max(1, len(devices.gpu_ids())) * self._limits.gpu_slots)

    def why_not(self, accelerator: str, precision: str) -> str:
        """Return why this machine cannot run trials with these two, or "" if it can."""
        return devices.why_not(accelerator, precision)

    def check_hyperparameters(self, specs: Sequence[OptimizerSpec]) -> None:
        """Have the classes of registered optimizers check their hyperparameters, in a worker."""
        from benchmark.launchers.rehearse import check_hyperparameters

        check_hyperparameters(specs)

    def prepare(self, wanted: Sequence[Preparation], context: Context) -> list[Prepared]:
        """Prepare data sets in a worker."""
        from benchmark.launchers.prepare import prepare

        return prepare(wanted, context, self._limits.timeout_seconds)

    def rehearse(self, trials: Sequence[Trial], context: Context) -> None:
        """Have optimizers that were given by import path take two steps, in workers."""
        from benchmark.launchers.rehearse import rehearse

        rehearse(trials, context, self._limits.timeout_seconds)

    def time_steps(self, trials: Sequence[Trial], context: Context) -> list[StepCost]:
        """Time the steps of `trials` in turn, in a worker."""
        from benchmark.launchers.time_steps import time_steps

        return time_steps(trials, context)

    def packs(self, trials: Sequence[Trial], stack: Stack, store: Store) -> Packs:
        """Return which of `trials` train as one network, and why others do not."""
        del store
        threads = max((trial.threads for trial in trials), default=1)
        return joined(
            packs_of(own, stack, at_once=self.num_at_once(threads, accelerator))
            for accelerator, own in by_accelerator(trials)
        )

    def __call__(
        self, trials: Sequence[Trial], store: Store, context: Context, watcher: Watcher
    ) -> None:
        """Run `trials`, and a crashed one a second time; then each has a record.

        Some may train as one network, as the context says. A trial that another process locks for
        too long gets no record, but the watcher is told.
        """
        from benchmark.launchers.pool import Devices, Pool

        needs_gpu = any(trial.accelerator == "gpu" for trial in trials)
        found = Devices(
            workers=self.num_at_once(max((trial.threads for trial in trials), default=1)),
            gpus=devices.gpu_ids() if needs_gpu else (),
            slots_per_gpu=self._limits.gpu_slots,
        )
        packs = self.packs(trials, context.stack, store)
        pool = Pool(store, context, found, watcher, self._limits.timeout_seconds)
        pool.run(packs.alone, packs.packs)
