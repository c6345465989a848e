"""Parquet shards as on the Hugging Face hub: ``train-00000-of-00003.parquet`` and the like."""

import re
from pathlib import Path
from typing import Any

from datamodules.errors import DataCorruptError, DataIncompleteError, reading

_SHARD = re.compile(r"[a-z]+-\d{5}-of-(\d{5})\.parquet")


def shards(folder: Path, part: str) -> list[Path]:
    """Return the shards of one part, ``train`` or ``test``, in order.

    Raises:
        DataIncompleteError: some are missing, or all.
        DataCorruptError: a file is not named like a shard, or belongs to another set of shards.
    """
    found = sorted(folder.glob(f"{part}-*.parquet"))
    if not found:
        raise DataIncompleteError(folder, f"{part}-*.parquet")
    counts = [_count(path) for path in found]
    for path, count in zip(found, counts, strict=True):
        if count != counts[0]:
            problem = f"it is one of {count} shards, and {found[0].name} one of {counts[0]}"
            raise DataCorruptError(path, problem, "keep the shards of one set")
    names = {path.name for path in found}
    for number in range(counts[0]):
        name = f"{part}-{number:05}-of-{counts[0]:05}.parquet"
        if name not in names:
            raise DataIncompleteError(folder, name)
    return found


def _count(path: Path) -> int:
    match = _SHARD.fullmatch(path.name)
    if match is None:
        expected = f"{path.name.partition('-')[0]}-00000-of-00001.parquet"
        raise DataCorruptError(path, f"a shard is named like {expected}", "rename it")
    return int(match[1])


def read(path: Path, columns: list[str]) -> dict[str, list[Any]]:
    """Return the named columns of one file.

    Raises:
        DataCorruptError: the file is damaged or has other columns.
    """
    import pyarrow.parquet

    with reading(path):
        table = pyarrow.parquet.read_table(path, columns=columns, use_threads=False)
        return {name: table.column(name).to_pylist() for name in columns}
