"""A whole study in one small Parquet file, to be committed, mailed or kept, and back again.

One row per trial: ``study``, ``key``, ``problem``, ``label``, ``seed`` and ``status``; ``record``,
the text of ``record.json``; and ``curves``, the rows of ``metrics.jsonl`` as a list of structs,
null where a row did not measure a metric. Anything that reads Parquet reads it.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import polars as pl

from benchmark.atomic import replacing
from benchmark.spec import UsageError
from benchmark.store import FINISHED, Record, Store

_WHOLE = ("step", "samples")  # numbers that JSON writes without a point
_TEXTS = ("study", "key", "problem", "label", "status", "record")


@dataclass(frozen=True, kw_only=True)
class Restored:
    """What `restore` did: trials written, and trials left as they were."""

    store: Store
    added: int
    kept: int


def compact(store: Store, path: Path) -> int:
    """Write every record of `store`, with its curves, to one Parquet file; return how many.

    Trials without a record, which never ran or are still running, are left out.

    Raises:
        UsageError: there is no record.
        OSError: the file cannot be written; one that was there is left as it was.
    """
    records = store.records()
    if not records:
        raise UsageError(f"study {store.study!r} has no records yet: there is nothing to compact")
    curves = [store.metrics(record.trial) for record in records]
    frame = pl.DataFrame(
        [_row(store.study, *each) for each in zip(records, curves, strict=True)],
        schema=_schema(curves),
    )
    written = BytesIO()  # polars has errors of its own for a full disk
    frame.write_parquet(written, compression="zstd", compression_level=19)
    with replacing(path) as temporary:
        temporary.write_bytes(written.getvalue())
    return len(records)


def restore(path: Path, results: Path) -> Restored:
    """Write a compacted study's files to its folder in `results`; trials finished there are kept.

    Raises:
        UsageError: `path` is not what `compact` writes.
        OSError: the folder cannot be written.
    """
    rows = list(_read(path))
    store = Store(results, rows[0][0])
    added = 0
    for _, record, curve in rows:
        with store.claim(record.trial) as folder:
            found = store.record(record.trial)
            if found is not None and found.status in FINISHED:
                continue
            store.begin(record.trial)
            text = "".join(json.dumps(row) + "\n" for row in curve)
            (folder / "metrics.jsonl").write_text(text)
            store.write(record)
            added += 1
    return Restored(store=store, added=added, kept=len(rows) - added)


def _schema(curves: Sequence[Sequence[Mapping[str, float]]]) -> dict[str, Any]:
    found = (name for curve in curves for row in curve for name in row)
    names = dict.fromkeys(("step", *found))  # a struct has at least one field
    kinds = {name: pl.Int64 if name in _WHOLE else pl.Float64 for name in names}
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


def _read(path: Path) -> Iterator[tuple[str, Record, list[dict[str, float]]]]:
    """Give study, record and curve of every trial, after a check of them all."""
    try:
        rows = pl.read_parquet(path, columns=["study", "key", "record", "curves"]).to_dicts()
        records = [Record.from_json(json.loads(row["record"])) for row in rows]
        curves = [[_measured(point) for point in row["curves"]] for row in rows]
    except (pl.exceptions.PolarsError, ValueError, TypeError, KeyError, AttributeError) as error:
        words = " ".join(str(error).split())[:120]
        raise UsageError(
            f"{path}: expected a file that `compact` wrote, got one that does not read as such "
            f"({type(error).__name__}: {words})"
        ) from None
    studies = {str(row["study"]) for row in rows}
    if len(studies) != 1:
        names = ", ".join(sorted(studies)) or "no trials"
        raise UsageError(f"{path}: expected the trials of one study, got {names}")
    for row, record in zip(rows, records, strict=True):
        if record.trial.key != row["key"]:
            raise UsageError(
                f"{path}: trial {row['key']} would be {record.trial.key} in this version, which "
                "trains it differently: read the file with the version that wrote it"
            )
    for record, curve in zip(records, curves, strict=True):
        yield str(rows[0]["study"]), record, curve


def _measured(point: Mapping[str, float | None]) -> dict[str, float]:
    return {name: value for name, value in point.items() if value is not None}
