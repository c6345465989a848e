"""The processes below a process: found, adopted and ended, whatever they do to get away.

A worker leads a process group of its own, which holds all that it forks. What leaves the group
stays below the worker on Linux, where a process can adopt the orphans of those below it.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


def lead_group() -> None:
    """Make this process the leader of a group, away from the terminal's, and adopt orphans."""
    os.setsid()
    adopt_orphans()


def adopt_orphans() -> None:
    """Become the parent of every process below this one whose own parent ends (Linux)."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # a C library without prctl
            ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def children(pid: int) -> set[int]:
    """Return whose parent `pid` is; zombies and, without /proc, all are left out."""
    return {child for child, parent in _parents().items() if parent == pid}


def descendants(pid: int) -> set[int]:
    """Return all processes below `pid`; zombies and, without /proc, all are left out."""
    parents = _parents()
    found: set[int] = set()
    front = {pid}
    while front:
        front = {child for child, parent in parents.items() if parent in front} - found
        found |= front
    return found


def tell(leader: int, signum: signal.Signals) -> None:
    """Send a signal to the group of a living `leader`, or to it alone if it leads none yet."""
    try:
        os.killpg(leader, signum)
    except (ProcessLookupError, PermissionError):
        _send(leader, signum)


def kill_all(leaders: Iterable[int]) -> None:
    """Kill living `leaders`, their groups, and whatever else is below them."""
    for leader in leaders:
        for pid in descendants(leader):  # first, for the leader may be the calling process
            _send(pid, signal.SIGKILL)
        tell(leader, signal.SIGKILL)


def kill_group(leader: int) -> None:
    """Kill what is left of a group whose leader has ended, or is taken to have."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def _send(pid: int, signum: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signum)


def _parents() -> dict[int, int]:
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, ValueError, IndexError):
            state, parent = path.read_text(errors="replace").rpartition(")")[2].split()[:2]
            if state not in "ZX":
                found[int(path.parent.name)] = int(parent)
    return found
