"""What can be wrong with a data set: it cannot be had, or files of it are damaged or missing."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_FETCH_AGAIN = "delete it and fetch it again"


class DataError(RuntimeError):
    """A data set cannot be used; the message is one line and says what to do."""


class DataWarning(UserWarning):
    """Something about a data set that its user should know, and that may be as it should."""


class DataUnavailableError(DataError):
    """Neither on disk nor downloadable; the message says where to put which files."""


class DataCorruptError(DataError):
    """A file is damaged, or is not what its name says.

    Args:
        path: The file itself: the cure is about it, and what lies next to it may be good.
        problem: What was expected and what came.
        cure: What to do with `path`.
    """

    def __init__(self, path: Path, problem: str, cure: str = _FETCH_AGAIN) -> None:
        super().__init__(f"{path} is corrupt ({problem}): {cure}")
        self.path = path
        self.problem = problem
        self.cure = cure

    def __reduce__(self) -> tuple[type["DataCorruptError"], tuple[Path, str, str]]:
        return type(self), (self.path, self.problem, self.cure)


class DataIncompleteError(DataError):
    """Files of a data set were laid down, and some are missing.

    Args:
        folder: Where they are missing.
        missing: Their names.
    """

    def __init__(self, folder: Path, missing: str) -> None:
        super().__init__(f"{folder} has no {missing}: put it there")
        self.folder = folder
        self.missing = missing

    def __reduce__(self) -> tuple[type["DataIncompleteError"], tuple[Path, str]]:
        return type(self), (self.folder, self.missing)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn whatever goes wrong while `path` is read into a DataCorruptError that names it."""
    try:
        yield
    except (DataError, FileNotFoundError, PermissionError, MemoryError):
        raise
    except Exception as error:  # gzip, pyarrow, pillow and pickle raise each their own
        words = " ".join(str(error).split()) or type(error).__name__
        raise DataCorruptError(path, words[:200]) from error
