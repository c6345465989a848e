"""A cluster of Ray as the launcher sees it: the connection, its nodes, and what they can run."""

import logging
import math
import os
import re
import signal
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from benchmark.errors import UsageError
from benchmark.launchers import Limits, devices
from benchmark.launchers.ray_options import RayOptions
from benchmark.launchers.ray_worker import differences, versions
from benchmark.plain_text import error_line
from benchmark.spec import Trial

_STORE_BYTES = 80 * 2**20  # the least that Ray takes for its shared memory, which no trial uses
_SECONDS_TO_COMPARE = 120.0  # for a node to start Python and name its versions
_SECONDS_TO_REACH = 20.0  # the node at an address
_HOST_AND_PORT = re.compile(r"(?:ray://)?(.+):(\d{1,5})")  # not "auto" and "local"


@dataclass(frozen=True, kw_only=True)
class Need:
    """What a node must have to run a trial."""

    threads: int
    on_gpu: bool

    @classmethod
    def of(cls, trial: Trial) -> "Need":
        """Return the need of `trial`."""
        return cls(threads=trial.threads, on_gpu=trial.accelerator == "gpu")

    def is_met(self, resources: Mapping[str, float]) -> bool:
        """Return whether a node with these resources can run the trial once it is free."""
        has_gpu = not self.on_gpu or bool(resources.get("GPU", 0))
        return has_gpu and resources.get("CPU", 0) >= self.threads

    def __str__(self) -> str:
        """Describe it in words.

        >>> str(Need(threads=2, on_gpu=True))
        '2 CPUs and a GPU'
        """
        cpus = f"{self.threads} CPU{'s' * (self.threads != 1)}"
        return cpus + " and a GPU" * self.on_gpu


@contextmanager
def connected(limits: Limits) -> Iterator[Any]:
    """Give the module `ray`, connected; only the outermost block connects and disconnects."""
    ray = _ray()
    if ray.is_initialized():
        yield ray
        return
    _connect(ray, limits.options_of(RayOptions), limits.workers)
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
        with _own_sigterm():
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


@contextmanager
def _own_sigterm() -> Iterator[None]:
    """Keep this process's own handler of SIGTERM, which Ray replaces."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL if before is None else before)


def nodes(ray: Any) -> dict[str, dict[str, float]]:
    """Return the resources of each living node, by Ray's id of the node."""
    return {node["NodeID"]: node["Resources"] for node in ray.nodes() if node["Alive"]}


def free_bytes(ray: Any, threads: int, at_once: int) -> float:
    """Return the memory for `at_once` tasks in parallel, wherever Ray places them.

    Each may have the share of a CPU slot on the node where that is smallest, by the memory that Ray
    states: most of what was free when the node started. Infinite if it states none.

    Args:
        ray: The module, connected to a cluster.
        threads: CPUs of a task.
        at_once: Tasks that run in parallel on all nodes.
    """
    shares = [
        node.get("memory", math.inf) / min(at_once, int(node["CPU"]) // threads)
        for node in nodes(ray).values()
        if node.get("CPU", 0) >= threads
    ]
    return at_once * min(shares, default=math.inf)


def check_threads(ray: Any, trials: Sequence[Trial]) -> None:
    """Check that some node has as many CPUs as each trial has threads.

    Raises:
        UsageError: none has; Ray would wait for such a node for ever.
    """
    for on_gpu in {trial.accelerator == "gpu" for trial in trials}:
        wanted = max(each.threads for each in trials if on_gpu == (each.accelerator == "gpu"))
        found = [node for node in nodes(ray).values() if node.get("GPU", 0) or not on_gpu]
        most = int(max((node.get("CPU", 0) for node in found), default=0))
        if wanted > most:
            raise UsageError(
                f"--threads {wanted}: no Ray node {'with a GPU ' * on_gpu}has so many CPUs; the "
                f"largest has {most}"
            )


def check_versions(ray: Any) -> None:
    """Check that all nodes have the versions of this process, as others give other bits.

    A lost node, which Ray counts as alive for some 15 s, is waited for and left out.

    Raises:
        UsageError: a node has others, or none.
    """
    strategy = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy
    own = versions()
    asked = [
        (
            node,
            ray.remote(versions)
            .options(num_cpus=0, scheduling_strategy=strategy(node["NodeID"], soft=False))
            .remote(),
        )
        for node in ray.nodes()
        if node["Alive"] and node["Resources"].get("CPU", 0)
    ]
    for node, task in asked:
        host = node["NodeManagerHostname"]
        try:
            found = ray.get(task, timeout=_SECONDS_TO_COMPARE)
        except Exception as error:
            if node["NodeID"] not in nodes(ray):
                continue
            raise UsageError(
                f"Ray node {host} cannot run the suite ({error_line(error, 200)}): install the "
                "same version of it there"
            ) from error
        if what := differences(found, own):
            raise UsageError(
                f"Ray node {host} has {what}: install the same versions on all nodes, because "
                "others give other results"
            )
