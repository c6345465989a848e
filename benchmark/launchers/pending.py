"""Why tasks wait in Slurm's queue, and what a person can do about it."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator

from benchmark.launchers.scheduler import ArrayTask

_USUAL = frozenset({"", "None", "Priority", "Resources", "JobArrayTaskLimit"})
_CHANGE = "to change that, press Ctrl-C and give the command again with"
_ADVICE = (  # for reasons that match, the first one counts
    (
        r"TimeLimit|WallDuration",
        f"it asks for more time than is allowed; {_CHANGE} --slurm time=MINUTES, a smaller "
        "--trials-per-job, or another --slurm partition=NAME or qos=NAME",
    ),
    (r"held", "scontrol release {job} lets it start, unless an administrator holds it"),
    (
        r"^QOS|^Assoc",
        "a limit of your QOS or account; it starts once your other jobs have ended, unless one "
        f"task asks for more than sacctmgr show qos allows; {_CHANGE} another --slurm qos=NAME",
    ),
    (
        r"^Partition|^BadConstraints|^ReqNodeNotAvail|^NodeDown|^Reservation",
        "no node that it may use is there now, see sinfo; "
        f"{_CHANGE} another --slurm partition=NAME or smaller demands",
    ),
    (r"^Invalid", f"{_CHANGE} another --slurm account=NAME or qos=NAME"),
    (r"NeverSatisfied", f"it never starts; {_CHANGE} another --slurm dependency"),
)


class Reasons:
    """The reasons that were told already: each is told once for each array job."""

    def __init__(self) -> None:
        self._told: set[tuple[str, str]] = set()

    def news(self, queue: Iterable[ArrayTask], jobs: Collection[str]) -> Iterator[str]:
        """Yield a line for each new reason, except the usual ones, why tasks of `jobs` wait."""
        waiting = [task for task in queue if not task.has_started and task.job in jobs]
        number = Counter((task.job, _kind(task.reason)) for task in waiting)
        for (job, reason), count in number.items():
            if reason not in _USUAL and (job, reason) not in self._told:
                self._told.add((job, reason))
                who = (
                    f"1 task of job {job} waits"
                    if count == 1
                    else f"{count} tasks of job {job} wait"
                )
                yield f"{who}: {reason}{_advice(reason, job)}"


def _kind(reason: str) -> str:
    """Return a reason without its details, such as the names of nodes, which change often."""
    return reason.partition(",")[0].strip()


def _advice(reason: str, job: str) -> str:
    for pattern, words in _ADVICE:
        if re.search(pattern, reason, re.IGNORECASE):
            return f" ({words.format(job=job)})"
    return ""
