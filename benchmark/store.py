"""Records on disk: ``<results>/<study>/<key>/{trial.json, metrics.jsonl, record.json}``.

The files are the truth, W&B is their mirror. ``record.json`` is written whole or not at all and is
the mark that a trial is finished; ``metrics.jsonl`` is only ever appended to.
"""

import fcntl
import json
import os
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, TextIO, get_args

from benchmark.spec import Trial, UsageError, check_study_name

Status = Literal["done", "diverged", "failed", "skipped"]
FINISHED: tuple[Status, ...] = ("done", "diverged")  # results; the others are tried again
FILES = ("trial.json", "metrics.jsonl", "record.json")
_claims: set[TextIO] = set()  # the locks that this process holds or waits for


@dataclass(frozen=True, kw_only=True)
class Record:
    """What came out of a trial.

    Args:
        trial: What was run.
        status: ``done``, ``diverged`` (a result), ``failed`` or ``skipped`` (none).
        reason: One line on why, empty when done.
        metrics: Last value of every metric, and ``step``; ``state_bytes`` of the optimizer, and
            how many ``parameters`` it has.
        seconds: By clock: ``training``, ``evaluation``, ``startup``, ``total``; and ``per_step``,
            the median over chunks, which leaves out what only the first steps cost;
            ``optimizer_step``, the same of the optimizer alone, without forward and backward pass.
        environment: Versions, machine, device, commit, data checksum.
        weights_sha256: Digest of the final parameters: two runs with the same bits agree in it.
    """

    trial: Trial
    status: Status
    reason: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)
    weights_sha256: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the record as a JSON-able mapping."""
        return asdict(self) | {"trial": self.trial.to_json()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Record":
        """Build a record from `to_json`'s mapping.

        Raises:
            ValueError, TypeError, KeyError: `data` is not what `to_json` writes.
        """
        record = cls(**{**data, "trial": Trial.from_json(data["trial"])})
        record._check()
        return record

    def _check(self) -> None:
        """Raise unless all is there that readers rely on."""
        if self.status not in get_args(Status):
            raise ValueError(f"unknown status {self.status!r}")
        for numbers in (self.metrics, self.seconds):
            if not all(isinstance(value, (int, float)) for value in numbers.values()):
                raise ValueError("metrics and seconds are not all numbers")
        for name in ("name", "label", "hyperparameters", "schedule"):
            if name not in self.trial.optimizer:
                raise ValueError(f"the optimizer has no {name}")


class Store:
    """The folder of one study."""

    def __init__(self, results: Path | str, study: str) -> None:
        self.study = check_study_name(study)
        self.folder = Path(results) / study

    def trial_folder(self, trial: Trial) -> Path:
        """Return where the files of `trial` lie."""
        return self.folder / trial.key

    def missing(self, trials: Iterable[Trial]) -> list[Trial]:
        """Return those of `trials` without a result: never run, interrupted, failed, skipped."""
        return [trial for trial in trials if not self._finished(trial)]

    def _finished(self, trial: Trial) -> bool:
        record = self.record(trial)
        return record is not None and record.status in FINISHED

    def record(self, trial: Trial) -> Record | None:
        """Return the record of `trial`, None if there is none yet; a corrupt one is set aside."""
        return _read(self.trial_folder(trial) / "record.json", set_aside=True)

    def records(self) -> list[Record]:
        """Return every record of the study, in the order of their keys; no corrupt ones."""
        found = (_read(path) for path in sorted(self.folder.glob("*/record.json")))
        return [record for record in found if record is not None]

    @contextmanager
    def claim(self, trial: Trial, *, wait: bool = True) -> Iterator[Path]:
        """Hold `trial` for this process alone, waiting while another process runs it.

        Yields:
            The folder, which exists. The claim ends with the block or with the process, however
            that ends; processes forked meanwhile neither hold it nor can release it.

        Raises:
            BlockingIOError: another process has it, and this one does not `wait`.
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
        """Write what is about to run, and clear what an interrupted attempt left behind."""
        folder = self.trial_folder(trial)
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("metrics.jsonl", "record.json"):
            (folder / name).unlink(missing_ok=True)
        for path in folder.glob("*.tmp"):  # of writers that were killed: only one has the claim
            path.unlink()
        write_json(folder / "trial.json", trial.to_json())

    def write(self, record: Record) -> None:
        """Commit `record`: after this returns it survives a crash, before it nothing shows."""
        folder = self.trial_folder(record.trial)
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / "record.json", record.to_json())

    def metrics(self, trial: Trial) -> list[dict[str, float]]:
        """Return the rows of ``metrics.jsonl``, without a last line that was torn by a crash."""
        path = self.trial_folder(trial) / "metrics.jsonl"
        if not path.exists():
            return []
        rows = []
        for line in path.read_text().splitlines():
            with suppress(json.JSONDecodeError):
                rows.append(json.loads(line))
        return rows


def open_study(results: Path | str, study: str) -> Store:
    """Return the store of a study that exists.

    Raises:
        UsageError: there is no such study; the message lists those that there are.
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
        OSError: the disk is full or the folder cannot be written; no half file is left.
    """
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("w") as file:
            json.dump(data, file, indent=1)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _release(lock: TextIO) -> None:
    # A lock lasts as long as any process has its file open, so it is taken off before the file is
    # closed: a process forked by other means than Python's may have it open too.
    with suppress(OSError, ValueError):  # closed by a forked child's hook, or by anyone's code
        fcntl.flock(lock, fcntl.LOCK_UN)
    with suppress(OSError):
        lock.close()


def _leave_claims_to_the_parent() -> None:
    """Close the files of all locks in a forked child, which would hold them as long as it lives."""
    while _claims:
        with suppress(OSError):
            _claims.pop().close()  # closing alone leaves the lock to the parent


os.register_at_fork(after_in_child=_leave_claims_to_the_parent)


def _read(path: Path, *, set_aside: bool = False) -> Record | None:
    try:
        return Record.from_json(json.loads(path.read_text()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        what = f"{path} is corrupt ({type(error).__name__}: {error}); "
        if set_aside:
            aside = path.with_name(f"record.json.corrupt-{os.getpid()}")
            path.replace(aside)
            what += f"set aside as {aside.name}, and its trial counts as not run"
        else:
            what += "left out; the next run of its trial sets it aside"
        warnings.warn(what, stacklevel=2)
        return None
