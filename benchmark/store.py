"""Trial records on disk: ``<results>/<study>/<key>/{trial.json, metrics.jsonl, record.json}``.

The files are the truth, W&B is their mirror. ``record.json`` is written atomically and marks a
trial as finished; ``metrics.jsonl`` is only ever appended to.
"""

import fcntl
import itertools
import json
import os
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO

from benchmark.atomic import write_text
from benchmark.decode import (
    LOG_BYTES,
    RECORD_BYTES,
    Row,
    Status,
    decode_rows,
    read_file,
    whole_lines,
)
from benchmark.errors import Misfit, UsageError
from benchmark.plain_text import plain
from benchmark.record import Record
from benchmark.spec import Trial, check_study_name

FINISHED: tuple[Status, ...] = ("done", "diverged")  # results; other trials are run again
FILES = ("trial.json", "metrics.jsonl", "record.json")
_claims: set[TextIO] = set()  # the locks that this process holds or waits for


class Store:
    """The folder of one study."""

    def __init__(self, results: Path | str, study: str) -> None:
        self.study = check_study_name(study)
        self.folder = Path(results) / study
        self._left_out: set[Path] = set()

    def trial_folder(self, trial: Trial) -> Path:
        """Return the folder of the files of `trial`."""
        return self.folder / trial.key

    def missing(self, trials: Iterable[Trial]) -> list[Trial]:
        """Return the trials without a result: never run, interrupted, failed or skipped."""
        return [trial for trial in trials if not self._finished(trial)]

    def _finished(self, trial: Trial) -> bool:
        record = self.record(trial)
        return record is not None and record.status in FINISHED

    def record(self, trial: Trial) -> Record | None:
        """Return the record of `trial`, or None if it does not exist or cannot be read."""
        return self._read(self.trial_folder(trial) / "record.json")

    def records(self) -> list[Record]:
        """Return all readable records of the study, sorted by key."""
        found = map(self._read, sorted(self.folder.glob("*/record.json")))
        return [record for record in found if record is not None]

    def _read(self, path: Path) -> Record | None:
        try:
            return _record_in(path)
        except FileNotFoundError:
            return None
        except Misfit as error:
            self._leave_out(path, error, "and its trial counts as not run")
            return None

    def _leave_out(self, path: Path, error: Misfit, what_follows: str) -> None:
        """Warn, once for each file, that it is left out."""
        if path not in self._left_out:
            self._left_out.add(path)
            text = f"{path} is damaged ({error}): it is left out, {what_follows}"
            warnings.warn(plain(text, 600), stacklevel=3)

    @contextmanager
    def claim(self, trial: Trial, *, wait: bool = True) -> Iterator[Path]:
        """Lock `trial` for this process; by default, wait while another process has the lock.

        Yields:
            The folder, which exists. The lock is released at the end of the block or of the
            process, however that ends. Processes forked meanwhile neither hold the lock nor can
            release it.

        Raises:
            BlockingIOError: another process has the lock, and `wait` is False.
        """
        folder = self.trial_folder(trial)
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".claim").open("w")
        _claims.add(lock)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            yield folder
        finally:
            _claims.discard(lock)
            _release(lock)

    def begin(self, trial: Trial) -> None:
        """Write the trial that is about to run, and remove files of an interrupted attempt."""
        folder = self.trial_folder(trial)
        folder.mkdir(parents=True, exist_ok=True)
        self._make_way(trial)
        for name in FILES:
            _clear(folder / name, keep=name == "trial.json")
        for path in folder.glob("*.tmp"):  # from killed writers: only this process has the lock
            path.unlink()
        write_json(folder / "trial.json", trial.to_json())

    def write(self, record: Record) -> None:
        """Commit `record` atomically; once this returns, the record survives a crash."""
        record = replace(record, reason=plain(record.reason))
        folder = self.trial_folder(record.trial)
        folder.mkdir(parents=True, exist_ok=True)
        self._make_way(record.trial)
        write_json(folder / "record.json", record.to_json())

    def add(self, record: Record, curve: Iterable[Row]) -> bool:
        """Write the files of a trial that ran elsewhere, unless it has a result here.

        Returns:
            True if the files were written.
        """
        with self.claim(record.trial) as folder:
            if self._finished(record.trial):
                return False
            self.begin(record.trial)
            text = "".join(json.dumps(row) + "\n" for row in curve)
            (folder / "metrics.jsonl").write_text(text)
            self.write(record)
            return True

    def _make_way(self, trial: Trial) -> None:
        """Rename an unreadable record, instead of overwriting it, for a person to look at."""
        path = self.trial_folder(trial) / "record.json"
        try:
            _record_in(path)
        except FileNotFoundError:
            return
        except Misfit:
            _set_aside(path)

    def metrics(self, trial: Trial) -> list[Row]:
        """Return the rows of ``metrics.jsonl``, without a last line that a crash cut off.

        The list is empty if the file is missing or damaged.
        """
        path = self.trial_folder(trial) / "metrics.jsonl"
        try:
            return decode_rows(whole_lines(read_file(path, LOG_BYTES)))
        except FileNotFoundError:
            pass
        except Misfit as error:
            self._leave_out(path, error, "and its trial has no curves")
        return []


def open_study(results: Path | str, study: str) -> Store:
    """Return the store of a study that exists.

    Raises:
        UsageError: there is no such study; the message lists the existing ones.
    """
    store = Store(results, study)
    if not store.folder.is_dir():
        root = Path(results)
        known = sorted(path.name for path in root.glob("*") if path.is_dir())
        raise UsageError(
            f"no study {study!r} in {root}. "
            + (f"Known: {', '.join(known)}" if known else "There are none yet")
        )
    return store


def write_json(path: Path, data: Mapping[str, Any]) -> None:
    """Write `data` to `path` whole or not at all, even if the machine stops in between.

    Raises:
        OSError: the disk is full or the folder cannot be written; no partial file is left.
    """
    write_text(path, json.dumps(data, indent=1) + "\n")


def _record_in(path: Path) -> Record:
    """Return the record in a file.

    Raises:
        FileNotFoundError: the file does not exist.
        Misfit: the suite does not write such a record, or it belongs to another trial's folder.
    """
    record = Record.from_text(read_file(path, RECORD_BYTES))
    if record.trial.key != path.parent.name:
        raise Misfit(f"it is the record of {record.trial.key}")
    return record


def _clear(path: Path, *, keep: bool) -> None:
    """Make room for a file; a folder in its place is renamed, whatever it holds."""
    if path.is_dir() and not path.is_symlink():
        _set_aside(path)
    elif not keep:  # with `keep`, the old file stays until the new one replaces it
        path.unlink(missing_ok=True)


def _set_aside(path: Path) -> None:
    names = (path.with_name(f"{path.name}.corrupt-{i}") for i in itertools.count(1))
    path.replace(next(name for name in names if not os.path.lexists(name)))


def _release(lock: TextIO) -> None:
    # A lock lasts while any process has its file open, and a process that was forked by other
    # means than Python's may have it open too. So the lock is released before the file is closed.
    with suppress(
        OSError, ValueError
    ):  # the hook for forked children, or other code, may have closed it
        fcntl.flock(lock, fcntl.LOCK_UN)
    with suppress(OSError):
        lock.close()


def _leave_claims_to_the_parent() -> None:
    """Close the files of all locks in a forked child, which would otherwise keep the locks."""
    while _claims:
        with suppress(OSError):
            _claims.pop().close()  # without unlocking, so that the parent keeps the lock


os.register_at_fork(after_in_child=_leave_claims_to_the_parent)
