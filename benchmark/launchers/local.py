"""Runs trials on this machine, each in a process of its own forked from a preloaded server."""

import math
import multiprocessing
import os
import signal
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import forkserver, resource_tracker
from multiprocessing.connection import Connection, wait
from typing import Any

from benchmark.context import Context
from benchmark.launchers import BEGUN, Watcher
from benchmark.prepared import Prepared
from benchmark.spec import Trial
from benchmark.store import Record, Store
from datamodules.errors import DataError

_PRELOAD = ["benchmark.launchers.worker"]
_PRELOAD_FOR_WANDB = ["wandb", "wandb.sdk.launch"]  # the latter `wandb.init` loads in any case
_SECONDS_TO_STOP = 2.0
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@dataclass(frozen=True, kw_only=True)
class Devices:
    """What may run at once.

    Args:
        workers: Trials at once.
        gpus: Ids of the GPUs, as CUDA_VISIBLE_DEVICES takes them.
        slots_per_gpu: Trials at once on each of them.
    """

    workers: int
    gpus: tuple[str, ...] = ()
    slots_per_gpu: int = 1


class LocalLauncher:
    """A pool of worker processes.

    Args:
        context: Passed to every trial.
        devices: What may run at once.
        watcher: Is told what goes on.
        timeout_seconds: After which a trial is killed and has failed; None for never.
    """

    def __init__(
        self,
        context: Context,
        devices: Devices,
        watcher: Watcher,
        timeout_seconds: float | None = None,
    ) -> None:
        self._context = context
        self._devices = devices
        self._watcher = watcher
        self._timeout = timeout_seconds

    def __call__(self, trials: Sequence[Trial], store: Store) -> None:
        """Run `trials`, a crashed one twice; then each has a record.

        Raises:
            OSError: a record cannot be written, as when the disk is full; every record that was
                written before stays.
        """
        waiting = deque(trials)
        crashes: Counter[str] = Counter()
        with _running_jobs() as jobs:
            while waiting or jobs:
                self._start(waiting, jobs, store)
                for job in self._ended(jobs):
                    jobs.remove(job)
                    if not self._settle(job, store, crashes):
                        waiting.append(job.trial)

    def _start(self, waiting: deque[Trial], jobs: "list[_Job]", store: Store) -> None:
        for _ in range(len(waiting)):
            if len(jobs) >= self._devices.workers:
                return
            trial = waiting.popleft()
            gpu = self._free_gpu(jobs) if trial.accelerator == "gpu" else ""
            if gpu is None:
                waiting.append(trial)
                continue
            with _ctrl_c_waits():  # until the job is where it will be stopped
                jobs.append(_Job(trial, store, self._context, gpu))
            self._watcher.started(trial)

    def _free_gpu(self, jobs: "list[_Job]") -> str | None:
        used = Counter(job.gpu for job in jobs)
        free = [gpu for gpu in self._devices.gpus if used[gpu] < self._devices.slots_per_gpu]
        return min(free, key=lambda gpu: used[gpu], default=None)

    def _ended(self, jobs: "list[_Job]") -> "list[_Job]":
        """Wait for news of the workers, pass it on, and return the jobs that are over."""
        wait([thing for job in jobs for thing in job.things_to_wait_for()], timeout=0.5)
        for job in jobs:
            for step, loss in job.news():
                self._watcher.progressed(job.trial, step, loss)
            if job.running() and job.seconds() > (self._timeout or math.inf):
                job.stop()
                job.timed_out = True
        return [job for job in jobs if not job.running()]

    def _settle(self, job: "_Job", store: Store, crashes: Counter[str]) -> bool:
        """Return whether the trial of a job that is over has its record by now."""
        record = store.record(job.trial)
        if record is None:
            crashes[job.trial.key] += 1
            if crashes[job.trial.key] < 2 and not job.timed_out:
                return False
            try:
                record = self._fail(job, store)
            except BlockingIOError:  # another process has the trial: wait for it in a worker
                return False
        self._watcher.finished(record)
        return True

    def _fail(self, job: "_Job", store: Store) -> Record:
        """Return the record of a trial that gave none: another process's, if there is one now."""
        with store.claim(job.trial, wait=False):
            record = store.record(job.trial)
            if record is None:
                record = self._failed(job)
                store.write(record)
        return record

    def _failed(self, job: "_Job") -> Record:
        if job.timed_out:
            reason = f"took longer than the {self._timeout:g} s of --timeout"
        else:
            reason = f"its process {_death(job.process.exitcode)}, and again when tried once more"
        environment = self._context.environment
        return Record(trial=job.trial, status="failed", reason=reason, environment=environment)


class _Job:
    """One worker process and what is known of it."""

    def __init__(self, trial: Trial, store: Store, context: Context, gpu: str) -> None:
        self.trial = trial
        self.gpu = gpu
        self.timed_out = False
        self._begun: float | None = None
        self._pipe, theirs = multiprocessing.Pipe(duplex=False)
        self.process = _forkserver(context).Process(
            target=_work, args=(trial, store, context, theirs, gpu)
        )
        self.process.start()
        theirs.close()

    def things_to_wait_for(self) -> list[Any]:
        """Return what becomes ready when the worker has news or ends."""
        return [self.process.sentinel] if self._pipe.closed else [self.process.sentinel, self._pipe]

    def news(self) -> Iterator[tuple[int, float]]:
        """Yield the steps and losses that have come in."""
        try:
            while not self._pipe.closed and self._pipe.poll():
                message = self._pipe.recv()
                if message == BEGUN:
                    self._begun = time.perf_counter()
                else:
                    yield message
        except (EOFError, OSError):
            self._pipe.close()

    def seconds(self) -> float:
        """Return how long the trial has been going, 0 while another process has it."""
        return 0.0 if self._begun is None else time.perf_counter() - self._begun

    def running(self) -> bool:
        """Return whether the worker is still there."""
        return bool(self.process.is_alive())

    def stop(self) -> None:
        """End the worker: politely, then not."""
        self.process.terminate()
        self.process.join(_SECONDS_TO_STOP)
        self.process.kill()
        self.process.join()


@contextmanager
def _running_jobs() -> Iterator[list[_Job]]:
    """A list whose jobs are stopped when an error or Ctrl-C ends the block."""
    jobs: list[_Job] = []
    try:
        yield jobs
    finally:
        for job in jobs:
            job.process.terminate()
        for job in jobs:
            job.stop()


def prepare(wanted: Sequence[tuple[str, str, bool]], context: Context) -> list[Prepared]:
    """Prepare data sets in a worker, so that this process need not load torch and Lightning.

    Args:
        wanted: Data set, model, and whether dropout is on, of each problem.
        context: Where data are.

    Raises:
        DataUnavailableError, DataCorruptError, UsageError, OSError: as the data modules do.
    """
    ours, theirs = multiprocessing.Pipe(duplex=False)
    process = _forkserver(context).Process(target=_prepare, args=(wanted, context, theirs))
    with _ctrl_c_waits():
        process.start()
    theirs.close()
    try:
        outcome: list[Prepared] | Exception = ours.recv()
    except EOFError:
        process.join()
        names = ", ".join(dataset for dataset, _, _ in wanted)
        raise DataError(f"preparing {names} {_death(process.exitcode)}") from None
    finally:
        process.terminate()
        process.join()
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def _forkserver(context: Context) -> Any:
    for variable in _THREAD_VARIABLES:
        os.environ.setdefault(variable, "1")  # each worker sets its own number later
    start = multiprocessing.get_context("forkserver")
    start.set_forkserver_preload(_PRELOAD + _PRELOAD_FOR_WANDB * (context.mirror is not None))
    resource_tracker.ensure_running()  # the server starts it else, and it unblocks what is blocked
    with _ctrl_c_waits():
        forkserver.ensure_running()
    return start


@contextmanager
def _ctrl_c_waits() -> Iterator[None]:
    """Put Ctrl-C off to the end of the block, and for the process started in it for good.

    It is for this process alone to answer; a server that loads modules and a worker that is half
    started would answer it with a traceback.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(trial: Trial, store: Store, context: Context, pipe: Connection, gpu: str) -> None:
    if gpu:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu
    from benchmark.launchers.worker import work  # heavy, but loaded before the fork

    work(trial, store, context, pipe)


def _prepare(wanted: Sequence[tuple[str, str, bool]], context: Context, pipe: Connection) -> None:
    from benchmark.launchers.worker import prepare as really_prepare  # heavy, as above

    really_prepare(wanted, context, pipe)


def _death(exitcode: int | None) -> str:
    if exitcode is not None and exitcode < 0:
        return f"was killed by signal {-exitcode}"
    return f"ended with exit code {exitcode}"
