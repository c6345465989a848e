"""Where data are looked for and where prepared ones go; standard library only."""

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from datamodules.network import reachable
from datamodules.registry import DATASETS

FORMAT = 1  # raise it when the same files are prepared into other tensors


def default_data_dir() -> Path | None:
    """Return where files were laid down by hand, $BENCHMARK_DATA_DIR, None if that is not set."""
    chosen = os.environ.get("BENCHMARK_DATA_DIR")
    return Path(chosen) if chosen else None


def default_cache_dir() -> Path:
    """Return where prepared data go: $BENCHMARK_CACHE_DIR, or a folder in the user's cache."""
    chosen = os.environ.get("BENCHMARK_CACHE_DIR")
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "optimizer-benchmark"


def prepared_folder(name: str, cache_dir: Path | None) -> Path:
    """Return where the prepared tensors of data set `name` lie."""
    return (cache_dir or default_cache_dir()) / f"{name}-v{FORMAT}"


def why_unavailable(name: str, data_dir: Path | None, cache_dir: Path | None) -> str:
    """Return why data set `name` cannot be had, and where to put which files; empty if it can.

    Takes at most `network.TIMEOUT_SECONDS`, and that only if nothing is on disk.
    """
    row = DATASETS[name]
    data_dir = data_dir or default_data_dir()
    if row.embedded or (prepared_folder(name, cache_dir) / "manifest.json").exists():
        return ""
    if data_dir and any(next(data_dir.glob(pattern), None) for pattern in row.patterns):
        return ""
    if reachable(row.download_url):
        return ""
    return where_to_put(name, data_dir, "and there is no network to download them")


def which_unavailable(
    names: Iterable[str], data_dir: Path | None, cache_dir: Path | None
) -> dict[str, str]:
    """Return why data sets cannot be had, by name, without those that can.

    Takes no longer than `why_unavailable` does for one of them: hosts are asked at once.
    """
    unique = list(dict.fromkeys(names))
    with ThreadPoolExecutor(max_workers=max(1, len(unique))) as pool:
        reasons = pool.map(lambda name: why_unavailable(name, data_dir, cache_dir), unique)
    return {name: reason for name, reason in zip(unique, reasons, strict=True) if reason}


def where_to_put(name: str, data_dir: Path | None, why: str) -> str:
    """Return one line: that data set `name` is not there, `why`, and where to put which files."""
    looked = f"no files in {data_dir}" if data_dir else "no --data-dir was given"
    place = f"there ({data_dir})" if data_dir else "into a folder and give --data-dir FOLDER"
    return f"data set {name!r}: {looked}, {why}. Put {DATASETS[name].files} {place}"
