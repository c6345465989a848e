"""Whether a data set can be had, and what to do if it cannot; standard library only."""

import os
from collections.abc import Iterable
from pathlib import Path

from datamodules.folders import default_data_dir
from datamodules.layouts import UNREAD
from datamodules.network import reachable
from datamodules.registry import DATASETS
from datamodules.sources import find_place


def why_unavailable(name: str, data_dir: Path | None, cache_dir: Path | None) -> str:
    """Return why data set `name` cannot be had, and where to put which files; empty if it can.

    Takes at most `network.TIMEOUT_SECONDS`, and that only if nothing is on disk.

    Raises:
        DataError: preparations from files that are gone differ.
    """
    if find_place(name, data_dir, cache_dir) is not None or reachable(download_url(name)):
        return ""
    return where_to_put(name, data_dir, "and there is no network to download them")


def which_unavailable(
    names: Iterable[str], data_dir: Path | None, cache_dir: Path | None
) -> dict[str, str]:
    """Return why data sets cannot be had, by name, without those that can.

    Takes no longer than `why_unavailable` does for one of them: hosts are asked at once.
    """
    unique = list(dict.fromkeys(names))
    if not unique:
        return {}
    from concurrent.futures import ThreadPoolExecutor  # loads logging

    with ThreadPoolExecutor(max_workers=len(unique)) as pool:
        reasons = pool.map(lambda name: why_unavailable(name, data_dir, cache_dir), unique)
    return {name: reason for name, reason in zip(unique, reasons, strict=True) if reason}


def download_url(name: str) -> str:
    """Return where data set `name` is downloaded from; $HF_ENDPOINT stands in for the hub."""
    row = DATASETS[name]
    return (row.from_hub and os.environ.get("HF_ENDPOINT")) or row.download_url


def where_to_put(name: str, data_dir: Path | None, why: str) -> str:
    """Return one line: that data set `name` is not there, `why`, and where to put which files."""
    data_dir = data_dir or default_data_dir()
    looked = f"no files in {data_dir}" if data_dir else "no --data-dir was given"
    place = f"there ({data_dir})" if data_dir else "into a folder and give --data-dir FOLDER"
    almost = _unread(name, data_dir) if data_dir else ""
    return f"data set {name!r}: {looked}, {why}. {almost}Put {DATASETS[name].files} {place}"


def _unread(name: str, data_dir: Path) -> str:
    """Return a sentence about what lies in `data_dir` and is not read as it lies there."""
    for pattern, cure in UNREAD[name].items():
        for found in (*data_dir.glob(pattern), *data_dir.glob(f"*/{pattern}")):
            return f"{found} is not read: {cure}. "
    return ""
