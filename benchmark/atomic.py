"""Files that are replaced atomically: if a write fails, as on a full disk, the old file stays."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex


@contextmanager
def replacing(path: Path, *, is_lasting: bool = True) -> Iterator[Path]:
    """Yield the path of a temporary file, which replaces `path` when the block ends.

    Args:
        path: The file to replace.
        is_lasting: Wait until the content is on disk. Without this, a crash of the machine may
            leave an empty file.

    If the block raises, `path` is unchanged and the temporary file is removed. A special file,
    such as ``/dev/stdout``, is written directly. A link stays a link.

    Raises:
        OSError: the disk is full, or writing is not permitted; the message names `path`.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        with naming(path):
            yield path
        return
    temporary = target.with_name(f"{target.name}.{os.getpid()}.{token_hex(4)}.tmp")
    try:
        with naming(path):
            yield temporary
            _settle(temporary, target, is_lasting=is_lasting)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path`, whole or not at all.

    Raises:
        OSError: the disk is full, or writing is not permitted; the message names `path`.
    """
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def _settle(temporary: Path, target: Path, *, is_lasting: bool) -> None:
    """Flush the file to disk, then move it to its place with the permissions of the old file."""
    if is_lasting:
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
    if target.exists():
        shutil.copymode(target, temporary)
    temporary.replace(target)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Make errors of the system name `path`, not a temporary file or nothing."""
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise
        raise OSError(error.errno, os.strerror(error.errno), str(path)) from error
