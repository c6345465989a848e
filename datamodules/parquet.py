"""Parquet shards as on the Hugging Face hub: ``train-00000-of-00003.parquet`` and the like."""

from pathlib import Path
from typing import Any

from datamodules.errors import DataCorruptError, reading


def shards(folder: Path, part: str) -> list[Path]:
    """Return the shards of one part in order, none if there are none.

    Raises:
        DataCorruptError: some are there and some are missing.
    """
    found = sorted(folder.glob(f"{part}-*.parquet"))
    if found:
        expected = int(found[0].stem.rpartition("-of-")[2] or len(found))
        if len(found) != expected:
            raise DataCorruptError(folder, f"expected {expected} {part} shards, found {len(found)}")
    return found


def read(path: Path, columns: list[str]) -> dict[str, list[Any]]:
    """Return the named columns of one file.

    Raises:
        DataCorruptError: the file is damaged or has other columns.
    """
    import pyarrow.parquet

    with reading(path):
        table = pyarrow.parquet.read_table(path, columns=columns, use_threads=False)
        return {name: table.column(name).to_pylist() for name in columns}
