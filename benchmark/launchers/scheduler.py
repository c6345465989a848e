"""The commands of Slurm that the launcher needs: submit, look, cancel, ask why.

No accounting database and no Python library of Slurm is assumed, only ``sbatch``, ``squeue``,
``scancel`` and ``scontrol``.
"""

import getpass
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from benchmark.errors import UsageError

_SECONDS = 120.0  # for a command; a busy controller answers late
_MOST_IDS = 500  # job ids on one command line
_USUAL_ARRAY = 1001  # Slurm's MaxArraySize unless a site changes it
_WAITING = frozenset({"PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD"})


class SubmitError(Exception):
    """An error: Slurm does not take a job now; the message is that of sbatch."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """One task of an array job that Slurm has in its queue.

    Args:
        job: Id of the array job.
        index: Index in the array.
        name: Name of the job.
        state: Slurm's name of the state, such as ``RUNNING``.
    """

    job: str
    index: int
    name: str
    state: str

    @property
    def has_started(self) -> bool:
        """The task is running, or was and is ending."""
        return self.state not in _WAITING


class Scheduler(Protocol):
    """What the launcher asks of Slurm."""

    def most_tasks(self) -> int:
        """Return the greatest number of tasks of one array job."""

    def submit(self, script: str) -> str:
        """Submit a batch script, and return the job's id.

        Raises:
            SubmitError: Slurm does not take it.
        """

    def queue(self) -> list[Task] | None:
        """Return the tasks of this user that wait or run; None if Slurm does not answer."""

    def cancel(self, jobs: Iterable[str]) -> None:
        """Cancel array jobs; those that have ended are ignored."""

    def ending(self, job: str, index: int) -> Mapping[str, str]:
        """Return what Slurm still knows of an ended task, by the names of scontrol; or nothing."""


class Slurm:
    """The Slurm of this machine, by its commands.

    Raises:
        UsageError: the commands of Slurm are not here.
    """

    def __init__(self) -> None:
        try:
            _run(["sbatch", "--version"])
        except FileNotFoundError:
            raise UsageError(
                "--launcher slurm needs sbatch, which is not here: run this command on a login "
                "node of the cluster"
            ) from None

    def most_tasks(self) -> int:
        """Return MaxArraySize, which limits the highest index and is 1,001 by default."""
        done = _run(["scontrol", "show", "config"])
        found = re.search(r"^MaxArraySize\s*=\s*(\d+)", done.stdout, re.MULTILINE)
        return max(1, int(found[1]) if found else _USUAL_ARRAY)

    def submit(self, script: str) -> str:
        """Submit a batch script with sbatch."""
        done = _run(["sbatch", "--parsable"], script)
        if done.returncode:
            raise SubmitError(" ".join(done.stderr.split()) or f"exit code {done.returncode}")
        return done.stdout.strip().partition(";")[0]

    def queue(self) -> list[Task] | None:
        """Return the tasks in squeue, one line for each."""
        done = _run(["squeue", "-h", "-r", "-u", getpass.getuser(), "-o", "%F|%K|%T|%j"])
        if done.returncode:
            return None
        return [task for line in done.stdout.splitlines() if (task := _task_in(line))]

    def cancel(self, jobs: Iterable[str]) -> None:
        """Cancel jobs with scancel."""
        ids = list(jobs)
        for start in range(0, len(ids), _MOST_IDS):
            _run(["scancel", *ids[start : start + _MOST_IDS]])

    def ending(self, job: str, index: int) -> Mapping[str, str]:
        """Ask scontrol, which forgets a job after some minutes, and then sacct."""
        which = f"{job}_{index}"
        done = _run(["scontrol", "-o", "show", "job", which])
        if not done.returncode and done.stdout.strip():
            last = done.stdout.strip().splitlines()[-1]  # a job that was requeued has several
            return dict(word.split("=", 1) for word in last.split() if "=" in word)
        names = ("JobState", "ExitCode", "NodeList")
        asked = ["sacct", "-n", "-P", "-X", "-j", which, "-o", "State,ExitCode,NodeList"]
        try:
            done = _run(asked)
        except FileNotFoundError:
            return {}
        lines = done.stdout.strip().splitlines()
        return (
            {}
            if done.returncode or not lines
            else dict(zip(names, lines[-1].split("|"), strict=False))
        )


def _task_in(line: str) -> Task | None:
    """Return the task in a line of squeue; None for a job that is no array."""
    job, index, state, name = line.split("|", 3)
    if not index.isdecimal():
        return None
    return Task(job=job, index=int(index), name=name, state=state)


def _run(words: Sequence[str], text: str = "") -> "subprocess.CompletedProcess[str]":
    try:
        return subprocess.run(
            words, input=text, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(words, 1, "", f"no answer in {_SECONDS:g} s")
