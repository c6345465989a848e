"""Collection of the warnings of an optimizer and of torch's compiler, instead of printing them."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_COMPILER = "torch._dynamo"  # logs, rather than warns, that it gave up and runs uncompiled


@contextmanager
def noting() -> Iterator[list[str]]:
    """Collect warnings, each once and in one line.

    Yields:
        The list that holds the warnings afterwards.
    """
    notes: list[str] = []
    handler = _Gathering(notes)
    logger = logging.getLogger(_COMPILER)
    logger.addHandler(handler)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield notes
    finally:
        logger.removeHandler(handler)
    notes += [one_line(str(each.message)) for each in caught]
    notes[:] = dict.fromkeys(notes)


def one_line(text: str) -> str:
    """Return `text` without line breaks."""
    return " ".join(text.split())


class _Gathering(logging.Handler):
    def __init__(self, notes: list[str]) -> None:
        super().__init__(level=logging.WARNING)
        self._notes = notes

    def emit(self, record: logging.LogRecord) -> None:
        self._notes.append(record.getMessage().splitlines()[0])  # what follows is advice
