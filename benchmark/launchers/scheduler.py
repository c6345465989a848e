"""The commands of Slurm that the launcher needs: submit, look, cancel, ask why.

No accounting database and no Python library of Slurm is assumed, only ``sbatch``, ``squeue``,
``scancel`` and ``scontrol``.
"""

import os
import re
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from benchmark.errors import UsageError
from benchmark.launchers import slurm_environment
from benchmark.plain_text import plain
from optimizers.pick import shown

_SECONDS = 120.0  # for a command; a busy controller answers late
_MOST_IDS = 500  # job ids on one command line
USUAL_MOST_TASKS = 1001  # Slurm's MaxArraySize unless a site changes it
_WAITING = frozenset({"PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD"})
_OVER = frozenset(
    [
        "BOOT_FAIL",
        "CANCELLED",
        "COMPLETED",
        "DEADLINE",
        "FAILED",
        "LAUNCH_FAILED",
        "NODE_FAIL",
        "OUT_OF_MEMORY",
        "PREEMPTED",
        "RECONFIG_FAIL",
        "REVOKED",
        "TIMEOUT",
    ]
)
_LINE = re.compile(r"(\d+)\|(\d+|N/A)\|([A-Z_]+)\|([^|]*)\|(.*)")  # of squeue
_JOB = re.compile(r"(\d+)(;\S+)?")  # of sbatch --parsable: the id, and the name of the cluster
_TOO_MUCH = re.compile(  # refusals by limits of jobs
    r"submit.{0,9}limit|submit_?jobs?|MaxJobCount|accounting/QOS policy|job array specification"
    r"|temporarily un(able|available)",
    re.IGNORECASE,
)
_WHOLE_LISTS = {"SLURM_BITSTR_LEN": "0"}  # of indices, which are cut at 64 characters otherwise
_NOT_FOUND = 127  # a shell's exit code for a command that is not here
_FORGOTTEN = re.compile("invalid job id|not found", re.IGNORECASE)  # scontrol's, of job and task
_INDICES = re.compile(r"(\d+)(?:-(\d+))?(?::(\d+))?")
_NO_NODE = ("", "(null)", "None", "None assigned")


class SubmitError(Exception):
    """An error: Slurm does not take a job now; the message is that of sbatch."""

    @property
    def is_too_much(self) -> bool:
        """Slurm may take fewer tasks, or these once other jobs of the user have ended."""
        return bool(_TOO_MUCH.search(str(self)))

    @property
    def is_of_memory(self) -> bool:
        """No node has the memory that is asked for."""
        return "memory" in str(self).lower()


@dataclass(frozen=True, kw_only=True)
class ArrayTask:
    """One task of an array job that Slurm has in its queue, or a job that is no array.

    Args:
        job: Id of the array job.
        index: Index in the array; -1 for a job that is none.
        name: Name of the job.
        state: Slurm's name of the state, such as ``RUNNING``.
        reason: Slurm's name of the reason why it waits, such as ``Priority``.
    """

    job: str
    index: int
    name: str
    state: str
    reason: str = ""

    @property
    def has_started(self) -> bool:
        """The task is running, or was and is ending."""
        return self.state not in _WAITING


@dataclass(frozen=True, kw_only=True)
class Ending:
    """What Slurm still knows of a task that squeue does not list; all is empty if nothing.

    Args:
        state: Slurm's name of the state, such as ``TIMEOUT``.
        exit_code: Exit code and signal, such as ``0:9``.
        node: Name of the node; empty for a task that never started.
        time_limit: Time limit of the task, as Slurm writes it.
    """

    state: str = ""
    exit_code: str = ""
    node: str = ""
    time_limit: str = ""

    @property
    def is_over(self) -> bool:
        """The task has ended, or Slurm has forgotten it; no state of a living task is an end."""
        return not self.state or self.state in _OVER

    @property
    def has_started(self) -> bool:
        """The task had a node, or has one."""
        return bool(self.node) or (not self.is_over and self.state not in _WAITING)

    @property
    def has_exited(self) -> bool:
        """The task ended by itself, with an exit code that is no success; no signal killed it."""
        code, _, signal = self.exit_code.partition(":")
        return self.state == "FAILED" and code not in ("", "0") and signal in ("", "0")

    def __str__(self) -> str:
        """Describe the end in words.

        >>> str(Ending(state="TIMEOUT", node="n1", time_limit="00:05:00"))
        'it reached its time limit of 00:05:00 on n1 (give more with --slurm time=MINUTES)'
        """
        where = f" on {self.node}" if self.node else ""
        if self.state == "TIMEOUT":
            limit = f" of {self.time_limit}" if self.time_limit else ""
            return f"it reached its time limit{limit}{where} (give more with --slurm time=MINUTES)"
        if self.state == "OUT_OF_MEMORY":
            return f"it ran out of memory{where} (give more with --slurm mem=MEGABYTES)"
        if not self.state:
            return "Slurm no longer knows why"
        return f"{self.state}{f', exit code {self.exit_code}' if self.exit_code else ''}{where}"


class Scheduler(Protocol):
    """What the launcher asks of Slurm."""

    def most_tasks(self) -> int:
        """Return the greatest number of tasks of one array job."""

    def submit(self, script: str) -> str:
        """Submit a batch script, and return the job's id.

        Raises:
            SubmitError: Slurm does not take it.
            UsageError: sbatch prints no job id.
        """

    def queue(self) -> list[ArrayTask] | None:
        """Return all tasks and jobs of this user that wait or run; None without an answer."""

    def living(self, job: str) -> list[ArrayTask] | None:
        """Return the tasks of an array job that have not ended, whatever squeue lists.

        Returns:
            The tasks, with the name of the job; None without an answer.
        """

    def cancel(self, jobs: Iterable[str]) -> None:
        """Cancel array jobs; those that have ended are ignored."""

    def ending(self, job: str, index: int) -> Ending | None:
        """Return what Slurm knows of a task that squeue does not list; None without an answer."""


class Slurm:
    """The Slurm of this machine, by its commands.

    Raises:
        UsageError: the commands of Slurm are not here.
    """

    def __init__(self) -> None:
        if _run(["sbatch", "--version"]).returncode:
            raise UsageError(
                "--launcher slurm needs sbatch, which does not run here: run this command on a "
                "login node of the cluster"
            )
        self._most_tasks: int | None = None

    def most_tasks(self) -> int:
        """Return MaxArraySize, which limits the highest index and is 1,001 by default."""
        if self._most_tasks is None:
            done = _run(["scontrol", "show", "config"])
            found = re.search(r"^MaxArraySize\s*=\s*(\d+)", done.stdout, re.MULTILINE)
            if not found:
                return USUAL_MOST_TASKS
            self._most_tasks = max(1, int(found[1]))
        return self._most_tasks

    def submit(self, script: str) -> str:
        """Submit a batch script with sbatch."""
        done = _run(["sbatch", "--parsable"], script)
        if done.returncode:
            raise SubmitError(_errors(done.stderr) or f"exit code {done.returncode}")
        found = [_JOB.fullmatch(line.strip()) for line in done.stdout.splitlines()]
        ids = [match[1] for match in found if match]  # a site's sbatch may print more
        if len(ids) != 1:
            said = shown(plain(done.stdout, 120))
            raise UsageError(
                f"sbatch --parsable was expected to print a job id, but printed {said}"
            )
        return ids[0]

    def queue(self) -> list[ArrayTask] | None:
        """Return the tasks in squeue, one line for each."""
        done = _run(["squeue", "-h", "-a", "-r", "-u", str(os.geteuid()), "-o", "%F|%K|%T|%r|%j"])
        if done.returncode:
            return None
        return [task for line in done.stdout.splitlines() if (task := _task_in(line))]

    def living(self, job: str) -> list[ArrayTask] | None:
        """Ask scontrol, which forgets a job after some minutes, and then sacct."""
        done = _run(["scontrol", "-o", "show", "job", job])
        if not done.returncode:
            known = (_fields(line) for line in done.stdout.splitlines() if "JobState=" in line)
            names = ("ArrayTaskId", "JobState", "JobName")
            return _living(job, ([each.get(name, "") for name in names] for each in known))
        columns = "JobID,State,JobName"
        asked = _run(["sacct", "-n", "-P", "-X", "-j", job, "-o", columns])
        if not asked.returncode and asked.stdout.strip():
            rows = (line.split("|", 2) for line in asked.stdout.strip().splitlines())
            own = ((row[0].partition("_")[2], *row[1:]) for row in rows if len(row) == 3)
            return _living(job, own)
        return [] if _FORGOTTEN.search(done.stdout + done.stderr) else None

    def cancel(self, jobs: Iterable[str]) -> None:
        """Cancel jobs with scancel."""
        ids = list(jobs)
        for start in range(0, len(ids), _MOST_IDS):
            _run(["scancel", *ids[start : start + _MOST_IDS]])

    def ending(self, job: str, index: int) -> Ending | None:
        """Ask scontrol, which forgets a job after some minutes, and then sacct."""
        which = f"{job}_{index}"
        done = _run(["scontrol", "-o", "show", "job", which])
        if not done.returncode and "JobState=" in done.stdout:
            last = done.stdout.strip().splitlines()[-1]  # a job that was requeued has several
            known = _fields(last)
            names = ("JobState", "ExitCode", "NodeList", "TimeLimit")
            return _ending(*(known.get(name, "") for name in names))
        columns = "State,ExitCode,NodeList,Timelimit"
        asked = _run(["sacct", "-n", "-P", "-X", "-j", which, "-o", columns])
        lines = asked.stdout.strip().splitlines()
        if not asked.returncode and lines:
            return _ending(*lines[-1].split("|"))
        is_forgotten = _FORGOTTEN.search(done.stdout + done.stderr)
        return Ending() if is_forgotten or not done.returncode else None


def _fields(line: str) -> dict[str, str]:
    return dict(word.split("=", 1) for word in line.split() if "=" in word)


def _living(job: str, rows: Iterable[Sequence[str]]) -> list[ArrayTask]:
    """Return the tasks in rows of indices, state and name, but for those that have ended."""
    return [
        ArrayTask(job=job, index=index, name=name, state=state.partition(" ")[0])
        for indices, state, name in rows
        if state.partition(" ")[0] not in _OVER
        for index in _indices(indices)
    ]


def _indices(text: str) -> list[int]:
    """Return the indices that Slurm writes for some tasks of an array.

    >>> _indices("[1-3,7%2]"), _indices("0-4:2"), _indices("5")
    ([1, 2, 3, 7], [0, 2, 4], [5])
    """
    found: list[int] = []
    for first, last, step in _INDICES.findall(text.partition("%")[0]):
        found += range(int(first), int(last or first) + 1, int(step or 1))
    return found


def _errors(text: str) -> str:
    """Return the errors of sbatch as one line.

    >>> _errors("sbatch: error: no partition a")
    'no partition a'
    """
    lines = (line.strip().removeprefix("sbatch: ") for line in text.splitlines())
    return "; ".join(line.removeprefix("error: ") for line in lines if line)


def _ending(state: str = "", exit_code: str = "", node: str = "", time_limit: str = "") -> Ending:
    """Return the end in the words of scontrol or sacct, such as ``CANCELLED by 0``."""
    return Ending(
        state=state.partition(" ")[0],
        exit_code=exit_code,
        node="" if node in _NO_NODE else node,
        time_limit=time_limit,
    )


def _task_in(line: str) -> ArrayTask | None:
    """Return the task in a line of squeue; None for another line."""
    found = _LINE.fullmatch(line)
    if found is None:
        return None
    job, index, state, reason, name = found.groups()
    number = -1 if index == "N/A" else int(index)
    return ArrayTask(job=job, index=number, name=name, state=state, reason=reason)


def _run(words: Sequence[str], text: str = "") -> "subprocess.CompletedProcess[str]":
    """Run a command; one that is not here, or does not answer, counts as failed."""
    try:
        return subprocess.run(
            words,
            input=text,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS,
            check=False,
            env=slurm_environment.for_script(os.environ, text)
            if text
            else {**slurm_environment.for_questions(os.environ), **_WHOLE_LISTS},
        )
    except FileNotFoundError:
        return subprocess.CompletedProcess(words, _NOT_FOUND, "", f"{words[0]} is not here")
    except OSError as error:  # no memory for a process, for instance
        return subprocess.CompletedProcess(words, 1, "", f"{words[0]}: {error.strerror}")
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(words, 1, "", f"no answer in {_SECONDS:g} s")
