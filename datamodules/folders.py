"""The folders that data are kept in, as the environment names them; standard library only."""

import os
from pathlib import Path


def default_data_dir() -> Path | None:
    """Return where files were laid down by hand, $BENCHMARK_DATA_DIR, None if that is not set."""
    chosen = os.environ.get("BENCHMARK_DATA_DIR")
    return Path(chosen) if chosen else None


def default_cache_dir() -> Path:
    """Return where prepared data go: $BENCHMARK_CACHE_DIR, or a folder in the user's cache."""
    chosen = os.environ.get("BENCHMARK_CACHE_DIR")
    return Path(chosen) if chosen else _user_cache() / "optimizer-benchmark"


def downloads_dir(cache_dir: Path | None) -> Path:
    """Return where downloads go, below `cache_dir` or the default one."""
    return (cache_dir or default_cache_dir()) / "downloads"


def hub_cache_dir() -> Path:
    """Return where the Hugging Face hub's client keeps what it has downloaded."""
    chosen = os.environ.get("HF_HUB_CACHE")
    if chosen:
        return Path(chosen)
    home = os.environ.get("HF_HOME")
    return (Path(home) if home else _user_cache() / "huggingface") / "hub"


def _user_cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
