"""The memory that this process can still get. Nothing here loads torch."""

import math
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_PROC = Path("/proc")
_GROUPS = Path("/sys/fs/cgroup")


def free_memory(proc: Path = _PROC, groups: Path = _GROUPS) -> float:
    """Return the bytes of memory that this process can still get; infinite if unknown.

    On Linux a container, or a task of Slurm, may have less than the machine: the tightest limit of
    the control groups above this process counts. Elsewhere it is half of the machine's memory.

    Args:
        proc: Folder of the system's processes.
        groups: Folder of the control groups, of version 2.
    """
    try:
        lines = (proc / "meminfo").read_text().splitlines()
        [free] = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    except (OSError, ValueError):  # no Linux
        return _half_of_the_machine()
    limits = [*_left_in_groups(proc, groups), *_allotted_by_slurm()]
    return max(0.0, min([1024.0 * int(free), *limits]))


def _left_in_groups(proc: Path, groups: Path) -> Iterator[float]:
    """Yield what is left below the limit of each group above this process."""
    own = ""
    with suppress(OSError):
        for line in (proc / "self" / "cgroup").read_text().splitlines():
            if line.startswith("0::"):
                own = line.removeprefix("0::").strip("/")
    folder = groups / own
    for each in (folder, *folder.parents):
        with suppress(OSError, ValueError):  # no limit: "max"
            limit = int((each / "memory.max").read_text())
            yield float(limit - int((each / "memory.current").read_text()))
        if each == groups:
            return


def _allotted_by_slurm() -> Iterator[float]:
    """Yield the memory of this task of Slurm, which some sites enforce without control groups."""
    words = os.environ.get("SLURM_MEM_PER_NODE", "")
    if words.isdecimal() and int(words):  # 0 is all of the node
        yield 2.0**20 * int(words)


def _half_of_the_machine() -> float:
    names = getattr(os, "sysconf_names", {})
    if {"SC_PHYS_PAGES", "SC_PAGE_SIZE"} <= set(names):
        return 0.5 * os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return math.inf
