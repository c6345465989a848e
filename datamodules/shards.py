"""Shards of the Hugging Face hub: ``train-00000-of-00003.parquet``, or with a hash at the end."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from datamodules.errors import DataCorruptError, DataIncompleteError, reading

_SHARD = re.compile(r"[a-z]+-(\d{5})-of-(\d{5})(?:-[0-9a-f]+)?\.parquet")


def check(folder: Path, part: str, paths: Sequence[Path]) -> None:
    """Check that the shards of one part, ``train`` or ``test``, are one complete set.

    Raises:
        DataIncompleteError: shards are missing.
        DataCorruptError: a file is not named like a shard, or belongs to another set of shards.
    """
    places = [_place(path) for path in paths]
    count = places[0][1]
    seen: dict[int, Path] = {}
    for path, (number, others) in zip(paths, places, strict=True):
        if others != count:
            problem = f"it is one of {others} shards, and {paths[0].name} one of {count}"
            raise DataCorruptError(path, problem, "keep the shards of one set")
        if number in seen:
            problem = f"it is shard {number} of {count}, as {seen[number].name} is"
            raise DataCorruptError(path, problem, "keep the shards of one set")
        seen[number] = path
    for number in range(count):
        if number not in seen:
            raise DataIncompleteError(folder, f"{part}-{number:05}-of-{count:05}.parquet")


def _place(path: Path) -> tuple[int, int]:
    match = _SHARD.fullmatch(path.name)
    if match is None or not int(match[2]):
        expected = f"{path.name.partition('-')[0]}-00000-of-00001.parquet"
        raise DataCorruptError(path, f"a shard is named like {expected}", "rename it")
    return int(match[1]), int(match[2])


def read(path: Path, *columns: tuple[str, ...]) -> list[list[Any]]:
    """Return columns of one parquet or arrow file.

    Args:
        path: A shard.
        columns: Possible names of each column; the first that exists is used.

    Raises:
        DataCorruptError: the file is damaged or has other columns.
    """
    with reading(path):
        table = _table(path)
        names = [_name(table.column_names, choices) for choices in columns]
        return [table.column(name).to_pylist() for name in names]


def _table(path: Path) -> Any:
    if path.suffix == ".arrow":
        import pyarrow.ipc

        with pyarrow.memory_map(str(path)) as file:
            return pyarrow.ipc.open_stream(file).read_all()
    import pyarrow.parquet

    return pyarrow.parquet.ParquetFile(path).read(use_threads=False)


def _name(found: list[str], choices: tuple[str, ...]) -> str:
    for choice in choices:
        if choice in found:
            return choice
    raise ValueError(f"expected a column {' or '.join(choices)}, found {', '.join(found)[:100]}")
