"""Folders for data, as the environment variables name them; standard library only."""

import os
from pathlib import Path


def default_data_dir() -> Path | None:
    """Return $BENCHMARK_DATA_DIR, the folder of files put there by hand; None if it is not set."""
    chosen = os.environ.get("BENCHMARK_DATA_DIR")
    return Path(chosen) if chosen else None


def default_cache_dir() -> Path:
    """Return the folder for prepared data: $BENCHMARK_CACHE_DIR, or one in the user's cache."""
    chosen = os.environ.get("BENCHMARK_CACHE_DIR")
    return Path(chosen) if chosen else _user_cache() / "optimizer-benchmark"


def downloads_dir(cache_dir: Path | None) -> Path:
    """Return the folder for downloads, below `cache_dir` or the default cache."""
    return (cache_dir or default_cache_dir()) / "downloads"


def hub_cache_dir() -> Path:
    """Return the folder in which the Hugging Face hub's client keeps its downloads."""
    chosen = os.environ.get("HF_HUB_CACHE")
    if chosen:
        return Path(chosen)
    home = os.environ.get("HF_HOME")
    return (Path(home) if home else _user_cache() / "huggingface") / "hub"


def _user_cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
