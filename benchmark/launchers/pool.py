"""A pool of worker processes on this machine, forked from a preloaded server.

Each process runs a trial, or a pack of trials as one network.
"""

import math
import os
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import wait

from benchmark.context import Context
from benchmark.errors import ClaimedError
from benchmark.launchers import Watcher
from benchmark.launchers.messages import Outcome, Report, RunningLoss
from benchmark.launchers.process import Worker, stop
from benchmark.launchers.server import end_orphans
from benchmark.launchers.watchers import Shielded
from benchmark.record import Record
from benchmark.spec import Trial
from benchmark.stacked.packs import halved
from benchmark.store import FINISHED, Store

_MOST_CRASHES = 2  # attempts of one trial that may crash before it counts as failed
_MOST_LOSSES = 5  # times a trial may be lost with the server, which its own code may have ended


@dataclass(frozen=True, kw_only=True)
class Devices:
    """The CPU and GPU slots for trials that run in parallel.

    Args:
        workers: Trials that run in parallel.
        gpus: Ids of the GPUs, in the form of CUDA_VISIBLE_DEVICES.
        slots_per_gpu: Trials that run in parallel on each GPU.
    """

    workers: int
    gpus: tuple[str, ...] = ()
    slots_per_gpu: int = 1


class Pool:
    """A pool of worker processes.

    Args:
        store: Store for the records.
        context: Context that is passed to every trial.
        devices: Slots for parallel trials.
        watcher: Observer of the trials.
        timeout_seconds: Time limit of a trial, after which it is killed and counts as failed, and
            of waiting for a trial that another process has locked. A pack has as much time as its
            trials together. None for no limit.
    """

    def __init__(
        self,
        store: Store,
        context: Context,
        devices: Devices,
        watcher: Watcher,
        timeout_seconds: float | None = None,
    ) -> None:
        self._store = store
        self._context = context
        self._devices = devices
        self._watcher = Shielded(watcher)
        self._timeout = timeout_seconds or math.inf

    def run(self, trials: Sequence[Trial], packs: Sequence[Sequence[Trial]] = ()) -> None:
        """Run `packs` and `trials`, and a crashed trial a second time; then each has a record.

        A pack that fails, dies or takes too long is tried again in halves, down to single trials.
        A trial that another process locks for too long gets no record, but the watcher is told.

        Raises:
            OSError: a record cannot be written, for example because the disk is full; all records
                written before are kept.
        """
        waiting = deque([*map(tuple, packs), *((trial,) for trial in trials)])
        crashes: Counter[str] = Counter()
        losses: Counter[str] = Counter()
        with _running_jobs(self._store) as jobs:
            while waiting or jobs:
                self._start(waiting, jobs)
                for job in self._ended(jobs):
                    self._pass_on(job)  # messages since the last call
                    job.clear_away()
                    end_orphans()
                    jobs.remove(job)
                    if job.is_pack:
                        waiting.extend(self._left(job))
                    elif not self._settle(job, crashes, losses):
                        waiting.append(job.trials)

    def _start(self, waiting: deque[tuple[Trial, ...]], jobs: "list[_Job]") -> None:
        for _ in range(len(waiting)):
            if len(jobs) >= self._devices.workers:
                return
            trials = waiting.popleft()
            gpu = self._free_gpu(jobs) if trials[0].accelerator == "gpu" else ""
            if gpu is None:
                waiting.append(trials)
                continue
            jobs.append(_Job(trials, self._store, self._context, gpu))
            for trial in trials:
                self._watcher.started(trial)

    def _free_gpu(self, jobs: "list[_Job]") -> str | None:
        used = Counter(job.gpu for job in jobs)
        free = [gpu for gpu in self._devices.gpus if used[gpu] < self._devices.slots_per_gpu]
        return min(free, key=lambda gpu: used[gpu], default=None)

    def _ended(self, jobs: "list[_Job]") -> "list[_Job]":
        """Wait for messages of the workers, pass them on, and return the jobs that have ended."""
        wait([thing for job in jobs for thing in job.things_to_wait_for()], timeout=0.5)
        for job in jobs:
            self._pass_on(job)
        late = [job for job in jobs if job.running() and self._is_late(job)]
        if late:
            stop(late)
        return [job for job in jobs if not job.running()]

    def _pass_on(self, job: "_Job") -> None:
        news = list(job.news())
        if job.has_begun() and not job.is_known_to_have_begun:
            job.is_known_to_have_begun = True
            for trial in job.trials:
                self._watcher.begun(trial)
        for message in news:
            if isinstance(message, RunningLoss):
                self._watcher.progressed(job.trials[message.place], message.step, message.loss)
            elif isinstance(message, Outcome):
                job.error = message.error

    def _is_late(self, job: "_Job") -> bool:
        job.waited_too_long = job.seconds_waiting() > self._timeout
        job.timed_out = job.seconds() > self._timeout * len(job.trials)
        return job.waited_too_long or job.timed_out

    def _left(self, job: "_Job") -> list[tuple[Trial, ...]]:
        """Return the next jobs for the trials of an ended pack that have no result."""
        left = []
        for trial in job.trials:
            record = self._store.record(trial)  # a pack writes results only
            if record is not None and record.status in FINISHED:
                self._watcher.finished(record)
            else:
                left.append(trial)
        why = self._why_failed(job)
        if not (why and left):  # another process has them: wait for it in a worker
            return [(trial,) for trial in left]
        parts, notice = halved(job.trials, left, why)
        self._watcher.said(notice)
        return parts

    def _why_failed(self, job: "_Job") -> str:
        """Return why a pack has failed; "" if it has not."""
        if job.timed_out or job.waited_too_long:
            limit = self._timeout * len(job.trials)
            return f"it took longer than {limit:g} s, --timeout for each of its trials"
        if job.error is not None:
            return str(job.error)
        return "" if job.has_succeeded() else f"its process {job.death()}"

    def _settle(self, job: "_Job", crashes: Counter[str], losses: Counter[str]) -> bool:
        """Return whether the trial of an ended job is settled, so that it needs no other job."""
        key = job.trial.key
        record = self._kept_by_another(job) if job.waited_too_long else _outcome(job, self._store)
        if record is None:
            kind, most = (losses, _MOST_LOSSES) if job.is_lost() else (crashes, _MOST_CRASHES)
            kind[key] += 1
            if kind[key] < most and not job.timed_out:
                return False
            try:
                record = self._fail(job)
            except ClaimedError:  # another process has locked the trial: wait in a worker
                return False
        self._watcher.finished(record)
        return True

    def _fail(self, job: "_Job") -> Record:
        """Return a record for a trial that left none: ``failed``, or that of another process."""
        with self._store.claim(job.trial, wait=False):
            record = self._store.record(job.trial)
            if record is None:
                record = self._failed(job)
                self._store.commit(record)
        return record

    def _failed(self, job: "_Job") -> Record:
        if job.timed_out:
            reason = f"took longer than the {self._timeout:g} s of --timeout"
        elif job.is_lost():
            reason = f"its process was lost with the server that starts them, {_MOST_LOSSES} times"
        elif job.error is not None:
            reason = f"its files cannot be written: {job.error}"
        else:
            reason = f"its process {job.death()}, and again when tried once more"
        return self._record(job, reason)

    def _kept_by_another(self, job: "_Job") -> Record:
        return self._record(
            job, f"another process has had it for longer than the {self._timeout:g} s of --timeout"
        )

    def _record(self, job: "_Job", reason: str) -> Record:
        environment = self._context.environment
        return Record(trial=job.trial, status="failed", reason=reason, environment=environment)


def _outcome(job: "_Job", store: Store) -> Record | None:
    """Return the record that a job has written; a record of an earlier attempt does not count."""
    record = store.record(job.trial)
    stale = record is not None and record.status not in FINISHED and not job.has_begun()
    return None if stale else record


class _Job(Worker):
    """A worker that runs a trial or a pack, with the state of its trials."""

    def __init__(self, trials: tuple[Trial, ...], store: Store, context: Context, gpu: str) -> None:
        self.trials = trials
        self.trial = trials[0]
        self.is_pack = len(trials) > 1
        self.gpu = gpu
        self.timed_out = False
        self.waited_too_long = False
        self.is_known_to_have_begun = False
        self.error: Exception | None = None
        super().__init__(_work, (gpu, trials, store, context))


@contextmanager
def _running_jobs(store: Store) -> Iterator[list[_Job]]:
    """Yield a list for jobs; jobs in it are stopped when an error or Ctrl-C ends the block."""
    jobs: list[_Job] = []
    try:
        yield jobs
    finally:
        stop(jobs)
        for job in jobs:
            for trial in job.trials:
                store.end_claim(trial)


def _work(
    gpu: str, trials: tuple[Trial, ...], store: Store, context: Context, report: Report
) -> None:
    if gpu or trials[0].accelerator == "cpu":  # a trial on the CPU sees no GPU
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu
    # It loads torch, which the server has already loaded.
    from benchmark.launchers.worker import work, work_pack

    try:
        if len(trials) > 1:
            work_pack(trials, store, context, report)
        else:
            work(trials[0], store, context, report)
    except OSError as error:  # not the trial's own, which is in its record
        report(Outcome(error=error))
