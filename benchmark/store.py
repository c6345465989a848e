"""Trial records on disk: ``<results>/<study>/<key>/{trial.json, metrics.jsonl, record.json}``.

The files are the truth, W&B is their mirror. ``trial.json`` is written by whoever plans the trial.
``record.json`` is written atomically and marks a trial as finished; ``metrics.jsonl`` is only ever
appended to.
"""

import itertools
import json
import os
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from glob import escape
from pathlib import Path
from typing import Any

import msgspec

from benchmark.atomic import naming, replacing, write_text
from benchmark.claims import claimed, end_stale, is_ours
from benchmark.decode import (
    LOG_BYTES,
    RECORD_BYTES,
    Row,
    Status,
    decode_rows,
    decode_trial_text,
    read_file,
    whole_lines,
)
from benchmark.errors import Misfit, UsageError
from benchmark.plain_text import plain
from benchmark.record import Record
from benchmark.spec import Trial, check_study_name
from optimizers.pick import shown

FINISHED: tuple[Status, ...] = ("done", "diverged")  # results; other trials are run again
TRIAL = "trial.json"
_CURVE = "metrics.jsonl"
_RECORD = "record.json"
FILES = (TRIAL, _CURVE, _RECORD)
LOG = "log.txt"


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
        return self._read(self.trial_folder(trial) / _RECORD)

    def time_of_record(self, trial: Trial) -> int | None:
        """Return when a record was last written, in ns by the file system's clock; None if never.

        It reads nothing, so that a launcher can ask for thousands of trials at a time.
        """
        try:
            return Path(f"{self.folder}/{trial.key}/record.json").stat().st_mtime_ns
        except FileNotFoundError:
            return None

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
        """Claim `trial` for this process; by default, wait while another process has it.

        Processes on all machines that see the folder exclude each other (`benchmark.claims`).

        Yields:
            The folder, which exists. The claim ends with the block or with the process, however
            that ends. Processes forked meanwhile neither have the claim nor can release it.

        Raises:
            ClaimedError: another process has the claim, and `wait` is False.
        """
        folder = self.trial_folder(trial)
        folder.mkdir(parents=True, exist_ok=True)
        with claimed(folder, wait=wait):
            yield folder

    def end_claim(self, trial: Trial) -> None:
        """End the claim of a process that has ended; other machines would wait for minutes."""
        with suppress(OSError):
            end_stale(self.trial_folder(trial))

    def needs(self, trial: Trial) -> bool:
        """Return whether a trial that this process has claimed has no result.

        The folder is listed first: otherwise a network file system may for seconds not show a
        record that another machine has written.
        """
        list(self.trial_folder(trial).iterdir())
        return not self._finished(trial)

    def plan(self, trials: Iterable[Trial]) -> None:
        """Write the ``trial.json`` of each trial, so that a worker can run it by its key."""
        for trial in trials:
            path = self.trial_folder(trial) / TRIAL
            text = _json_text(trial.to_json())
            try:
                path.parent.mkdir(parents=True)
            except FileExistsError:
                if _has_text(path, text):
                    continue
                _clear(path, keep=True)
                with replacing(path, is_lasting=False) as temporary:
                    temporary.write_text(text)
            else:  # nobody reads it yet: a plain write takes a third of the time
                with naming(path), suppress(FileExistsError), path.open("x") as file:
                    file.write(text)

    def num_waiting(self) -> int:
        """Return how many planned trials have no record: they wait, run or were interrupted."""
        planned = (path.parent for path in self.folder.glob(f"*/{TRIAL}"))
        return sum(not (folder / _RECORD).exists() for folder in planned)

    def planned(self, key: str) -> Trial:
        """Return the trial that was planned under `key`, or under the only key that begins so.

        Raises:
            UsageError: there is no such trial, more than one, or its file is damaged.
        """
        path = self.folder / key / TRIAL
        if "/" in key or not path.exists():
            path = self._only_planned(key)
        try:
            trial = Trial.from_fields(decode_trial_text(read_file(path, RECORD_BYTES)))
        except (FileNotFoundError, Misfit) as error:
            raise UsageError(
                f"{path} is damaged ({error}): run the command that planned it again"
            ) from None
        if trial.key != path.parent.name:
            raise UsageError(f"{path} is the trial {trial.key}: run the command that planned it")
        return trial

    def _only_planned(self, prefix: str) -> Path:
        is_name = prefix and "/" not in prefix
        found = sorted(self.folder.glob(f"{escape(prefix)}*/{TRIAL}")) if is_name else []
        if len(found) == 1:
            return found[0]
        if found:
            keys = ", ".join(path.parent.name for path in found[:3])
            raise UsageError(
                f"key {shown(prefix)} is the beginning of {len(found)} trials: {keys}"
                + ", …" * (len(found) > 3)
            )
        raise UsageError(
            f"no trial {shown(prefix)} in {self.folder}: expected a folder with {TRIAL} there, "
            "which the command that plans the trial writes"
        )

    def was_begun(self, trial: Trial) -> bool:
        """Return whether an attempt at `trial` has left files but no record."""
        folder = self.trial_folder(trial)
        left = any((folder / name).exists() for name in (_CURVE, LOG))
        return left and not (folder / _RECORD).exists()

    def begin(self, trial: Trial) -> None:
        """Write the trial that is about to run, and remove files of an interrupted attempt."""
        folder = self.trial_folder(trial)
        folder.mkdir(parents=True, exist_ok=True)
        self._make_way(trial)
        for name in FILES:
            _clear(folder / name, keep=name == TRIAL)
        for path in folder.glob("*.tmp"):  # from killed writers: only this process has the claim
            path.unlink(missing_ok=True)
        self.plan([trial])

    def write(self, record: Record) -> None:
        """Commit `record` atomically; once this returns, the record survives a crash."""
        record = replace(record, reason=plain(record.reason))
        folder = self.trial_folder(record.trial)
        folder.mkdir(parents=True, exist_ok=True)
        self._make_way(record.trial)
        write_json(folder / _RECORD, record.to_json())

    def commit(self, record: Record) -> bool:
        """Commit the record of a trial that this process has claimed, unless it has a result.

        A process that was suspended may have lost its claim to another; then its record is lost.

        Returns:
            True if the record was written.
        """
        if not is_ours(self.trial_folder(record.trial)) or not self.needs(record.trial):
            return False
        self.write(record)
        return True

    def add(self, record: Record, curve: Iterable[Row], *, wait: bool = True) -> bool:
        """Write the files of a trial that ran elsewhere, unless it has a result here.

        Args:
            record: The record.
            curve: Rows of ``metrics.jsonl``.
            wait: Wait while another process has the trial.

        Returns:
            True if the files were written.

        Raises:
            ClaimedError: another process has the trial, and `wait` is False.
        """
        with self.claim(record.trial, wait=wait):
            return self.put(record, curve)

    def put(self, record: Record, curve: Iterable[Row], log: bytes | None = None) -> bool:
        """Write the files of a trial that ran elsewhere and that this process has claimed.

        A result that is here already stays, as with `add`.

        Args:
            record: The record.
            curve: Rows of ``metrics.jsonl``.
            log: Content of ``log.txt``, which does not exist if this is empty; None to leave it.

        Returns:
            True if the files were written.
        """
        folder = self.trial_folder(record.trial)
        if not is_ours(folder) or not self.needs(record.trial):
            return False
        self.begin(record.trial)
        (folder / _CURVE).write_text("".join(json.dumps(row) + "\n" for row in curve))
        if log is not None:
            (folder / LOG).unlink(missing_ok=True)  # other trials of a pack may share it
        if log:
            (folder / LOG).write_bytes(log)
        return self.commit(record)

    def _make_way(self, trial: Trial) -> None:
        """Rename an unreadable record, instead of overwriting it, for a person to look at."""
        path = self.trial_folder(trial) / _RECORD
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
        path = self.trial_folder(trial) / _CURVE
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
    if not store.folder.is_dir() or not any(store.folder.iterdir()):
        root = Path(results)
        known = sorted(
            path.name for path in root.glob("*") if path.is_dir() and any(path.iterdir())
        )
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
    write_text(path, _json_text(data))


def _json_text(data: Mapping[str, Any]) -> str:
    """Return `data` as JSON with a line for each value, for people."""
    text = json.dumps(data)
    try:  # json itself takes twice as long with an indent, as then its encoder is not in C
        return msgspec.json.format(text, indent=1) + "\n"
    except msgspec.DecodeError:  # of what is no JSON, such as Infinity
        return json.dumps(data, indent=1) + "\n"


def _has_text(path: Path, text: str) -> bool:
    try:
        return read_file(path, RECORD_BYTES) == text.encode()
    except (FileNotFoundError, Misfit):
        return False


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
