"""The launcher of a Ray cluster: each task runs a trial, or a pack, as the local launcher does.

A Ray worker keeps its own server of trial processes between tasks, so a trial costs little more
than on one machine, and time limits, crashes and output are handled alike. Only names of folders
and the trials travel to a node, and nothing comes back but the news that they are over: the
records in the study's folder are the results. If the nodes do not share that folder, the task
returns each trial's record, curve and log; the launching process, which has claimed the trials,
writes them.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from benchmark.context import Context, Stack
from benchmark.launchers import Limits, Watcher, devices
from benchmark.launchers.local import LocalLauncher
from benchmark.launchers.ray_cluster import (
    check_threads,
    check_versions,
    connected,
    free_bytes,
    nodes,
)
from benchmark.launchers.ray_options import RayOptions
from benchmark.launchers.ray_tasks import Tasks
from benchmark.prepared import Preparation, Prepared
from benchmark.spec import Trial
from benchmark.stacked.packs import Packs, by_accelerator, joined, packs_of
from benchmark.store import Store
from optimizers.spec import OptimizerSpec


class RayLauncher:
    """A `Launcher` whose trials are Ray tasks.

    Hyperparameters are checked, optimizers rehearsed and data prepared on this machine; a node that
    does not see the prepared data prepares them for itself.

    Args:
        limits: Numbers of parallel trials, the time limit, and the address of the cluster.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._local = LocalLauncher(self._limits)

    @contextmanager
    def warm_up(self) -> Iterator[None]:
        """Connect to the cluster, or start one on this machine for the duration of the block.

        Raises:
            UsageError: Ray is not installed, there is no cluster at the address, or its nodes have
                other versions of the suite, Python or torch than this process.
        """
        with self._local.warm_up(), connected(self._limits) as ray:
            check_versions(ray)
            yield

    def num_at_once(self, threads: int, accelerator: str = "cpu") -> int:
        """Return how many trials with that many CPU threads run in parallel."""
        if not self._limits.options_of(RayOptions).address:
            return self._local.num_at_once(threads, accelerator)
        if self._limits.workers and accelerator != "gpu":
            return self._limits.workers
        with connected(self._limits) as ray:
            found = 0
            for node in nodes(ray).values():
                by_cpu = int(node.get("CPU", 0)) // threads
                slots = int(node.get("GPU", 0) * self._limits.gpu_slots)
                found += min(by_cpu, slots) if accelerator == "gpu" else by_cpu
        return max(1, min(found, self._limits.workers or found))

    def why_not(self, accelerator: str, precision: str) -> str:
        """Return why no node can run trials with these two, or "" if one can."""
        if accelerator != "gpu":
            return devices.why_not(accelerator, precision)
        with connected(self._limits) as ray:
            return (
                ""
                if any(node.get("GPU", 0) for node in nodes(ray).values())
                else "no Ray node has a GPU"
            )

    def check_hyperparameters(self, specs: Sequence[OptimizerSpec]) -> None:
        """Have the classes of registered optimizers check their hyperparameters, here."""
        self._local.check_hyperparameters(specs)

    def prepare(self, wanted: Sequence[Preparation], context: Context) -> list[Prepared]:
        """Prepare data sets on this machine."""
        return self._local.prepare(wanted, context)

    def rehearse(self, trials: Sequence[Trial], context: Context) -> None:
        """Have optimizers that were given by import path take two steps, on this machine."""
        self._local.rehearse(trials, context)

    def packs(self, trials: Sequence[Trial], stack: Stack, store: Store) -> Packs:
        """Return which of `trials` train as one network, and why others do not.

        At an address, packs fit into half of the memory that Ray states for each node.
        """
        if stack == "off" or not self._limits.options_of(RayOptions).address:
            return self._local.packs(trials, stack, store)
        threads = max((trial.threads for trial in trials), default=1)
        found = []
        for accelerator, own in by_accelerator(trials):
            at_once = self.num_at_once(threads, accelerator)
            with connected(self._limits) as ray:
                free = free_bytes(ray, threads, at_once)
            found.append(packs_of(own, stack, at_once=at_once, free_bytes=free))
        return joined(found)

    def __call__(
        self, trials: Sequence[Trial], store: Store, context: Context, watcher: Watcher
    ) -> None:
        """Run `trials`; then each has a record, ``failed`` if it was lost again and again.

        Some may train as one network, as the context says.

        Raises:
            UsageError: no node has as many CPUs as a trial has threads, or the node that this
                process is connected to has ended.
            OSError: a record cannot be written.
        """
        with connected(self._limits) as ray:
            check_threads(ray, trials)
            packs = self.packs(trials, context.stack, store)
            Tasks(ray, self._limits, store, context, watcher).run(packs.alone, packs.packs)
