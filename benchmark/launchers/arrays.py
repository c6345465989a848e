"""Array jobs of Slurm: how trials are divided into them, and the files of each.

The files lie in ``<results>/<study>/slurm/`` and begin with a random token, which is part of the
job's name, too, so that a later command finds the jobs of an earlier one: ``<token>.keys`` has the
keys of the trials, ``<token>.sh`` is the batch script, ``<token>.job`` has the job's id, and
``<token>-<index>.log`` has the output of a task. Task i of n runs every nth trial from the ith on.
"""

import math
import os
import re
import secrets
import shlex
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from benchmark.claims import LEASE_SECONDS
from benchmark.errors import UsageError
from benchmark.estimates import Durations
from benchmark.launchers import Limits
from benchmark.launchers.scheduler import ArrayTask, Scheduler, SubmitError
from benchmark.launchers.slurm_options import SlurmOptions
from benchmark.spec import Trial
from benchmark.store import Store
from optimizers.pick import shown

_NAME = "benchmark-"
_OPTION = re.compile(r"[a-z][a-z0-9-]*(=[^\n\r]+)?")
_OWN = ("array", "clusters", "error", "job-name", "output", "parsable", "wait", "wrap")
_PRINTING = ("autocomplete", "help", "test-only", "usage", "version")  # options that submit nothing
_TASKS = re.compile(r"SLURM_ARRAY_TASK_ID/(\d+)")  # in a batch script
_SECONDS_OF_A_TASK = 600.0  # so that its start costs little
_USUAL_TASKS = 64  # among which trials are spread, without --workers
_START_MINUTES = 5.0  # to start Python on a cold node
_MARGIN = 3.0  # time limit over the estimate
_MEGABYTES = {"cpu": 4_000, "gpu": 8_000}  # of a task: some five times what a trial takes
_MEMORY_VARIABLES = ("SBATCH_MEM_PER_NODE", "SBATCH_MEM_PER_CPU", "SBATCH_MEM_PER_GPU")
_MOST_LOG_BYTES = 2_000


@dataclass(frozen=True, kw_only=True)
class Array:
    """An array job.

    Args:
        token: Random word that names the job and its files.
        trials: Its trials, of equal resources.
        tasks: Number of its tasks.
        minutes: Time limit of each task.
        megabytes: Memory of each task.
        parallel: Greatest number of tasks that run in parallel; 0 for no limit.
    """

    token: str
    trials: Sequence[Trial]
    tasks: int
    minutes: int
    megabytes: int
    parallel: int

    def share(self, index: int) -> Sequence[Trial]:
        """Return the trials of a task."""
        return self.trials[index :: self.tasks]


class Arrays:
    """The array jobs of a study: their division, scripts and files.

    Args:
        limits: Number of tasks that run in parallel, and the options for sbatch.
        store: The study's folder.
        job: Job file for the workers.

    Raises:
        UsageError: an option for sbatch is malformed, or is one that the launcher sets.
    """

    def __init__(self, limits: Limits, store: Store, job: Path) -> None:
        self._limits = limits
        self._options = parsed(limits.options_of(SlurmOptions).options)
        self._store = store
        self._job = job
        self._folder = (store.folder / "slurm").absolute()
        self.submitted: set[str] = set()  # tokens

    @cached_property
    def _seconds(self) -> Callable[[Trial], float]:
        return Durations(self._store.records()).estimate_seconds  # reads every record: once

    def divide(
        self, trials: Sequence[Trial], most_tasks: int, *, alone: bool = False
    ) -> list[Array]:
        """Divide `trials` into array jobs of equal resources.

        Args:
            trials: The trials.
            most_tasks: Greatest number of tasks of an array job.
            alone: Give each trial a task of its own, with twice the time and memory, and time to
                wait for the end of a claim that a killed process has left.
        """
        kinds: dict[tuple[str, int], list[Trial]] = {}
        for trial in trials:
            kinds.setdefault((trial.accelerator, trial.threads), []).append(trial)
        parts: list[tuple[Sequence[Trial], int]] = []
        for same in kinds.values():
            each = 1 if alone else self._trials_per_task(same)
            size = each * most_tasks
            parts += [(same[i : i + size], each) for i in range(0, len(same), size)]
        workers = self._limits.workers
        return [
            self._array(
                part,
                tasks=math.ceil(len(part) / each),
                parallel=max(1, workers // len(parts)) if workers else 0,
                alone=alone,
            )
            for part, each in parts
        ]

    def _array(self, trials: Sequence[Trial], *, tasks: int, parallel: int, alone: bool) -> Array:
        margin = _MARGIN * (1 + alone)
        limit = self._limits.timeout_seconds
        estimate = [limit or margin * self._seconds(trial) for trial in trials]
        longest = max(math.fsum(estimate[i::tasks]) for i in range(tasks))
        extra = LEASE_SECONDS if alone else 0.0
        return Array(
            token=secrets.token_hex(4),
            trials=trials,
            tasks=tasks,
            minutes=math.ceil(_START_MINUTES + (longest + extra) / 60),
            megabytes=_megabytes(trials) * (1 + alone),
            parallel=parallel,
        )

    def _trials_per_task(self, trials: Sequence[Trial]) -> int:
        if fixed := self._limits.options_of(SlurmOptions).trials_per_job:
            return fixed
        mean = math.fsum(map(self._seconds, trials)) / len(trials)
        spread = math.ceil(len(trials) / (self._limits.workers or _USUAL_TASKS))
        return max(1, min(spread, round(_SECONDS_OF_A_TASK / max(mean, 0.01))))

    def submit(
        self, trials: Sequence[Trial], scheduler: Scheduler, *, alone: bool
    ) -> Iterator[tuple[Array, str]]:
        """Submit `trials`, and yield each array with the id of its job.

        Where limits allow no more tasks, smaller arrays are tried, down to a single task.

        Raises:
            SubmitError: Slurm does not take a job; those that were yielded are submitted.
            OSError: a file cannot be written.
        """
        if not trials:
            return
        self._folder.mkdir(exist_ok=True)
        left = self.divide(trials, scheduler.most_tasks(), alone=alone)[::-1]
        while left:
            array = left.pop()
            try:
                job = self._submit(array, scheduler)
            except SubmitError as error:
                if (usual := _megabytes(array.trials)) < array.megabytes and error.is_of_memory:
                    left.append(replace(array, megabytes=usual))  # no node has twice as much
                    continue
                if array.tasks == 1 or not error.is_too_much:
                    raise
                left += self._halves(array, alone=alone)[::-1]
            else:
                yield array, job

    def _submit(self, array: Array, scheduler: Scheduler) -> str:
        """Submit an array; a refused one leaves no file."""
        text = self.script(array)
        keys, script = self._file(array.token, "keys"), self._file(array.token, "sh")
        keys.write_text("".join(f"{trial.key}\n" for trial in array.trials))
        script.write_text(text)
        self.submitted.add(array.token)
        try:
            job = scheduler.submit(text)
        except SubmitError:
            keys.unlink()
            script.unlink()
            raise
        self._file(array.token, "job").write_text(f"{job}\n")
        return job

    def _halves(self, array: Array, *, alone: bool) -> list[Array]:
        """Return two arrays of half as many tasks, which have as many trials as before."""
        each = math.ceil(len(array.trials) / array.tasks)
        middle = each * math.ceil(array.tasks / 2)
        return [
            self._array(
                part,
                tasks=math.ceil(len(part) / each),
                parallel=max(1, array.parallel // 2) if array.parallel else 0,
                alone=alone,
            )
            for part in (array.trials[:middle], array.trials[middle:])
        ]

    def script(self, array: Array) -> str:
        """Return the batch script of an array job."""
        first = array.trials[0]
        logs = f"{self._folder}/{array.token}-".replace("%", "%%") + "%a.log"
        options = {
            "job-name": f"{_NAME}{array.token}",
            "array": f"0-{array.tasks - 1}" + (f"%{array.parallel}" if array.parallel else ""),
            "output": logs,
            "open-mode": "append",  # the log of a task that was requeued goes on
            "cpus-per-task": str(first.threads),
            "time": str(array.minutes),
            **({"mem": f"{array.megabytes}M"} if not self._says_memory() else {}),
            **({"gres": "gpu:1"} if first.accelerator == "gpu" and not self._asks_gpu() else {}),
            **self._options,
        }
        limit = self._limits.timeout_seconds
        worker = [
            *(sys.executable, "-m", "benchmark", "worker", self._store.study),
            *("--results", str(self._store.folder.parent.absolute())),
            *("--keys", str(self._file(array.token, "keys"))),
            *("--job", str(self._job.absolute())),
            *(("--timeout", f"{limit:g}") if limit else ()),
        ]
        chunk = f'--chunk "$SLURM_ARRAY_TASK_ID/{array.tasks}"'
        directives = (_directive(name, value) for name, value in options.items())
        return "\n".join(["#!/bin/sh", *directives, f"exec {shlex.join(worker)} {chunk}", ""])

    def _says_memory(self) -> bool:
        """Whether the user says how much memory, by an option or a variable that sbatch reads."""
        is_exported = any(name in os.environ for name in _MEMORY_VARIABLES)
        return is_exported or any(re.match("mem(?!-b)|exclusive", name) for name in self._options)

    def _asks_gpu(self) -> bool:
        return any(name.startswith(("gres", "gpus")) for name in self._options)

    def shares(self, tasks: Iterable[ArrayTask]) -> Iterator[tuple[ArrayTask, str, Sequence[str]]]:
        """Yield those of `tasks` that are of this study, with their tokens and trials' keys."""
        known: dict[str, tuple[list[str], int]] = {}
        for task in tasks:
            token = task.name.removeprefix(_NAME)
            if task.index < 0 or not re.fullmatch(rf"{_NAME}[0-9a-f]+", task.name):
                continue
            if token not in known:
                known[token] = self._read(token)
            keys, number = known[token]
            if keys:
                yield task, token, keys[task.index :: number]

    def jobs_of(self, keys: Set[str]) -> Iterator[str]:
        """Yield the id of each array job of this study that has some of `keys`."""
        for path in sorted(self._folder.glob("*.job")):
            own, _ = self._read(path.stem)
            if not keys.isdisjoint(own):
                yield path.read_text().strip()

    def _read(self, token: str) -> tuple[list[str], int]:
        """Return the keys and number of tasks of an array job, or nothing if it has no study."""
        with suppress(OSError, UnicodeDecodeError):
            found = _TASKS.search(self._file(token, "sh").read_text())
            if found:
                return self._file(token, "keys").read_text().split(), int(found[1])
        return [], 1

    def since(self, token: str) -> int:
        """Return the time on the file system when an array job was submitted, in nanoseconds."""
        return self._file(token, "sh").stat().st_mtime_ns

    def last_line(self, token: str, index: int) -> str:
        """Return the last line in the log of a task, "" if there is none."""
        with suppress(OSError), self._file(token, "log", index).open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - _MOST_LOG_BYTES))
            lines = file.read().decode(errors="replace").split("\n")
            return next((line.strip() for line in reversed(lines) if line.strip()), "")
        return ""

    def _file(self, token: str, kind: str, index: int | None = None) -> Path:
        return self._folder / f"{token}{'' if index is None else f'-{index}'}.{kind}"


def _megabytes(trials: Sequence[Trial]) -> int:
    """Return the memory of a task of these trials, which have one accelerator."""
    return _MEGABYTES["gpu" if trials[0].accelerator == "gpu" else "cpu"]


def usual_tasks(limits: Limits) -> int:
    """Return how many tasks run in parallel if the cluster has room for all."""
    return limits.workers or _USUAL_TASKS


def parsed(options: Sequence[str]) -> Mapping[str, str]:
    """Return long options of sbatch by name; one without a value has an empty one.

    Raises:
        UsageError: an option is malformed, is one that the launcher sets, or submits nothing.
            sbatch accepts abbreviated option names, so these are refused too.
    """
    found = {}
    for text in options:
        if not _OPTION.fullmatch(text):
            raise UsageError(
                f"--slurm {shown(text)}: expected a long option of sbatch as NAME=VALUE, such as "
                "partition=gpu or time=30"
            )
        name, _, value = text.partition("=")
        if any(own.startswith(name) for own in _OWN):
            raise UsageError(f"--slurm {name} is set by the suite: give another option of sbatch")
        if any(printing.startswith(name) for printing in _PRINTING):
            raise UsageError(f"--slurm {name} submits nothing: give another option of sbatch")
        found[name] = value
    return found


def _directive(name: str, value: str) -> str:
    """Return a line of a batch script; sbatch reads quotes and backslashes as a shell does."""
    if not value:
        return f"#SBATCH --{name}"
    if re.search(r"[\s#'\"\\]", value):
        value = '"' + re.sub(r'(["\\])', r"\\\1", value) + '"'
    return f"#SBATCH --{name}={value}"
