"""A ledger of incomplete mirrored runs, on disk, so that the next command can complete them.

A process that mirrors to W&B has a file ``mirror-*.jsonl`` in the study's folder, and one more for
each other place, with the name of that place in front. A line is added when the run of a trial
begins, and another when it is complete. The file is locked while its process lives, and removed if
no run is left incomplete. The next process takes over the incomplete runs of a killed one.
"""

import fcntl
import json
import secrets
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO


def has_left_over(folder: Path, place: str = "") -> bool:
    """Return whether an ended process has left runs in `folder` that can be completed.

    A run whose trial has no record does not count: it is completed when the trial runs again.

    Args:
        folder: The study's folder.
        place: Name of the place of the runs, as in `Ledger`.
    """
    owed = (key for file in _unlocked(folder, place) for key in _read(file))
    return any((folder / key / "record.json").exists() for key in owed)


class Ledger:
    """The runs that this process has to complete; a context manager.

    Args:
        folder: The study's folder; None keeps nothing on disk.
        place: Name of the place of the runs, for the file's name; empty for W&B.

    Attributes:
        owed: Ids of the incomplete runs, by the key of their trial.
    """

    def __init__(self, folder: Path | None, place: str = "") -> None:
        self.owed: dict[str, str] = {}
        self._folder = folder
        self._place = place
        self._path: Path
        self._file: TextIO | None = None

    def __enter__(self) -> Self:
        if self._folder is None:
            return self
        self._folder.mkdir(parents=True, exist_ok=True)
        self._path = self._folder / _file_name(self._place, secrets.token_hex(4))
        new = self._path.with_name(f".{self._path.name}")
        self._file = new.open("w", buffering=1)
        fcntl.flock(self._file, fcntl.LOCK_EX)  # before another process can see the file
        new.rename(self._path)
        for file in _unlocked(self._folder, self._place):
            for key, run in _read(file).items():
                self.begin(key, run)
            with suppress(FileNotFoundError):
                Path(file.name).unlink()
        return self

    def begin(self, key: str, run: str) -> None:
        """Note that the run of a trial is to be completed."""
        self.owed[key] = run
        self._write(key, run)

    def settle(self, key: str) -> None:
        """Note that the run of a trial is complete."""
        if self.owed.pop(key, None) is not None:
            self._write(key, None)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._file is None:
            return
        with suppress(OSError):
            if not self.owed:
                self._path.unlink()
            self._file.close()

    def _write(self, key: str, run: str | None) -> None:
        if self._file is not None:
            self._file.write(json.dumps({"key": key, "run": run}) + "\n")


def _file_name(place: str, token: str) -> str:
    return f"{place}.mirror-{token}.jsonl" if place else f"mirror-{token}.jsonl"


def _unlocked(folder: Path, place: str) -> Iterator[TextIO]:
    """Yield the ledgers in `folder` that no living process holds, each locked while it is used."""
    for path in sorted(folder.glob(_file_name(place, "*"))):
        with suppress(OSError), path.open() as file:  # another process may be faster
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield file


def _read(file: TextIO) -> dict[str, str]:
    """Return the incomplete runs in a file; incomplete or damaged lines are skipped."""
    owed: dict[str, str] = {}
    for line in file.read().splitlines():
        with suppress(ValueError, TypeError, KeyError):
            entry = json.loads(line)
            key, run = entry["key"], entry["run"]
            if run is None:
                owed.pop(key, None)
            elif isinstance(key, str) and isinstance(run, str):
                owed[key] = run
    return owed
