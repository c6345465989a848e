"""Standard output and errors that last: nothing that is printed can end what it tells of.

A reader that has gone, as `head` does, a full disk, a closed stream, a terminal that knows fewer
characters: what cannot be written is left out, or written in other characters.
"""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO, cast

_PLAIN = str.maketrans(
    {"★": "*", "·": "-", "×": "x", "±": "+-", "—": "-", "–": "-", "…": "...", "→": "->", "‖": "||"}
    | {"−": "-", "≥": ">=", "≤": "<=", "²": "^2", "’": "'", "“": '"', "”": '"'}
    | dict(zip("▁▂▃▄▅▆▇█", "_.,-=+*#", strict=True))
)


@contextmanager
def lasting_streams() -> Iterator[None]:
    """Make ``sys.stdout`` and ``sys.stderr`` last to the end of the block."""
    before = sys.stdout, sys.stderr
    _fill_closed_descriptors()
    errors = _Lasting(before[1], None)
    out = _Lasting(before[0], errors)
    sys.stdout, sys.stderr = cast(TextIO, out), cast(TextIO, errors)
    try:
        yield
    finally:
        out.flush()
        errors.flush()
        sys.stdout, sys.stderr = before


class _Lasting:
    """A text stream that raises nothing when it is written to.

    Args:
        stream: Where text goes, as long as that takes any; None for nowhere.
        errors: Where it is said, once, that it takes no more; nothing is said of a closed pipe.
    """

    def __init__(self, stream: TextIO | None, errors: "_Lasting | None") -> None:
        self._broken = stream is None
        self._stream = stream or io.StringIO()
        self._errors = errors
        self.encoding = getattr(stream, "encoding", None) or "utf-8"
        self.errors = "replace"  # as `write` does it

    def write(self, text: str | bytes) -> int:
        """Write `text`, or as much of it as can be; click hands over bytes too."""
        words = text if isinstance(text, str) else text.decode(self.encoding, "replace")
        self._attempt(lambda: self._stream.write(self._writable(words)))
        return len(text)

    def writelines(self, lines: list[str]) -> None:
        """Write one after the other."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Hand on what was written, if anyone takes it."""
        self._attempt(self._stream.flush)

    def isatty(self) -> bool:
        """Return whether this is a terminal."""
        with suppress(Exception):
            return self._stream.isatty()
        return False

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._stream.fileno()

    def writable(self) -> bool:
        """Return True: what cannot be written is left out."""
        return True

    def readable(self) -> bool:
        """Return False."""
        return False

    @property
    def closed(self) -> bool:
        """False: it lasts."""
        return False

    def _writable(self, text: str) -> str:
        try:
            text.encode(self.encoding)
        except UnicodeEncodeError:
            plain = text.translate(_PLAIN)
            return plain.encode(self.encoding, "replace").decode(self.encoding)
        return text

    def _attempt(self, what: Any) -> None:
        if self._broken:
            return
        try:
            what()
        except (OSError, ValueError) as error:
            self._broken = True
            self._turn_away()
            if self._errors is not None and not isinstance(error, BrokenPipeError):
                self._errors.write(f"warning: output is cut short ({error}); all else goes on\n")

    def _turn_away(self) -> None:
        """Let what is still in the buffer go nowhere, or it would fail at the end of Python."""
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)


def _fill_closed_descriptors() -> None:
    """Open descriptors 0 to 2 on nothing where they are closed.

    Otherwise the next file that is opened would take their place, and what is printed go into it.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
