"""The console that verbs print on."""

from rich.console import Console

_PIPE_WIDTH = 100  # columns of a table that is written to a file


def console(*, stderr: bool = False) -> Console:
    """Return a console for the output of verbs, wide enough for tables if it is not a terminal."""
    found = Console(stderr=stderr, highlight=False)
    if found.is_terminal:
        return found
    return Console(stderr=stderr, highlight=False, width=max(found.width, _PIPE_WIDTH))
