"""Files that are written beside their place and put there whole: a full disk leaves the old one."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a name beside `path`; what is written there takes its place when the block ends.

    If the block raises, `path` is as it was, and what was written is gone. What is no regular
    file, such as ``/dev/stdout``, is written directly; a link stays one.

    Raises:
        OSError: there is no room or no right to write; the message names `path`.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        with _naming(path):
            yield path
        return
    temporary = target.with_name(f"{target.name}.{os.getpid()}.tmp")
    try:
        with _naming(path):
            yield temporary
            _settle(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path`, whole or not at all.

    Raises:
        OSError: there is no room or no right to write; the message names `path`.
    """
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def _settle(temporary: Path, target: Path) -> None:
    """Put the file in its place when the disk has it all, with the rights that the old one had."""
    with temporary.open("rb") as file:
        os.fsync(file.fileno())
    if target.exists():
        shutil.copymode(target, temporary)
    temporary.replace(target)


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Let errors of the system name `path`, not what stands in for it."""
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise
        raise OSError(error.errno, os.strerror(error.errno), str(path)) from error
