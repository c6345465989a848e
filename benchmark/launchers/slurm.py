"""The launcher of a Slurm cluster: array jobs whose tasks run the verb ``worker`` over keys.

Records in the study's folder are the results and decide what is over; the queue says only where to
look. A task that leaves the queue without the record of a trial has lost it, and the trial is
submitted again. Files of this launcher are in ``<results>/<study>/slurm/``: for each array job
``<token>.keys``, ``<token>.sh`` and the logs of its tasks. The token is part of the job's name, so
a later command finds the jobs that an earlier one left.
"""

import math
import re
import secrets
import shlex
import sys
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from benchmark.context import Context
from benchmark.errors import ClaimedError, UsageError
from benchmark.estimates import Durations
from benchmark.jobs import job_file
from benchmark.launchers import Limits, Watcher, devices
from benchmark.launchers.local import LocalLauncher
from benchmark.launchers.scheduler import Scheduler, Slurm, SubmitError, Task
from benchmark.launchers.watchers import Shielded
from benchmark.prepared import Prepared
from benchmark.record import Record
from benchmark.spec import Trial
from benchmark.store import FINISHED, Store
from optimizers.pick import shown
from optimizers.spec import OptimizerSpec

FOLDER = "slurm"
_OPTION = re.compile(r"[a-z][a-z0-9-]*(=[^\n]+)?")
_OWN = ("array", "output", "error", "job-name", "parsable", "wrap")  # set by the launcher
_SECONDS_OF_A_JOB = 600.0  # that a task is meant to take, so that its start costs little
_USUAL_JOBS = 64  # tasks among which trials are spread, without --workers
_START_MINUTES = 5.0  # to start Python on a cold node
_MARGIN = 3.0  # time limit over the estimate
_MOST_DEATHS = 2  # attempts of one trial that may end with its task before it counts as failed
_MOST_LOSSES = 20  # the same, for ends that are not the trial's fault
_NOT_ITS_FAULT = ("PREEMPTED", "NODE_FAIL", "BOOT_FAIL", "REVOKED")
_LOOKS_TO_BE_GONE = 2  # a record may be seen later than the end of its task
_FIRST_WAIT, _LONGEST_WAIT, _GROWTH = 1.0, 15.0, 1.3  # seconds between two looks


class SlurmLauncher:
    """A `Launcher` whose trials run in array jobs of Slurm.

    Hyperparameters are checked, optimizers rehearsed and data prepared on this machine, a login
    node; a node that does not see the prepared data prepares them for itself.

    Args:
        limits: Number of tasks that run in parallel, and the options for sbatch.
        scheduler: The commands of Slurm; None for those of this machine.

    Raises:
        UsageError: an option for sbatch is malformed, or is one that the launcher sets.
    """

    def __init__(self, limits: Limits | None = None, scheduler: Scheduler | None = None) -> None:
        self._limits = limits or Limits()
        self._local = LocalLauncher(self._limits)
        self._known_scheduler = scheduler
        self._options = _parsed(self._limits.slurm.options)
        self._job: Path | None = None

    def warm_up(self) -> AbstractContextManager[None]:
        """Start the server of workers on this machine, which checks optimizers and data."""
        self._scheduler()
        return self._local.warm_up()

    def num_at_once(self, threads: int) -> int:
        """Return how many trials run in parallel if the cluster has room for all jobs."""
        del threads
        return self._limits.workers or _USUAL_JOBS

    def why_not(self, accelerator: str, precision: str) -> str:
        """Return why trials cannot run with these two, as far as that is known here."""
        return "" if accelerator == "gpu" else devices.why_not(accelerator, precision)

    def check_hyperparameters(self, specs: Sequence[OptimizerSpec]) -> None:
        """Have the classes of registered optimizers check their hyperparameters, here."""
        self._local.check_hyperparameters(specs)

    def prepare(self, wanted: Sequence[tuple[str, str, bool]], context: Context) -> list[Prepared]:
        """Prepare data sets on this machine."""
        return self._local.prepare(wanted, context)

    def rehearse(self, trials: Sequence[Trial], context: Context) -> None:
        """Have optimizers that were given by import path take two steps, on this machine.

        Those of trials on a GPU are rehearsed only if this machine has one.
        """
        here = [trial for trial in trials if not devices.why_not(trial.accelerator, "32-true")]
        self._local.rehearse(here, context)

    def preview(self, trials: Sequence[Trial], store: Store) -> str:
        """Return the batch scripts that would be submitted, for ``--dry-run``."""
        batches = self._batches(trials, store, _USUAL_JOBS * 10)
        return "\n".join(self._script(batch, store) for batch in batches)

    def __call__(
        self, trials: Sequence[Trial], store: Store, context: Context, watcher: Watcher
    ) -> None:
        """Run `trials`; then each has a record, ``failed`` if its tasks died twice.

        With ``--detach`` the trials are only submitted. Jobs of an earlier command are watched, and
        their trials are not submitted again.

        Raises:
            UsageError: Slurm takes none of the jobs; the message is that of sbatch.
            OSError: a file of the study cannot be written.
        """
        store.plan(trials)
        (store.folder / FOLDER).mkdir(exist_ok=True)
        self._job = job_file(store.folder, context)
        scheduler = self._scheduler()
        watch = _Watch(self, scheduler, store, context, Shielded(watcher))
        watch.run(trials)

    def submit(
        self, trials: Sequence[Trial], store: Store, scheduler: Scheduler, *, alone: bool
    ) -> "Iterator[tuple[_Batch, str]]":
        """Submit `trials`, and yield each batch with the id of its job.

        Args:
            trials: The trials.
            store: The study's folder.
            scheduler: The commands of Slurm.
            alone: One task for each trial, with twice the time.

        Raises:
            SubmitError: Slurm does not take a job; batches that were yielded are submitted.
        """
        for batch in self._batches(trials, store, scheduler.most_tasks(), alone=alone):
            script = self._script(batch, store)
            folder = store.folder / FOLDER
            (folder / f"{batch.token}.keys").write_text(
                "".join(f"{trial.key}\n" for trial in batch.trials)
            )
            (folder / f"{batch.token}.sh").write_text(script)
            yield batch, scheduler.submit(script)

    @property
    def detaches(self) -> bool:
        """The trials are only submitted."""
        return self._limits.slurm.detach

    def _scheduler(self) -> Scheduler:
        if self._known_scheduler is None:
            self._known_scheduler = Slurm()
        return self._known_scheduler

    def _batches(
        self, trials: Sequence[Trial], store: Store, most_tasks: int, *, alone: bool = False
    ) -> "Iterator[_Batch]":
        """Divide `trials` into array jobs of equal resources and at most `most_tasks` tasks."""
        seconds = Durations(store.records()).estimate_seconds
        kinds: dict[tuple[str, int], list[Trial]] = {}
        for trial in trials:
            kinds.setdefault((trial.accelerator, trial.threads), []).append(trial)
        for same in kinds.values():
            mean = sum(map(seconds, same)) / len(same)
            each = 1 if alone else self._trials_per_job(len(same), mean)
            minutes = math.ceil(_START_MINUTES + _MARGIN * (1 + alone) * each * mean / 60)
            for start in range(0, len(same), each * most_tasks):
                part = same[start : start + each * most_tasks]
                tasks = math.ceil(len(part) / each)
                yield _Batch(token=secrets.token_hex(4), trials=part, tasks=tasks, minutes=minutes)

    def _trials_per_job(self, trials: int, seconds: float) -> int:
        if self._limits.slurm.trials_per_job:
            return self._limits.slurm.trials_per_job
        spread = math.ceil(trials / (self._limits.workers or _USUAL_JOBS))
        return max(1, min(spread, round(_SECONDS_OF_A_JOB / max(seconds, 0.01))))

    def _script(self, batch: "_Batch", store: Store) -> str:
        """Return the batch script of an array job."""
        folder = (store.folder / FOLDER).absolute()
        first = batch.trials[0]
        workers = self._limits.workers
        options = {
            "job-name": f"{_NAME}{batch.token}",
            "array": f"0-{batch.tasks - 1}" + (f"%{workers}" if workers else ""),
            "output": f"{folder}/{batch.token}-%a.log",
            "open-mode": "append",  # the log of a task that was requeued goes on
            "cpus-per-task": str(first.threads),
            "time": str(batch.minutes),
            **({"gres": "gpu:1"} if first.accelerator == "gpu" and not self._asks_gpu() else {}),
            **self._options,
        }
        command = [
            *(sys.executable, "-m", "benchmark", "worker", store.study),
            *("--results", str(store.folder.parent.absolute())),
            *("--keys", f"{folder}/{batch.token}.keys"),
            *("--job", str((self._job or store.folder / "jobs" / "JOB.json").absolute())),
        ]
        chunk = f'--chunk "$SLURM_ARRAY_TASK_ID/{batch.tasks}"'
        return "\n".join(
            [
                "#!/bin/sh",
                *(
                    f"#SBATCH --{name}" + f"={value}" * bool(value)
                    for name, value in options.items()
                ),
                f"exec {shlex.join(command)} {chunk}",
                "",
            ]
        )

    def _asks_gpu(self) -> bool:
        return any(name.startswith(("gres", "gpus")) for name in self._options)


_NAME = "benchmark-"
_CHUNKS = re.compile(r"SLURM_ARRAY_TASK_ID/(\d+)")


@dataclass(frozen=True, kw_only=True)
class _Batch:
    """An array job: its trials, of which task i runs every `tasks`-th from the i-th on."""

    token: str
    trials: Sequence[Trial]
    tasks: int
    minutes: int


@dataclass(kw_only=True)
class _Running:
    """A task that was submitted, with those of its trials whose record has not been seen.

    `since` is the time of its script on the file system, in nanoseconds.
    """

    job: str
    index: int
    left: deque[Trial]
    since: int
    has_started: bool = False
    told: str = ""  # key of the trial that the watcher was told has begun
    looks_gone: int = 0


@dataclass(kw_only=True)
class _Lost:
    """Trials that are to be submitted again, those that died with their task by themselves."""

    together: list[Trial] = field(default_factory=list)
    alone: list[Trial] = field(default_factory=list)


class _Watch:
    """One call of the launcher: it submits, watches records and queue, and submits again."""

    def __init__(
        self,
        launcher: SlurmLauncher,
        scheduler: Scheduler,
        store: Store,
        context: Context,
        watcher: Shielded,
    ) -> None:
        self._launcher = launcher
        self._scheduler = scheduler
        self._store = store
        self._folder = store.folder / FOLDER
        self._environment = context.environment
        self._watcher = watcher
        self._running: dict[tuple[str, int], _Running] = {}
        self._deaths: Counter[str] = Counter()
        self._losses: Counter[str] = Counter()
        self._waiting = _Lost()

    def run(self, trials: Sequence[Trial]) -> None:
        """Run all trials; Ctrl-C or an error cancels the jobs that were submitted."""
        adopted = self._adopt({trial.key: trial for trial in trials})
        self._waiting.together = [trial for trial in trials if trial.key not in adopted]
        try:
            self._submit_waiting()
            if self._launcher.detaches:
                self._watcher.said("The same command again, without --detach, watches these jobs.")
                return
            pause = _FIRST_WAIT
            while self._running or self._waiting.together or self._waiting.alone:
                time.sleep(pause)
                has_news = self._look()
                self._submit_waiting()
                pause = _FIRST_WAIT if has_news else min(_LONGEST_WAIT, pause * _GROWTH)
        except BaseException:
            jobs = {task.job for task in self._running.values()}
            self._scheduler.cancel(jobs)
            if jobs:
                self._watcher.said(f"Cancelled Slurm jobs {', '.join(sorted(jobs))}.")
            raise

    def _adopt(self, wanted: Mapping[str, Trial]) -> set[str]:
        """Watch the jobs of earlier commands that are in the queue; return their trials' keys."""
        found: set[str] = set()
        keys: dict[str, list[str]] = {}
        queue = self._scheduler.queue() or []
        sizes = self._sizes({task.name.removeprefix(_NAME) for task in queue if _is_ours(task)})
        for task in queue:
            token = task.name.removeprefix(_NAME)
            if not _is_ours(task) or token not in sizes:
                continue
            if token not in keys:
                keys[token] = (self._folder / f"{token}.keys").read_text().split()
            own = [key for key in keys[token][task.index :: sizes[token]] if key in wanted]
            self._watched(token, task.job, task.index, [wanted[key] for key in own])
            found.update(own)
        if found:
            jobs = ", ".join(sorted({task.job for task in self._running.values()}))
            self._watcher.said(f"Watching Slurm jobs {jobs}, which were submitted earlier.")
        return found

    def _sizes(self, tokens: Iterable[str]) -> dict[str, int]:
        """Return the numbers of tasks of those array jobs that are of this study."""
        sizes = {}
        for token in tokens:
            with suppress(OSError, UnicodeDecodeError):
                script = (self._folder / f"{token}.sh").read_text()
                if found := _CHUNKS.search(script):
                    sizes[token] = int(found[1])
        return sizes

    def _watched(self, token: str, job: str, index: int, trials: Sequence[Trial]) -> None:
        if trials:
            since = (self._folder / f"{token}.sh").stat().st_mtime_ns
            self._running[job, index] = _Running(
                job=job, index=index, left=deque(trials), since=since
            )

    def _submit_waiting(self) -> None:
        """Submit what waits; what Slurm does not take now is tried again while other jobs run."""
        waiting, self._waiting = self._waiting, _Lost()
        for trials, alone in ((waiting.together, False), (waiting.alone, True)):
            left = {trial.key: trial for trial in trials}
            if not left:
                continue
            try:
                for batch, job in self._launcher.submit(
                    trials, self._store, self._scheduler, alone=alone
                ):
                    self._note(batch, job)
                    for trial in batch.trials:
                        del left[trial.key]
            except SubmitError as error:
                if not self._running:
                    raise UsageError(f"Slurm refuses the job: {error}") from None
                (self._waiting.alone if alone else self._waiting.together).extend(left.values())

    def _note(self, batch: _Batch, job: str) -> None:
        for index in range(batch.tasks):
            self._watched(batch.token, job, index, batch.trials[index :: batch.tasks])
        for trial in batch.trials:
            self._watcher.started(trial)
        tasks = f"{batch.tasks} task" + "s" * (batch.tasks > 1)
        self._watcher.said(
            f"Slurm job {job}: {len(batch.trials)} trials in {tasks} of at most {batch.minutes} min"
        )

    def _look(self) -> bool:
        """Look at the queue and for records; return whether anything has changed."""
        queue = self._scheduler.queue()
        if queue is None:
            return False
        states = {(task.job, task.index): task for task in queue}
        has_news = False
        for place, task in list(self._running.items()):
            known = states.get(place)
            if known is not None:
                task.has_started |= known.has_started
                task.looks_gone = 0
            else:
                task.looks_gone += 1
            if task.has_started or known is None:
                has_news |= self._advance(task)
            if known is None and (not task.left or task.looks_gone >= _LOOKS_TO_BE_GONE):
                self._gone(task)
                has_news = True
            if not task.left:
                self._running.pop(place, None)
        return has_news

    def _advance(self, task: _Running) -> bool:
        """Take the records of the trials that a task has finished, in its order."""
        has_news = False
        while task.left and (record := self._result(task.left[0], task.since)):
            self._watcher.finished(record)
            task.left.popleft()
            has_news = True
        if task.left and task.told != task.left[0].key:
            task.told = task.left[0].key
            self._watcher.begun(task.left[0])
        return has_news

    def _result(self, trial: Trial, since: int) -> Record | None:
        """Return a record that ends the trial; that of an attempt before `since` may not."""
        record = self._store.record(trial)
        if record is None or record.status in FINISHED:
            return record
        with suppress(FileNotFoundError):
            path = self._store.trial_folder(trial) / "record.json"
            if path.stat().st_mtime_ns >= since:  # times of one file system
                return record
        return None

    def _gone(self, task: _Running) -> None:
        """Settle the trials without a record of a task that has left the queue."""
        left = []
        for trial in task.left:
            with suppress(FileNotFoundError):  # listed, a network file system shows a new record
                list(self._store.trial_folder(trial).iterdir())
            if record := self._result(trial, task.since):
                self._watcher.finished(record)
            else:
                left.append(trial)
        task.left.clear()
        if not left:
            return
        ending = self._scheduler.ending(task.job, task.index)
        state = ending.get("JobState", "").split()[0] if ending.get("JobState") else ""
        has_started = task.has_started or ending.get("StartTime", "Unknown") not in ("Unknown", "")
        first, *others = left
        self._waiting.together += others
        if not has_started or state in _NOT_ITS_FAULT:
            self._waiting.together.append(first)
            self._count(self._losses, _MOST_LOSSES, first, state, ending)
        else:
            self._waiting.alone.append(first)
            self._count(self._deaths, _MOST_DEATHS, first, state, ending)

    def _count(
        self,
        counter: Counter[str],
        most: int,
        trial: Trial,
        state: str,
        ending: Mapping[str, str],
    ) -> None:
        """Count an end of `trial`'s task; after too many, commit a ``failed`` record instead."""
        counter[trial.key] += 1
        if counter[trial.key] < most:
            return
        for waiting in (self._waiting.alone, self._waiting.together):
            if trial in waiting:
                waiting.remove(trial)
        times = "twice" if most == _MOST_DEATHS else f"{most} times"
        reason = f"its Slurm task ended {times} without a record: {why(state, ending)}"
        failed = Record(trial=trial, status="failed", reason=reason, environment=self._environment)
        with suppress(ClaimedError):
            self._store.add(failed, ())
        self._watcher.finished(self._store.record(trial) or failed)


def why(state: str, ending: Mapping[str, str]) -> str:
    """Return in words how a task ended, as far as Slurm knows.

    >>> why("TIMEOUT", {"TimeLimit": "00:05:00", "NodeList": "n1"})
    'it reached its time limit of 00:05:00 on n1 (give more with --slurm time=MINUTES)'
    """
    node = f" on {ending['NodeList']}" if ending.get("NodeList") not in (None, "", "(null)") else ""
    if state == "TIMEOUT":
        limit = f" of {ending['TimeLimit']}" if "TimeLimit" in ending else ""
        return f"it reached its time limit{limit}{node} (give more with --slurm time=MINUTES)"
    if state == "OUT_OF_MEMORY":
        return f"it ran out of memory{node} (give more with --slurm mem=MEGABYTES)"
    if not state:
        return "Slurm no longer knows why"
    code = f", exit code {ending['ExitCode']}" if ending.get("ExitCode") else ""
    return f"{state}{code}{node}"


def _is_ours(task: Task) -> bool:
    return task.name.startswith(_NAME)


def _parsed(options: Sequence[str]) -> dict[str, str]:
    """Return long options of sbatch by name; one without a value has an empty one.

    Raises:
        UsageError: an option is malformed, or is one that the launcher sets.
    """
    found = {}
    for text in options:
        if not _OPTION.fullmatch(text):
            raise UsageError(
                f"--slurm {shown(text)}: expected a long option of sbatch as NAME=VALUE, such as "
                "partition=gpu or time=30"
            )
        name, _, value = text.partition("=")
        if name in _OWN:
            raise UsageError(f"--slurm {name} is set by the suite: give another option of sbatch")
        found[name] = value
    return found
