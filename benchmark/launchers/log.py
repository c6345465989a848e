"""The output of a trial, ``log.txt``, whose size is bounded however much a plug-in prints."""

import threading
from contextlib import suppress
from pathlib import Path

MOST_BYTES = 10_000_000
_HEAD_BYTES = 1_000_000  # for the first error
_TAIL_BYTES = 4_000_000  # for the last error
_MARK = b"\n... the middle of this log is left out ...\n"
_SECONDS_BETWEEN_LOOKS = 0.2
_LOCK = threading.Lock()


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


def keep_bounded(path: Path) -> None:
    """Keep the log at `path` bounded until this process ends."""
    ends = threading.Event()

    def watch() -> None:
        with suppress(FileNotFoundError):  # an empty log is removed at the end of a trial
            while not ends.wait(_SECONDS_BETWEEN_LOOKS):
                bound_log(path)

    threading.Thread(target=watch, daemon=True).start()
