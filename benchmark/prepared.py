"""What was prepared for a study, and whether the study may go on with it."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from benchmark.spec import UsageError
from benchmark.store import Record

_SHOWN = 12  # characters of a checksum, as of keys


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """One data set, ready for use.

    Args:
        dataset: Registered name or import path.
        checksum: SHA-256 of its tensors, as records have it.
        origin: Where it comes from, in words.
        notices: What its user should know of it.
        folder: Where its tensors lie; None for a data set that is not kept prepared.
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

    Raises:
        UsageError: some of them were made on other data of the same name.
    """
    others = [
        str(checksum)[:_SHOWN]
        for record in records
        if record.trial.dataset == prepared.dataset
        and (checksum := record.environment.get("data"))
        and not str(checksum).startswith("read from ")  # as plug-ins once had it, without a digest
        and checksum != prepared.checksum
    ]
    if others:
        raise UsageError(
            f"study {study!r} has trials on other data of {prepared.dataset!r}: "
            f"{len(others)} with SHA-256 {', '.join(sorted(set(others)))}, and now there is "
            f"{prepared}. One study cannot hold both: give another --study, or the files of before"
        )
