"""The rows of a trial's log, read as they are appended."""

import os
import stat
from pathlib import Path

from benchmark.decode import Row, decode_rows, whole_lines
from benchmark.errors import Misfit

_MOST_BYTES = 16_000_000  # read in one call; the next call reads on from there


class Tail:
    """A reader of a growing log, from its start; every row is returned once.

    The file stays open, so that a log that replaces it is never mixed with it.

    Args:
        path: The ``metrics.jsonl``, which need not exist yet.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None
        self._rest = b""

    def rows(self) -> list[Row]:
        """Return the rows that were appended since the last call; an incomplete line has to wait.

        Raises:
            Misfit: a line is not a row, or the file is no regular file.
        """
        text = self._rest + self._read()
        end = text.rfind(b"\n") + 1
        self._rest = text[end:]
        return decode_rows(text[:end])

    def last_rows(self) -> list[Row]:
        """Return all remaining rows of a log that no longer grows, and close it.

        Raises:
            Misfit: a line is not a row, or the file is no regular file.
        """
        text = self._rest
        while more := self._read():
            text += more
        self._rest = b""
        self.close()
        return decode_rows(whole_lines(text))

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _read(self) -> bytes:
        try:
            if self._file is None:
                self._file = _open(self._path)
            return os.read(self._file, _MOST_BYTES)
        except (FileNotFoundError, NotADirectoryError):
            return b""
        except OSError as error:
            raise Misfit(f"it cannot be read: {error.strerror}") from None


def _open(path: Path) -> int:
    """Return a file descriptor of a regular file; opening a pipe would block."""
    file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise Misfit("it is no regular file")
    return file
