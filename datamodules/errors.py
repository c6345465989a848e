"""Errors of data sets: unavailable, damaged or incomplete.

::

    DataError                  exit code 3 if it reaches the command line
    ├── DataUnavailableError   neither on disk nor downloadable
    ├── DataCorruptError       a file that is damaged or not what its name says
    └── DataIncompleteError    put in place by hand, with some files missing
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_FETCH_AGAIN = "delete it and fetch it again"


class DataError(RuntimeError):
    """A data set cannot be used; the message is one line and says what to do."""


class DataWarning(UserWarning):
    """A property of a data set that its user should know and that may be intended."""


class DataUnavailableError(DataError):
    """A data set that is neither on disk nor downloadable; the message says where to put files."""


class DataCorruptError(DataError):
    """A file that is damaged or does not hold what its name says.

    Args:
        path: The file itself, not its folder, because other files there may be good.
        problem: Expected and actual content.
        cure: Advice on what to do with `path`.
    """

    def __init__(self, path: Path, problem: str, cure: str = _FETCH_AGAIN) -> None:
        super().__init__(f"{path} is corrupt ({problem}): {cure}")
        self.path = path
        self.problem = problem
        self.cure = cure

    def __reduce__(self) -> tuple[type["DataCorruptError"], tuple[Path, str, str]]:
        return type(self), (self.path, self.problem, self.cure)


class DataIncompleteError(DataError):
    """A data set that was put in place by hand with some files missing.

    Args:
        folder: Folder in which files are missing.
        missing: Names of the missing files.
    """

    def __init__(self, folder: Path, missing: str) -> None:
        super().__init__(f"{folder} has no {missing}: put it there")
        self.folder = folder
        self.missing = missing

    def __reduce__(self) -> tuple[type["DataIncompleteError"], tuple[Path, str]]:
        return type(self), (self.folder, self.missing)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn any error while `path` is read into a DataCorruptError that names it."""
    try:
        yield
    except (DataError, FileNotFoundError, PermissionError, MemoryError):
        raise
    except Exception as error:  # gzip, pyarrow, pillow and pickle raise different types
        words = " ".join(str(error).split()) or type(error).__name__
        raise DataCorruptError(path, words[:200]) from error
