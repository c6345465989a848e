"""The output of a trial, ``log.txt``, whose size is bounded however much a plug-in prints."""

import os
import shutil
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

MOST_BYTES = 10_000_000
_HEAD_BYTES = 1_000_000  # for the first error
_TAIL_BYTES = 4_000_000  # for the last error
_MARK = b"\n... the middle of this log is left out ...\n"
_SECONDS_BETWEEN_LOOKS = 0.2
_LOCK = threading.Lock()
_OUTPUTS = (1, 2)


def bound_log(path: Path) -> None:
    """Cut the middle out of the log at `path` if it is too long; writers must append to it."""
    with _LOCK, path.open("r+b") as log:
        size = log.seek(0, 2)
        if size <= MOST_BYTES:
            return
        log.seek(size - _TAIL_BYTES)
        tail = log.read(_TAIL_BYTES)
        log.truncate(_HEAD_BYTES)
        log.seek(_HEAD_BYTES)
        log.write(_MARK + tail)


@contextmanager
def uncut() -> Iterator[None]:
    """Cut no log during the block, because what is written during a cut is lost."""
    with _LOCK:
        yield


@contextmanager
def kept_bounded(path: Path) -> Iterator[None]:
    """Keep the log at `path` bounded during the block."""
    over = threading.Event()

    def watch() -> None:
        with suppress(FileNotFoundError):  # a user's code may remove it
            while not over.wait(_SECONDS_BETWEEN_LOOKS):
                bound_log(path)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def redirect_output(path: Path) -> None:
    """Send all output of this process, and of those that it starts, to the file at `path`."""
    _flush()
    if path.is_file():  # and not a device; other trials of a pack may share the file
        path.unlink()
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o644)
    for descriptor in _OUTPUTS:
        os.dup2(log, descriptor)
    if log > max(_OUTPUTS):  # the launching process may have had no standard output
        os.close(log)


def drop_empty(path: Path) -> None:
    """Remove the log at `path` if nothing was written to it."""
    _flush()
    with suppress(OSError):  # a user's code may have removed it
        bound_log(path)
        if path.stat().st_size == 0:
            path.unlink()


def share_log(path: Path, folders: Iterable[Path]) -> None:
    """Link the log at `path`, if there is one, into `folders`; copy it where links are refused."""
    for folder in folders:
        try:
            os.link(path, folder / path.name)
        except OSError:
            with suppress(OSError):
                shutil.copyfile(path, folder / path.name)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):  # the disk is full, or other code replaced the stream
            stream.flush()
