"""Claims: files that give a trial to one process at a time, also over a network file system.

A claim is the file ``.claim`` in the trial's folder. Its exclusive creation decides between
processes, which holds on NFS, where ``flock`` may exclude only processes of one machine. The file
names its holder, and a thread of the holder renews its time. A claim is stale, and is taken over,
if its holder was a process of this machine that has ended, or if its time is older than
`LEASE_SECONDS`. All times are those of the file system, so clocks of machines may differ.

A process that is suspended for longer than that loses its claim without noticing. So whoever
commits a result first asks `is_ours`.
"""

import json
import os
import secrets
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from benchmark.errors import ClaimedError

FILE = ".claim"
LEASE_SECONDS = 300.0  # without a sign of life; NFS may show the time of a file a minute late
_RENEWALS = 10  # in each lease
_FIRST_WAIT, _LONGEST_WAIT, _GROWTH = 0.05, 2.0, 1.5  # seconds between two looks at a held claim
_MOST_BYTES = 2_000


@dataclass(frozen=True, kw_only=True)
class Holder:
    """The process that has a claim, as its file names it.

    Args:
        host: Name of the machine.
        place: Identity of the running system in which `pid` has a meaning: a restart, or another
            container, makes another.
        pid: Process id.
        start: Start of the process in clock ticks since that of the system; 0 if unknown. It tells
            the process from a later one with its id.
        token: Random word, which no two claims share.
    """

    host: str
    place: str
    pid: int
    start: int
    token: str

    def __str__(self) -> str:
        return f"process {self.pid} of {self.host}"

    def is_dead(self) -> bool:
        """Return whether this was a process of this machine that has ended."""
        if self.place != _place():
            return False
        found = _start_of(self.pid)
        return found is None or (0 not in (found, self.start) and found != self.start)


@contextmanager
def claimed(folder: Path, *, wait: bool = True) -> Iterator[None]:
    """Claim `folder`, which exists, for this process until the block ends.

    Args:
        folder: The folder of the trial.
        wait: Wait while another process has the claim.

    Raises:
        ClaimedError: another process has the claim, and `wait` is False.
    """
    holder = _taken(folder, wait=wait)
    over = threading.Event()
    threading.Thread(target=_renew, args=(folder, holder, over), daemon=True).start()
    try:
        yield
    finally:
        over.set()
        if holder.pid == os.getpid() and holder_of(folder) == holder:  # not in a forked process
            (folder / FILE).unlink(missing_ok=True)


def is_ours(folder: Path) -> bool:
    """Return whether this process has the claim of `folder`."""
    holder = holder_of(folder)
    here = (_place(), os.getpid())
    return holder is not None and (holder.place, holder.pid) == here and not holder.is_dead()


def holder_of(folder: Path) -> Holder | None:
    """Return the holder of the claim of `folder`; None if there is no claim, or no whole one."""
    return _read(folder / FILE)


def _taken(folder: Path, *, wait: bool) -> Holder:
    pause = _FIRST_WAIT
    while (holder := _created(folder)) is None:
        if end_stale(folder):
            continue
        if not wait:
            raise ClaimedError(str(holder_of(folder) or "another process"))
        time.sleep(pause)
        pause = min(pause * _GROWTH, _LONGEST_WAIT)
    return holder


def _created(folder: Path) -> Holder | None:
    """Create the claim and return its holder; return None if there is one already."""
    holder = Holder(
        host=socket.gethostname(),
        place=_place(),
        pid=os.getpid(),
        start=_start_of(os.getpid()) or 0,
        token=secrets.token_hex(16),
    )
    try:
        file = os.open(folder / FILE, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
    except FileExistsError:
        return None
    try:
        os.write(file, (json.dumps(vars(holder)) + "\n").encode())
    except OSError:  # the disk is full
        (folder / FILE).unlink(missing_ok=True)
        raise
    finally:
        os.close(file)
    return holder


def _renew(folder: Path, holder: Holder, over: threading.Event) -> None:
    while not over.wait(LEASE_SECONDS / _RENEWALS):
        with suppress(OSError):  # the next renewal may succeed
            if (found := holder_of(folder)) is not None and found != holder:
                return
            os.utime(folder / FILE)


def end_stale(folder: Path) -> bool:
    """End the claim if it is stale; return whether the folder may be free now.

    The file is renamed first, which succeeds for one process only. If another process has taken
    the claim over since it was found to be stale, the file turns out to be a new one and is put
    back.
    """
    stale = _stale_claim(folder)
    if stale is None:
        return not os.path.lexists(folder / FILE)
    aside = folder / f"{FILE}.{secrets.token_hex(8)}.tmp"  # `.tmp`: the next attempt clears it
    if _identity(folder / FILE) != stale:
        return True
    try:
        (folder / FILE).rename(aside)
    except FileNotFoundError:
        return True
    if _identity(aside) == stale:
        with suppress(OSError):  # a folder, which somebody has put there
            aside.unlink()
        return True
    with suppress(OSError):  # its holder finds the loss when it commits
        os.link(aside, folder / FILE)
    with suppress(OSError):
        aside.unlink()
    return False


def _stale_claim(folder: Path) -> tuple[Any, ...] | None:
    """Return the identity of the claim if it is stale."""
    path = folder / FILE
    with suppress(OSError):
        found, holder, status = _identity(path), _read(path), path.lstat()
        if holder is not None and holder.is_dead():
            return found
        is_here = holder is not None and holder.place == _place()
        if not is_here and _now(folder) - status.st_mtime > LEASE_SECONDS:
            return found
    return None


def _identity(path: Path) -> tuple[Any, ...] | None:
    """Return values that differ between any two claims, and change when one is renewed."""
    with suppress(OSError):
        status = path.lstat()
        holder = _read(path)
        return status.st_ino, status.st_mtime_ns, holder and holder.token
    return None


def _now(folder: Path) -> float:
    """Return the time of the file system, from a file that is made for this."""
    probe = folder / f"{FILE}.{secrets.token_hex(8)}.tmp"
    try:
        with probe.open("x") as file:
            return os.fstat(file.fileno()).st_mtime
    finally:
        probe.unlink(missing_ok=True)


def _read(path: Path) -> Holder | None:
    """Return the holder in a file; None if there is none, as in a file of an earlier version."""
    with suppress(OSError, ValueError, TypeError):
        if not path.is_file():  # reading a pipe might never end
            return None
        with path.open("rb") as file:
            fields = json.loads(file.read(_MOST_BYTES))
        holder = Holder(**fields)
        wanted = (str, str, int, int, str)
        if all(isinstance(v, kind) for v, kind in zip(vars(holder).values(), wanted, strict=True)):
            return holder
    return None


@cache
def _place() -> str:
    """Return the identity of the running system and, in a container, of its process ids."""
    words = [socket.gethostname()]
    if sys.platform == "linux":
        with suppress(OSError):
            words.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
            words.append(str(Path("/proc/self/ns/pid").stat().st_ino))
    return " ".join(words)


def _start_of(pid: int) -> int | None:
    """Return the start of a living process, 0 if it is unknown; None if there is no such process.

    A zombie has ended.
    """
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except (OSError, OverflowError):
        return 0
    with suppress(OSError, ValueError, IndexError):
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        return None if fields[0] in "ZX" else int(fields[19])  # proc(5): starttime is the 22nd
    return 0
