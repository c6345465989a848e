"""Submission of trials to Slurm, until each has a record.

Records in the study's folder are the results and decide what is over; the queue says only where to
look. A task that has ended without the record of a trial has lost it, and the trial is submitted
again; a task that squeue does not list has ended only if scontrol or sacct says so.
"""

import errno
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from benchmark.errors import ClaimedError, UsageError
from benchmark.launchers.arrays import Array, Arrays
from benchmark.launchers.pending import Reasons
from benchmark.launchers.scheduler import ArrayTask, Ending, Scheduler, SubmitError
from benchmark.launchers.watchers import Shielded
from benchmark.record import Environment, Record
from benchmark.spec import Trial
from benchmark.store import FINISHED, Store

_MOST_DEATHS = 2  # attempts of one trial that may end with its task before it counts as failed
_MOST_LOSSES = 20  # the same, for ends that are not the trial's fault
_NOT_ITS_FAULT = ("PREEMPTED", "NODE_FAIL", "BOOT_FAIL", "REVOKED")
_LOOKS_TO_BE_GONE = 2  # a record may be seen later than the end of its task
_FIRST_WAIT, _LONGEST_WAIT, _GROWTH = 1.0, 15.0, 1.3  # seconds between two looks
_TASKS_PER_SECOND = 100  # of the least wait, so that large queues are not asked for all the time
_MOST_REFUSALS = 20  # of a submission in a row, while no other job runs
_MOST_SILENCES = 5  # of a command in a row, before anything was submitted
_SHARE_TO_GO_ON = 0.75  # of the tasks that were there at a refusal by a limit: then it is tried
_LOOKS_TO_GO_ON = 20  # again, or after so many looks
_PASSING = (errno.EIO, errno.ESTALE, errno.ETIMEDOUT)  # errors of network file systems
_MOST_ERRORS = 10  # of these in a row
_HINT = "--trials-per-job N makes fewer tasks"
_MEMORY_HINT = "the suite asks for mem: --slurm mem=… changes it, mem=0 is all of a node"


@dataclass(kw_only=True)
class _Running:
    """A task in the queue, with those of its trials whose record has not been seen.

    `since` is the time when it was submitted, on the file system, in nanoseconds.
    """

    job: str
    index: int
    token: str
    left: deque[Trial]
    since: int
    has_started: bool = False
    has_record: bool = False
    told: str = ""  # key of the trial that the watcher was told has begun
    looks_gone: int = 0


@dataclass(kw_only=True)
class _Waiting:
    """Trials that are to be submitted, those that died with their task by themselves."""

    together: list[Trial] = field(default_factory=list)
    alone: list[Trial] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.together or self.alone)


class Watch:
    """One call of the launcher: it submits, watches records and queue, and submits again.

    Args:
        arrays: The array jobs of the study.
        scheduler: The commands of Slurm.
        store: The study's folder.
        environment: Environment for records of trials that failed with their task.
        watcher: Observer of the trials.
    """

    def __init__(
        self,
        arrays: Arrays,
        scheduler: Scheduler,
        store: Store,
        environment: Environment,
        watcher: Shielded,
    ) -> None:
        self._arrays = arrays
        self._scheduler = scheduler
        self._store = store
        self._environment = environment
        self._watcher = watcher
        self._running: dict[tuple[str, int], _Running] = {}
        self._deaths: Counter[str] = Counter()
        self._losses: Counter[str] = Counter()
        self._waiting = _Waiting()
        self._failed: dict[str, Record] = {}  # by key, to be written once nobody has the trial
        self._has_run = False
        self._refusal = ""
        self._refusals = 0
        self._tasks_at_refusal: int | None = None  # if it was by a limit
        self._looks_since = 0
        self._is_silent = False  # scontrol, during this look
        self._reasons = Reasons()
        self._said: set[str] = set()

    def run(self, trials: Sequence[Trial], *, detach: bool) -> None:
        """Run all trials; Ctrl-C cancels the jobs that are watched, and after an error they go on.

        Args:
            trials: The trials, which are planned.
            detach: Submit the trials that no job has, and return.

        Raises:
            UsageError: Slurm does not answer, or takes none of the jobs.
            OSError: a file of the study cannot be written.
        """
        adopted = self._adopt({trial.key: trial for trial in trials})
        others = [trial for trial in trials if trial.key not in adopted]
        try:
            self._waiting.together = [
                trial for trial in others if not self._patiently(partial(self._is_done, trial))
            ]
            self._submit_waiting()
            if detach:
                self._say_how_to_go_on()
                return
            wait = _FIRST_WAIT
            while self._running or self._waiting or self._failed:
                time.sleep(max(wait, min(_LONGEST_WAIT, len(self._running) / _TASKS_PER_SECOND)))
                has_news = self._patiently(self._look_and_write)
                if self._may_submit():
                    self._submit_waiting()
                wait = _FIRST_WAIT if has_news else min(_LONGEST_WAIT, wait * _GROWTH)
        except KeyboardInterrupt:
            self._cancel()
            raise
        except Exception:
            self._say_what_goes_on()
            raise

    def _patiently(self, work: Callable[[], bool]) -> bool:
        """Return what `work` returns; it is tried again after errors of a network file system."""
        errors = 0
        while True:
            try:
                return work()
            except OSError as error:
                errors += 1
                if error.errno not in _PASSING or errors >= _MOST_ERRORS:
                    raise
                self._say_once(f"The study's folder gives errors ({error.strerror}): tried again")
                time.sleep(_LONGEST_WAIT)

    def _look_and_write(self) -> bool:
        """Look, and write failed records."""
        has_news = self._look()
        self._write_failed()
        return has_news

    def _say_what_goes_on(self) -> None:
        if jobs := ", ".join(sorted(self._jobs())):
            self._watcher.said(f"Slurm jobs {jobs} go on: the same command again watches them.")

    def _jobs(self) -> set[str]:
        return {task.job for task in self._running.values()}

    def _say_how_to_go_on(self) -> None:
        if left := len(self._waiting.together):
            self._watcher.said(f"Slurm did not take {left} trials: {self._refusal}")
        what = "watches these jobs" + " and submits the others" * bool(left)
        self._watcher.said(f"The same command again, without --detach, {what}.")

    def _cancel(self) -> None:
        """Cancel the jobs that are known, and then one whose id was not yet read."""
        known = self._jobs()
        self._cancel_jobs(known)
        shares = self._arrays.shares(self._scheduler.queue() or [])
        own = {task.job for task, token, _ in shares if token in self._arrays.submitted}
        self._cancel_jobs(own - known)

    def _cancel_jobs(self, jobs: set[str]) -> None:
        if jobs:
            self._scheduler.cancel(jobs)
            self._watcher.said(f"Cancelled Slurm jobs {', '.join(sorted(jobs))}.")

    def _adopt(self, wanted: Mapping[str, Trial]) -> set[str]:
        """Watch the living jobs of earlier commands; return their trials' keys.

        A job that squeue does not list is gone only if scontrol or sacct says so.
        """
        found = self._adopt_tasks(self._answer(self._scheduler.queue, "squeue"), wanted)
        for job in self._arrays.jobs_of(wanted.keys() - found):
            living = self._answer(partial(self._scheduler.living, job), "scontrol")
            unlisted = [task for task in living if (task.job, task.index) not in self._running]
            found |= self._adopt_tasks(unlisted, wanted)
        if found:
            jobs = ", ".join(sorted(self._jobs()))
            self._watcher.said(f"Watching Slurm jobs {jobs}, which were submitted earlier.")
            self._has_run = True
        return found

    def _is_done(self, trial: Trial) -> bool:
        """Return whether a job of an earlier command has finished a trial since it was planned."""
        record = self._result(trial, sys.maxsize)
        if record is not None:
            self._watcher.finished(record)
        return record is not None

    def _adopt_tasks(self, tasks: Sequence[ArrayTask], wanted: Mapping[str, Trial]) -> set[str]:
        found: set[str] = set()
        for task, token, keys in self._arrays.shares(tasks):
            own = [key for key in keys if key in wanted]
            self._watch(token, task.job, task.index, [wanted[key] for key in own])
            found.update(own)
        return found

    def _answer(self, ask: Callable[[], list[ArrayTask] | None], command: str) -> list[ArrayTask]:
        for _ in range(_MOST_SILENCES):
            answer = ask()
            if answer is not None:
                return answer
            time.sleep(_LONGEST_WAIT)
        raise UsageError(f"Slurm does not answer: see what {command} says")

    def _watch(self, token: str, job: str, index: int, trials: Sequence[Trial]) -> None:
        if trials:
            since = self._arrays.since(token)
            self._running[job, index] = _Running(
                job=job, index=index, token=token, left=deque(trials), since=since
            )

    def _submit_waiting(self) -> None:
        """Submit what waits; what Slurm does not take now is tried again while other jobs run."""
        self._tasks_at_refusal = None
        waiting, self._waiting = self._waiting, _Waiting()
        self._waiting.together = self._refused(waiting.together, alone=False)
        self._waiting.alone = self._refused(waiting.alone, alone=True)

    def _refused(self, trials: Sequence[Trial], *, alone: bool) -> list[Trial]:
        """Submit `trials`; return those that Slurm does not take now."""
        left = {trial.key: trial for trial in trials}
        try:
            for array, job in self._arrays.submit(trials, self._scheduler, alone=alone):
                self._note(array, job)
                for trial in array.trials:
                    del left[trial.key]
        except SubmitError as error:
            self._note_refusal(error)
        return list(left.values())

    def _note(self, array: Array, job: str) -> None:
        self._has_run = True
        self._refusals = 0
        for index in range(array.tasks):
            self._watch(array.token, job, index, array.share(index))
        for trial in array.trials:
            self._watcher.started(trial)
        trials = f"{len(array.trials)} trial" + "s" * (len(array.trials) != 1)
        tasks = f"{array.tasks} task" + "s" * (array.tasks != 1)
        self._watcher.said(f"Slurm job {job}: {trials} in {tasks} of at most {array.minutes} min")

    def _note_refusal(self, error: SubmitError) -> None:
        self._refusals += 1
        why = str(error)
        if error.is_too_much or error.is_of_memory:
            why += f" ({_HINT if error.is_too_much else _MEMORY_HINT})"
        passes = error.is_too_much and bool(self._running or self._scheduler.queue() != [])
        is_over = not self._has_run or self._refusals >= _MOST_REFUSALS
        if is_over and not (self._running or passes):
            raise UsageError(f"Slurm refuses the job: {why}")
        self._tasks_at_refusal = len(self._running) if passes else None
        self._looks_since = 0
        if why != self._refusal:
            self._watcher.said(f"Slurm refuses a job for now: {why}")
        self._refusal = why

    def _may_submit(self) -> bool:
        """Return whether a submission is worth a try after a refusal by a limit of jobs."""
        self._looks_since += 1
        before = self._tasks_at_refusal
        is_late = self._looks_since >= _LOOKS_TO_GO_ON
        return before is None or is_late or len(self._running) < _SHARE_TO_GO_ON * before

    def _look(self) -> bool:
        """Look at the queue and for records; return whether anything has changed."""
        queue = self._scheduler.queue()
        self._is_silent = False
        if queue is None:
            self._say_once("squeue does not answer: records are read, and it is asked again")
        known = {(task.job, task.index): task for task in queue or ()}
        has_news = False
        for place, task in list(self._running.items()):
            is_told = queue is not None
            has_news |= self._look_at(task, known.get(place)) if is_told else self._advance(task)
            if not task.left:
                del self._running[place]
        for line in self._reasons.news(known.values(), {job for job, _ in self._running}):
            self._watcher.said(line)
        return has_news

    def _look_at(self, task: _Running, found: ArrayTask | None) -> bool:
        """Take the news of a task that is in the queue as `found`; return whether there are any."""
        if found is not None:
            task.has_started |= found.has_started
            task.looks_gone = 0
            return task.has_started and self._advance(task)
        task.looks_gone += 1
        self._advance(task)
        if not task.left or task.looks_gone < _LOOKS_TO_BE_GONE:
            return True
        if self._is_silent:
            return False
        ending = self._scheduler.ending(task.job, task.index)
        if ending is None or not ending.is_over:
            self._go_on_with(task, ending)
            return False
        self._give_up(task, ending)
        return True

    def _go_on_with(self, task: _Running, now: Ending | None) -> None:
        """Watch a task that squeue does not list, but which has not ended as far as is known."""
        self._is_silent = now is None
        if now is not None:
            task.looks_gone = 0
            task.has_started |= now.has_started
        where = f"squeue does not list tasks of Slurm job {task.job}"
        if now is None:
            self._say_once(f"{where}, and scontrol does not answer: they are watched")
        else:
            self._say_once(f"{where}, but they live ({now.state}): they are watched")

    def _say_once(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            self._watcher.said(text)

    def _advance(self, task: _Running) -> bool:
        """Take the records of the trials that a task has finished, in its order."""
        has_news = False
        while task.left and (record := self._result(task.left[0], task.since)):
            self._watcher.finished(record)
            task.left.popleft()
            task.has_record = has_news = True
        if task.left and task.has_started and task.told != task.left[0].key:
            task.told = task.left[0].key
            self._watcher.begun(task.left[0])
        return has_news

    def _result(self, trial: Trial, since: int) -> Record | None:
        """Return a record that ends the trial; a failure of an attempt before `since` does not."""
        written = self._store.time_of_record(trial)
        if written is None:
            return None
        record = self._store.record(trial)
        is_new = written >= since  # times of one file system
        return record if record and (is_new or record.status in FINISHED) else None

    def _give_up(self, task: _Running, ending: Ending) -> None:
        """Settle the trials without a record of a task that has ended."""
        left = self._without_record(task)
        task.left.clear()
        if not left:
            return
        if not (task.has_started or ending.has_started):
            self._count(self._losses, _MOST_LOSSES, left, task, ending)
        elif ending.state in _NOT_ITS_FAULT:
            self._count(self._losses, _MOST_LOSSES, left[:1], task, ending)
            self._waiting.together += left[1:]
        elif ending.has_exited and not task.has_record:  # perhaps the worker cannot run there
            self._count(self._deaths, _MOST_DEATHS, left, task, ending)
        else:
            self._count(self._deaths, _MOST_DEATHS, left[:1], task, ending)
            self._waiting.together += left[1:]

    def _without_record(self, task: _Running) -> list[Trial]:
        for trial in task.left:
            with suppress(FileNotFoundError):  # listed, a network file system shows a new record
                list(self._store.trial_folder(trial).iterdir())
        found = [(trial, self._result(trial, task.since)) for trial in task.left]
        for _, record in found:  # after all file accesses, which are tried again after an error
            if record:
                task.has_record = True
                self._watcher.finished(record)
        return [trial for trial, record in found if not record]

    def _count(
        self,
        counter: Counter[str],
        most: int,
        trials: Sequence[Trial],
        task: _Running,
        ending: Ending,
    ) -> None:
        """Count an end of the task of `trials`, which fail after `most` of them."""
        is_death = counter is self._deaths
        for trial in trials:
            counter[trial.key] += 1
            if counter[trial.key] >= most:
                times = "twice" if most == _MOST_DEATHS else f"{most} times"
                said = self._arrays.last_line(task.token, task.index) if ending.has_exited else ""
                reason = f"its Slurm task ended {times} without a record: {ending}"
                self._fail(trial, f"{reason}: {said}" if said else reason)
            else:
                (self._waiting.alone if is_death else self._waiting.together).append(trial)

    def _fail(self, trial: Trial, reason: str) -> None:
        self._failed[trial.key] = Record(
            trial=trial, status="failed", reason=reason, environment=self._environment
        )

    def _write_failed(self) -> None:
        """Write the records of failed trials, unless another process has the trial just now."""
        for key, failed in list(self._failed.items()):
            with suppress(ClaimedError):
                self._store.add(failed, (), wait=False)
                del self._failed[key]
                self._watcher.finished(self._store.record(failed.trial) or failed)
