"""The console that verbs print on."""

from rich.console import Console

_PIPE_WIDTH = 100  # of tables that go into a file


def console(*, stderr: bool = False) -> Console:
    """Return the console of all verbs, wide enough for the tables where its output is no screen."""
    found = Console(stderr=stderr, highlight=False)
    if found.is_terminal:
        return found
    return Console(stderr=stderr, highlight=False, width=max(found.width, _PIPE_WIDTH))
