"""The launcher of this machine: each trial in a process of its own.

What it needs is loaded when it is used, since a command with nothing to run needs none of it.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager

from benchmark.context import Context
from benchmark.launchers import Limits, Watcher, devices
from benchmark.prepared import Prepared
from benchmark.spec import Trial
from benchmark.store import Store
from optimizers.spec import OptimizerSpec


class LocalLauncher:
    """A `Launcher` whose workers are forked from a preloaded server.

    Args:
        limits: What it may use.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()

    def warm_up(self) -> AbstractContextManager[None]:
        """Start the server, which loads torch and Lightning during the block."""
        from benchmark.launchers.server import started_early

        return started_early()

    def num_at_once(self, threads: int) -> int:
        """Return how many trials of so many CPU threads run at once."""
        return self._limits.workers or max(1, devices.cpu_cores() // threads)

    def why_not(self, accelerator: str, precision: str) -> str:
        """Return why this machine cannot run trials with these two, empty if it can."""
        return devices.why_not(accelerator, precision)

    def check_hyperparameters(self, specs: Sequence[OptimizerSpec]) -> None:
        """Have the classes of registered optimizers check their values, in a worker."""
        from benchmark.launchers.rehearse import check_hyperparameters

        check_hyperparameters(specs)

    def prepare(self, wanted: Sequence[tuple[str, str, bool]], context: Context) -> list[Prepared]:
        """Prepare data sets in a worker."""
        from benchmark.launchers.prepare import prepare

        return prepare(wanted, context, self._limits.timeout_seconds)

    def rehearse(self, trials: Sequence[Trial], context: Context) -> None:
        """Have optimizers that come by import path take two steps, in workers."""
        from benchmark.launchers.rehearse import rehearse

        rehearse(trials, context, self._limits.timeout_seconds)

    def __call__(
        self, trials: Sequence[Trial], store: Store, context: Context, watcher: Watcher
    ) -> None:
        """Run `trials`, a crashed one twice; then each has a record.

        A trial that another process has for too long has none here; the watcher is told.
        """
        from benchmark.launchers.pool import Devices, Pool

        needs_gpu = any(trial.accelerator == "gpu" for trial in trials)
        found = Devices(
            workers=self.num_at_once(max((trial.threads for trial in trials), default=1)),
            gpus=devices.gpu_ids() if needs_gpu else (),
            slots_per_gpu=self._limits.gpu_slots,
        )
        Pool(store, context, found, watcher, self._limits.timeout_seconds).run(trials)
