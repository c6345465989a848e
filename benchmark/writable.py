"""Folders that a study writes to: made, or refused in one line."""

import errno
import os
from pathlib import Path

from benchmark.errors import UsageError

_UNWRITABLE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENOTDIR)


def make_folders(*folders: Path | None) -> None:
    """Make the folders that do not exist yet.

    Raises:
        UsageError: a folder cannot be made.
    """
    for folder in folders:
        try:
            if folder is not None:
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"folder {folder} cannot be made: {error.strerror}") from None


def check_writable(folder: Path) -> None:
    """Check that files can be written in a folder, or in the nearest that exists, and leave none.

    Raises:
        UsageError: they cannot.
        OSError: something else is wrong, such as a full disk.
    """
    from tempfile import TemporaryFile

    nearest = next(path for path in (folder, *folder.absolute().parents) if os.path.lexists(path))
    try:
        with TemporaryFile(dir=nearest):
            pass
    except OSError as error:
        if error.errno not in _UNWRITABLE:
            raise
        doing = "written" if nearest == folder else "made"
        raise UsageError(f"folder {folder} cannot be {doing}: {error.strerror}") from None
