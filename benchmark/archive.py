"""A study in one small Parquet file, to be committed, mailed or kept; and the way back to files.

The file has one row per trial, with the columns ``study``, ``key``, ``problem``, ``label``,
``seed`` and ``status``; ``record``, the text of ``record.json``; and ``curves``, the rows of
``metrics.jsonl`` as a list of structs, null where a row lacks a metric. Any Parquet reader reads
it. The text of the study's declaration, if it has one, is in the file's metadata under
``study.toml``.
"""

import json
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
from pyarrow import parquet

from benchmark.atomic import replacing, write_text
from benchmark.axes import STEP
from benchmark.declaration import FILE, declaration_in, declaration_text
from benchmark.decode import COUNTS, RECORD_BYTES, Row, check_rows
from benchmark.errors import Misfit, UsageError
from benchmark.plain_text import plain
from benchmark.record import Record
from benchmark.store import Store

_READ = ["study", "key", "record", "curves"]
_ARROW, _POLARS = pa.ArrowException, pl.exceptions.PolarsError
_TEXTS = ("study", "key", "problem", "label", "status", "record")


@dataclass(frozen=True, kw_only=True)
class Restored:
    """The result of `restore`: numbers of trials added, and of trials kept as they were."""

    store: Store
    added: int
    kept: int


def compact(store: Store, path: Path) -> int:
    """Write all records of `store`, with their curves, to one Parquet file; return their number.

    Trials without a record, which never ran or are still running, are left out.

    Raises:
        UsageError: there is no record, or the study's declaration is damaged.
        OSError: the file cannot be written; an existing file is left unchanged.
    """
    records = store.records()
    if not records:
        raise UsageError(f"study {store.study!r} has no records yet: there is nothing to compact")
    declaration = declaration_text(store.folder)
    curves = [store.metrics(record.trial) for record in records]
    frame = pl.DataFrame(
        [_row(store.study, *each) for each in zip(records, curves, strict=True)],
        schema=_schema(curves),
        strict=False,  # JSON may write a float as an integer
    )
    written = BytesIO()  # polars would raise its own error on a full disk
    frame.write_parquet(
        written,
        compression="zstd",
        compression_level=19,
        metadata=None if declaration is None else {FILE: declaration},
    )
    with replacing(path) as temporary:
        temporary.write_bytes(written.getvalue())
    return len(records)


def restore(path: Path, results: Path) -> Restored:
    """Write a compacted study's files to its folder in `results`; keep trials finished there.

    A declaration that the folder has is kept too.

    Raises:
        UsageError: `path` is not a file that `compact` wrote.
        OSError: the folder cannot be written.
    """
    rows = list(_read(path))
    store = Store(results, rows[0][0])
    _restore_declaration(path, store.folder)
    added = sum(store.add(record, curve) for _, record, curve in rows)
    return Restored(store=store, added=added, kept=len(rows) - added)


def read_trials(path: Path) -> list[tuple[Record, list[Row]]]:
    """Return the records and curves in a compacted study.

    Raises:
        UsageError: `path` is not a file that `compact` wrote.
    """
    return [(record, curve) for _, record, curve in _read(path)]


def _restore_declaration(path: Path, folder: Path) -> None:
    """Write the declaration in a compacted study; warn of one that is damaged or not needed."""
    text = _declaration_of(path)
    if text is None:
        return
    reason = ""
    try:
        declaration_in(text)
        if (folder / FILE).exists():
            reason = f"{folder / FILE} is another one, which is kept"
            reason *= (folder / FILE).read_text(encoding="utf-8", errors="replace") != text
        else:
            folder.mkdir(parents=True, exist_ok=True)
            write_text(folder / FILE, text)
    except Misfit as misfit:
        reason = f"it is damaged ({misfit})"
    if reason:
        warnings.warn(plain(f"{path}: its {FILE} is left out: {reason}", 600), stacklevel=3)


def _declaration_of(path: Path) -> str | None:
    """Return the text of the declaration in a Parquet file, unchecked; None if it has none."""
    found = (parquet.read_metadata(path).metadata or {}).get(FILE.encode())
    return None if found is None else found.decode(errors="replace")


def _schema(curves: Sequence[Sequence[Mapping[str, float]]]) -> dict[str, Any]:
    found = (name for curve in curves for row in curve for name in row)
    names = dict.fromkeys((STEP, *found))  # a struct has at least one field
    kinds = {name: pl.Int64 if name in COUNTS else pl.Float64 for name in names}
    texts = dict.fromkeys(_TEXTS, pl.String)
    return {**texts, "seed": pl.Int64, "curves": pl.List(pl.Struct(kinds))}


def _row(study: str, record: Record, curve: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    return {
        "study": study,
        "key": record.trial.key,
        "problem": record.trial.problem,
        "label": record.trial.label,
        "status": record.status,
        "record": json.dumps(record.to_json()),
        "seed": record.trial.seed,
        "curves": curve,
    }


def _read(path: Path) -> Iterator[tuple[str, Record, list[Row]]]:
    """Check all trials, then yield the study, record and curve of each valid one."""
    rows = _rows(path)
    studies = {str(row["study"]) for row in rows}
    if len(studies) != 1:
        names = plain(", ".join(sorted(studies)) or "no trials", 120)
        raise UsageError(f"{path}: expected the trials of one study, got {names}")
    found, misfits = [], []
    for row in rows:
        try:
            found.append((str(row["study"]), *_trial_in(row)))
        except Misfit as misfit:
            misfits.append(f"{plain(row['key'], 80)}: {misfit}")
    if not found:
        raise UsageError(f"{path}: expected a file that `compact` wrote, but trial {misfits[0]}")
    if misfits:
        text = f"{path}: {len(misfits)} of {len(rows)} trials are damaged and left out, as "
        warnings.warn(plain(text + misfits[0], 600), stacklevel=2)
    yield from found


def _rows(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a Parquet file, each a trial, unchecked."""
    try:
        if not path.is_file():
            raise Misfit("it is no regular file")
        # Polars does not read the file: on damaged pages its threads panic and print long messages.
        with parquet.ParquetFile(path) as file:  # `read_table` would load pandas
            table = file.read(columns=_READ)
        if table.column_names != _READ:
            raise Misfit(f"it lacks {', '.join(sorted({*_READ} - {*table.column_names}))}")
        table.validate(full=True)
        # Polars panics on metadata that are no text.
        return pl.DataFrame(table.replace_schema_metadata(None)).to_dicts()
    except (ValueError, NotImplementedError, OSError, MemoryError, _ARROW, _POLARS) as error:
        raise UsageError(
            f"{path}: expected a file that `compact` wrote, got one that does not read as such "
            f"({type(error).__name__}: {plain(error, 120)})"
        ) from None


def _trial_in(row: Mapping[str, Any]) -> tuple[Record, list[Row]]:
    """Return the record and the curve in one row.

    Raises:
        Misfit: `compact` does not write such a row.
    """
    text = row["record"]
    if not isinstance(text, str) or len(text) > RECORD_BYTES:
        raise Misfit(f"expected the text of a record, got {plain(repr(text), 40)}")
    record = Record.from_text(text.encode())
    if record.trial.key != row["key"]:
        raise Misfit(
            f"its key is {record.trial.key} in this version, which trains it differently: read "
            "the file with the version that wrote it"
        )
    return record, check_rows(row["curves"])
