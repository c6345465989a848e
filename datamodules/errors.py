"""What can be wrong with a data set: it cannot be had, or a file of it is damaged."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class DataUnavailableError(RuntimeError):
    """Neither on disk nor downloadable; the message says where to put which files."""


class DataCorruptError(RuntimeError):
    """A file is damaged; the message names it and the cure."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"{path} is corrupt ({problem}): delete it and fetch it again")
        self.path = path
        self.problem = problem

    def __reduce__(self) -> tuple[type["DataCorruptError"], tuple[Path, str]]:
        return type(self), (self.path, self.problem)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn whatever goes wrong while `path` is read into a DataCorruptError that names it."""
    try:
        yield
    except (DataCorruptError, FileNotFoundError, PermissionError, MemoryError):
        raise
    except Exception as error:  # gzip, pyarrow, pillow and pickle raise each their own
        words = " ".join(str(error).split()) or type(error).__name__
        raise DataCorruptError(path, words[:200]) from error
