"""The descendants of a process: how to find, adopt and end them, even if they detach themselves.

A worker leads a process group of its own, to which the processes that it forks belong. On Linux
a process can adopt orphaned descendants, so a process that leaves the group stays a descendant of
the worker.
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
    """Make this process the leader of a new group, outside the terminal's, and adopt orphans."""
    os.setsid()
    adopt_orphans()


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends (Linux only)."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # a C library without prctl
            ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def children(pid: int) -> set[int]:
    """Return the children of `pid`, without zombies; the set is empty on systems without /proc."""
    return {child for child, parent in _parents().items() if parent == pid}


def descendants(pid: int) -> set[int]:
    """Return all descendants of `pid`, without zombies; empty on systems without /proc."""
    parents = _parents()
    found: set[int] = set()
    front = {pid}
    while front:
        front = {child for child, parent in parents.items() if parent in front} - found
        found |= front
    return found


def tell(leader: int, signum: signal.Signals) -> None:
    """Send a signal to the group of a living `leader`, or only to it if it leads no group yet."""
    try:
        os.killpg(leader, signum)
    except (ProcessLookupError, PermissionError):
        _send(leader, signum)


def kill_all(leaders: Iterable[int]) -> None:
    """Kill living `leaders`, their groups, and all their other descendants."""
    for leader in leaders:
        for pid in descendants(leader):  # before the leader, which may be the calling process
            _send(pid, signal.SIGKILL)
        tell(leader, signal.SIGKILL)


def kill_group(leader: int) -> None:
    """Kill the rest of a group whose leader has ended or is assumed to have ended."""
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
