"""The launcher of a Ray cluster: each trial is a task, which runs it as the local launcher does.

A Ray worker keeps its own server of trial processes between tasks, so a trial costs little more
than on one machine, and time limits, crashes and output are handled alike. Only names of folders
and the trial travel to a node, and nothing comes back but the news that a trial is over: the
records in the study's folder are the results. If the nodes do not share that folder, the task
returns the trial's record and curve, and the launching process writes them.
"""

import logging
import os
import re
import socket
import sys
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmark.context import Context
from benchmark.decode import Row
from benchmark.errors import UsageError
from benchmark.jobs import CACHE_VARIABLE, newest_job
from benchmark.launchers import Limits, RayOptions, Watcher, devices
from benchmark.launchers.local import LocalLauncher
from benchmark.launchers.watchers import Shielded, Together
from benchmark.plain_text import error_line
from benchmark.prepared import Prepared
from benchmark.record import Environment, Record
from benchmark.spec import Trial
from benchmark.store import Store
from optimizers.spec import OptimizerSpec

_MOST_LOSSES = 3  # times that Ray starts a trial again whose node or worker was lost
_STORE_BYTES = 80 * 2**20  # the least that Ray takes for its shared memory, which no trial uses
_SECONDS_BETWEEN_LOOKS = 0.5
_SECONDS_TO_COMPARE = 120.0  # for a node to start Python and name its versions
_SECONDS_TO_REACH = 20.0  # the node at an address
_HOST_AND_PORT = re.compile(r"(?:ray://)?(.+):(\d{1,5})")  # not "auto" and "local"
_COMPARED = ("torch", "lightning", "numpy")  # packages whose versions can change a trial's bits


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
        with self._local.warm_up(), _connected(self._limits) as ray:
            _check_versions(ray)
            yield

    def num_at_once(self, threads: int) -> int:
        """Return how many trials with that many CPU threads run in parallel."""
        if self._limits.workers or not self._limits.ray.address:
            return self._local.num_at_once(threads)
        with _connected(self._limits) as ray:
            return max(1, sum(int(node.get("CPU", 0)) // threads for node in _nodes(ray)))

    def why_not(self, accelerator: str, precision: str) -> str:
        """Return why no node can run trials with these two, or "" if one can."""
        if accelerator != "gpu":
            return devices.why_not(accelerator, precision)
        with _connected(self._limits) as ray:
            return (
                "" if any(node.get("GPU", 0) for node in _nodes(ray)) else "no Ray node has a GPU"
            )

    def check_hyperparameters(self, specs: Sequence[OptimizerSpec]) -> None:
        """Have the classes of registered optimizers check their hyperparameters, here."""
        self._local.check_hyperparameters(specs)

    def prepare(self, wanted: Sequence[tuple[str, str, bool]], context: Context) -> list[Prepared]:
        """Prepare data sets on this machine."""
        return self._local.prepare(wanted, context)

    def rehearse(self, trials: Sequence[Trial], context: Context) -> None:
        """Have optimizers that were given by import path take two steps, on this machine."""
        self._local.rehearse(trials, context)

    def __call__(
        self, trials: Sequence[Trial], store: Store, context: Context, watcher: Watcher
    ) -> None:
        """Run `trials`; then each has a record, ``failed`` if it was lost again and again.

        Raises:
            UsageError: no node has as many CPUs as a trial has threads, or the node that this
                process is connected to has ended.
            OSError: a record cannot be written.
        """
        with _connected(self._limits) as ray:
            _check_threads(ray, trials)
            _Tasks(ray, self._limits, store, context, watcher).run(trials)


@dataclass(frozen=True, kw_only=True)
class _Place:
    """What a task needs besides its trial.

    Args:
        results: Folder of all studies, the same on all nodes.
        study: The study's name.
        context: Context of the trials, as seen from the launching process.
        checksums: SHA-256 of the data sets where the trials were planned, by their names.
        timeout_seconds: Time limit of a trial; None for no limit.
        returns_files: The nodes do not share the folder: return what the trial wrote.
    """

    results: Path
    study: str
    context: Context
    checksums: Mapping[str, str]
    timeout_seconds: float | None
    returns_files: bool


_Files = tuple[Record, list[Row]]  # the record and the curve of a trial that ran elsewhere


class _Tasks:
    """The tasks of one call of the launcher."""

    def __init__(
        self, ray: Any, limits: Limits, store: Store, context: Context, watcher: Watcher
    ) -> None:
        self._ray = ray
        self._limits = limits
        self._store = store
        self._watcher = Shielded(watcher)
        # Ray keeps the result of a task until its reference is gone; these hold a few bytes each.
        self._pending: dict[Any, Trial] = {}
        self._environment = context.environment
        self._place = _Place(
            results=store.folder.parent.resolve(),
            study=store.study,
            context=context,
            checksums=newest_job(store.folder).checksums,
            timeout_seconds=limits.timeout_seconds,
            returns_files=limits.ray.returns_files,
        )

    def run(self, trials: Sequence[Trial]) -> None:
        """Run all trials; an error or Ctrl-C ends those that are running, without a record."""
        waiting = deque(trials)
        slots = self._limits.workers or 2 * sum(int(n.get("CPU", 0)) for n in _nodes(self._ray))
        try:
            while waiting or self._pending:
                while waiting and len(self._pending) < slots:
                    self._submit(waiting.popleft())
                done, _ = self._ray.wait(list(self._pending), timeout=_SECONDS_BETWEEN_LOOKS)
                for task in done:
                    self._settle(task, self._pending.pop(task))
        finally:
            for task in self._pending:
                with suppress(self._ray.exceptions.RayError):
                    self._ray.cancel(task, force=True)

    def _submit(self, trial: Trial) -> None:
        on_gpu = trial.accelerator == "gpu"
        task = self._ray.remote(run_trial).options(
            name=f"{trial.label} on {trial.problem}, seed {trial.seed}",
            num_cpus=trial.threads,
            num_gpus=1 / self._limits.gpu_slots if on_gpu else 0,
            max_retries=_MOST_LOSSES,
        )
        self._pending[task.remote(trial, self._place)] = trial
        self._watcher.started(trial)

    def _settle(self, task: Any, trial: Trial) -> None:
        """Note the end of a task, whose trial then has a record."""
        try:
            files: _Files | None = self._ray.get(task)
        except self._ray.exceptions.RayTaskError as error:
            cause = error.cause
            if isinstance(cause, OSError):  # the node cannot write the record
                raise cause from None
            self._fail(trial, error_line(cause or error, 200))
            return
        except self._ray.exceptions.LocalRayletDiedError:  # no trial's fault: all tasks are gone
            raise UsageError(
                "the Ray node that this command is connected to has ended: the same command goes "
                "on once Ray runs again"
            ) from None
        except self._ray.exceptions.RayError as error:
            self._fail(trial, _why_lost(error))
            return
        if files is not None:
            self._store.add(*files)  # a result that another process has written meanwhile stays
        record = self._store.record(trial)
        if record is None:
            self._fail(trial, "its node wrote no record into this folder: see --ray-return-files")
        else:
            self._watcher.begun(trial)
            self._watcher.finished(record)

    def _fail(self, trial: Trial, reason: str) -> None:
        failed = Record(trial=trial, status="failed", reason=reason, environment=self._environment)
        self._store.add(failed, ())
        self._watcher.finished(self._store.record(trial) or failed)


def run_trial(trial: Trial, place: _Place) -> _Files | None:
    """Run `trial` on the node where this task is; return its files if the node's are not shared.

    Raises:
        UsageError: the node has other data or another file of a user's code than this command.
        DataError: data are unavailable or damaged.
        OSError: the record cannot be written.
    """
    import ray

    from benchmark.launchers.job import check_sources, with_data
    from benchmark.launchers.pool import Devices, Pool

    _forget_main()
    check_sources([trial])
    context = with_data([trial], place.checksums, _context_here(place.context))
    gpus = tuple(str(each) for each in ray.get_gpu_ids())
    with ExitStack() as stack:
        results = place.results
        if place.returns_files:
            results = Path(stack.enter_context(TemporaryDirectory(prefix="benchmark-")))
        store = Store(results, place.study)
        slots = Devices(workers=1, gpus=gpus)
        Pool(store, context, slots, Together(), place.timeout_seconds).run([trial])
        record = store.record(trial)
        return (record, store.metrics(trial)) if place.returns_files and record else None


def _context_here(context: Context) -> Context:
    """Return the context as this node has it: its own machine, and no folder that it lacks.

    If the node has a BENCHMARK_CACHE_DIR of its own, data are prepared there.
    """
    cache = os.environ.get(CACHE_VARIABLE)
    if cache and Path(cache).absolute() != context.cache_dir:
        context = replace(context, cache_dir=Path(cache).absolute(), prepared={})
    prepared = {name: folder for name, folder in context.prepared.items() if folder.is_dir()}
    data_dir = context.data_dir if context.data_dir and context.data_dir.is_dir() else None
    return replace(context, environment=_environment(), prepared=prepared, data_dir=data_dir)


@cache
def _environment() -> Environment:
    from benchmark.environment import environment

    return environment()


def _forget_main() -> None:
    """Hide the main module of this Ray worker, which every trial's process would import again."""
    vars(sys.modules["__main__"]).pop("__file__", None)


@contextmanager
def _connected(limits: Limits) -> Iterator[Any]:
    """Give the module `ray`, connected; only the outermost block connects and disconnects."""
    ray = _ray()
    if ray.is_initialized():
        yield ray
        return
    _connect(ray, limits.ray, limits.workers)
    try:
        yield ray
    finally:
        ray.shutdown()


def _ray() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent to anybody
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "1")  # a CPU task sees no GPU
    os.environ.setdefault("RAY_worker_niceness", "0")  # trials are timed; by default it is 15
    try:
        import ray
    except ImportError as error:
        raise UsageError(
            "--launcher ray needs Ray, the extra `ray`: pip install 'optimizer-benchmark[ray]'"
        ) from error
    return ray


def _connect(ray: Any, options: RayOptions, workers: int) -> None:
    here: dict[str, Any] = {
        "address": "local",  # otherwise Ray looks for a cluster on this machine
        "num_cpus": workers or devices.cpu_cores(),
        "include_dashboard": False,
        "object_store_memory": _STORE_BYTES,
    }
    where = {"address": options.address} if options.address else here
    try:
        _reach(options.address)
        ray.init(**where, log_to_driver=False, logging_level=logging.CRITICAL)
    except Exception as error:
        what = f"no Ray cluster at {options.address!r}" if options.address else "Ray does not start"
        cure = "`ray start --head` starts one; without --ray-address, one is started here"
        raise UsageError(f"{what} ({error_line(error, 200)}): {cure}") from error


def _reach(address: str) -> None:
    """Check that something listens at an address with a port: Ray itself would try for minutes.

    Raises:
        OSError: nothing answers there.
    """
    found = _HOST_AND_PORT.fullmatch(address)
    if found:
        host, port = found[1].strip("[]"), int(found[2])
        socket.create_connection((host, port), timeout=_SECONDS_TO_REACH).close()


def _nodes(ray: Any) -> list[dict[str, float]]:
    """Return the resources of each living node."""
    return [node["Resources"] for node in ray.nodes() if node["Alive"]]


def _check_threads(ray: Any, trials: Sequence[Trial]) -> None:
    for on_gpu in {trial.accelerator == "gpu" for trial in trials}:
        wanted = max(each.threads for each in trials if on_gpu == (each.accelerator == "gpu"))
        nodes = [node for node in _nodes(ray) if node.get("GPU", 0) or not on_gpu]
        most = int(max((node.get("CPU", 0) for node in nodes), default=0))
        if wanted > most:  # Ray would wait for such a node for ever
            raise UsageError(
                f"--threads {wanted}: no Ray node {'with a GPU ' * on_gpu}has so many CPUs; the "
                f"largest has {most}"
            )


def _check_versions(ray: Any) -> None:
    """Check that all nodes have the versions of this process, as others give other bits."""
    strategy = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy
    own = _versions()
    asked = [
        (
            node["NodeManagerHostname"],
            ray.remote(_versions)
            .options(num_cpus=0, scheduling_strategy=strategy(node["NodeID"], soft=False))
            .remote(),
        )
        for node in ray.nodes()
        if node["Alive"] and node["Resources"].get("CPU", 0)
    ]
    for host, task in asked:
        try:
            found = ray.get(task, timeout=_SECONDS_TO_COMPARE)
        except Exception as error:
            raise UsageError(
                f"Ray node {host} cannot run the suite ({error_line(error, 200)}): install the "
                "same version of it there"
            ) from error
        if found != own:
            what = ", ".join(
                f"{name} {found.get(name) or 'none'} instead of {own[name]}"
                for name in own
                if found.get(name) != own[name]
            )
            raise UsageError(
                f"Ray node {host} has {what}: install the same versions on all nodes, because "
                "others give other results"
            )


def _versions() -> dict[str, str]:
    found = _environment()
    return {
        "optimizer-benchmark": found.suite or "",
        "Python": found.python or "",
        **{name: found.packages.get(name, "") for name in _COMPARED},
    }


def _why_lost(error: Exception) -> str:
    """Return in words why Ray gave up a trial."""
    kind = type(error).__name__
    times = f"{_MOST_LOSSES + 1} times"
    known = {
        "OutOfMemoryError": f"its node ran out of memory, {times}",
        "NodeDiedError": f"its node was lost, {times}",
        "WorkerCrashedError": f"its Ray worker was killed, {times}",
    }
    return known.get(kind) or f"Ray gave it up: {error_line(error, 200)}"
