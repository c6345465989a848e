"""The availability of data sets, and advice for missing ones; standard library only."""

import os
from collections.abc import Iterable
from pathlib import Path

from datamodules.folders import default_data_dir
from datamodules.layouts import UNREAD
from datamodules.network import reachable
from datamodules.registry import DATASETS
from datamodules.sources import find_place


def why_unavailable(name: str, data_dir: Path | None, cache_dir: Path | None) -> str:
    """Return why data set `name` is unavailable and where to put which files; "" if available.

    This takes at most `network.TIMEOUT_SECONDS`, and only if nothing is on disk.

    Raises:
        DataError: several preparations differ and their source files are gone.
    """
    if find_place(name, data_dir, cache_dir) is not None or reachable(download_url(name)):
        return ""
    return where_to_put(name, data_dir, "and there is no network to download them")


def which_unavailable(
    names: Iterable[str], data_dir: Path | None, cache_dir: Path | None
) -> dict[str, str]:
    """Return for each unavailable data set the reason, by name.

    This takes no longer than `why_unavailable` for one data set: all hosts are asked at once.
    """
    unique = list(dict.fromkeys(names))
    if not unique:
        return {}
    from concurrent.futures import ThreadPoolExecutor  # slow to import: logging

    with ThreadPoolExecutor(max_workers=len(unique)) as pool:
        reasons = pool.map(lambda name: why_unavailable(name, data_dir, cache_dir), unique)
    return {name: reason for name, reason in zip(unique, reasons, strict=True) if reason}


def download_url(name: str) -> str:
    """Return the URL from which data set `name` is downloaded; $HF_ENDPOINT replaces the hub's."""
    row = DATASETS[name]
    return (row.from_hub and os.environ.get("HF_ENDPOINT")) or row.download_url


def where_to_put(name: str, data_dir: Path | None, why: str) -> str:
    """Return one line: data set `name` is missing, `why`, and where to put which files."""
    data_dir = data_dir or default_data_dir()
    looked = f"no files in {data_dir}" if data_dir else "no --data-dir was given"
    place = f"there ({data_dir})" if data_dir else "into a folder and give --data-dir FOLDER"
    almost = _unread(name, data_dir) if data_dir else ""
    return f"data set {name!r}: {looked}, {why}. {almost}Put {DATASETS[name].files} {place}"


def _unread(name: str, data_dir: Path) -> str:
    """Return a sentence about files in `data_dir` that cannot be read in their present form."""
    for pattern, cure in UNREAD.get(name, {}).items():
        for found in (*data_dir.glob(pattern), *data_dir.glob(f"*/{pattern}")):
            return f"{found} is not read: {cure}. "
    return ""
