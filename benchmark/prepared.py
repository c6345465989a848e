"""A prepared data set, and checks that all trials of a study are trained on the same data."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmark.errors import UsageError
from benchmark.record import Record
from benchmark.spec import SCHEMA, Trial
from optimizers.pick import is_import_path

_SHOWN = 12  # characters of a checksum that are shown; keys have as many


@dataclass(frozen=True, kw_only=True, order=True)
class Preparation:
    """What is to be prepared for a problem: its data set, for its model.

    Args:
        dataset: Registered name or import path.
        model: Registered name or import path of the model, which is tried on the data if one of the
            two is an import path.
        dropout: The model's own dropout is on.
    """

    dataset: str
    model: str
    dropout: bool


def preparations_of(trials: Iterable[Trial]) -> list[Preparation]:
    """Return what is to be prepared for `trials`, each once, sorted."""
    return sorted(
        {Preparation(dataset=t.dataset, model=t.model, dropout=t.dropout) for t in trials}
    )


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """One data set, ready for use.

    Args:
        dataset: Registered name or import path.
        checksum: SHA-256 of its tensors, as in records.
        origin: Source of the data, in words.
        notices: Facts that its user should know.
        folder: Folder of its tensors; None for a data set that is not cached.
    """

    dataset: str
    checksum: str
    origin: str
    notices: tuple[str, ...] = ()
    folder: Path | None = None

    def __str__(self) -> str:
        return f"{self.dataset} ({self.origin}), SHA-256 {self.checksum[:_SHOWN]}"


def check_same_data(study: str, records: Iterable[Record], prepared: Prepared) -> None:
    """Check that `records` of `study` were made on the data that are prepared now.

    Records of an earlier schema do not count: they are of data prepared in another way, and are
    shown but never compared with new ones.

    Raises:
        UsageError: some records were made on other data of the same name.
    """
    others = [
        checksum[:_SHOWN]
        for record in records
        if record.trial.dataset == prepared.dataset
        and record.trial.schema == SCHEMA  # the others are never compared with new ones
        and (checksum := record.environment.data)
        and not checksum.startswith("read from ")  # an older format for plug-ins, without a digest
        and checksum != prepared.checksum
    ]
    if others:
        raise UsageError(
            f"study {study!r} has trials on other data of {prepared.dataset!r}: "
            f"{len(others)} with SHA-256 {', '.join(sorted(set(others)))}, but now "
            f"{prepared} was found. One study cannot hold both: give another --study, or use the "
            "earlier files"
        )


def check_as_launched(dataset: str, checksum: str, launched: Mapping[str, str]) -> None:
    """Check that a data set that was read again is the one that the launching process read.

    Args:
        dataset: Registered name or import path.
        checksum: SHA-256 of what was read.
        launched: SHA-256 of what the launching process read, by data set; others are not checked.

    Raises:
        UsageError: the data differ.
    """
    expected = launched.get(dataset, checksum)
    if checksum != expected:
        raise UsageError(
            f"data set {dataset!r}: read SHA-256 {checksum[:_SHOWN]}, not {expected[:_SHOWN]} as "
            f"at the launch: {_cure(dataset)}"
        )


def _cure(dataset: str) -> str:
    if is_import_path(dataset):
        return "seed its loaders, or start again if its files have changed"
    return "its files have changed since: start the command again"
