"""Standard output and error streams on which printing never fails, so that it cannot end a run.

The reader may have left, as `head` does; the disk may be full, the stream closed, or the terminal
limited to fewer characters. Text that cannot be written is left out, or written in simpler
characters.
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
    """Replace ``sys.stdout`` and ``sys.stderr`` by streams that never fail, for the block."""
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
    """A text stream whose methods for writing raise nothing.

    Args:
        stream: The stream to write to until it fails; None discards all text.
        errors: Stream for one warning about the failure; a closed pipe gives no warning.
    """

    def __init__(self, stream: TextIO | None, errors: "_Lasting | None") -> None:
        self._broken = stream is None
        self._stream = stream or io.StringIO()
        self._errors = errors
        self.encoding = getattr(stream, "encoding", None) or "utf-8"
        self.errors = "replace"  # as `write` does it

    def write(self, text: str | bytes) -> int:
        """Write `text` as far as possible; bytes are accepted because click writes them."""
        words = text if isinstance(text, str) else text.decode(self.encoding, "replace")
        self._attempt(lambda: self._stream.write(self._writable(words)))
        return len(text)

    def writelines(self, lines: list[str]) -> None:
        """Write all lines."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Flush the underlying stream, if it still works."""
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
        """Return True: text that cannot be written is left out."""
        return True

    def readable(self) -> bool:
        """Return False."""
        return False

    @property
    def closed(self) -> bool:
        """False, always: the stream stays usable."""
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
        """Discard the buffered text; otherwise it would raise when Python exits."""
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)


def _fill_closed_descriptors() -> None:
    """Open those of the descriptors 0 to 2 that are closed on ``/dev/null``.

    Otherwise the next file that is opened would get such a descriptor, and printed text would go
    into that file.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
