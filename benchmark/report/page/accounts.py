"""What went wrong, what it cost, and where it comes from."""

import json
from dataclasses import dataclass
from typing import Any

import polars as pl

from benchmark.analysis.cost import costs
from benchmark.analysis.frame import Frames
from benchmark.metrics import EPOCH, STEP
from benchmark.report.page.cast import Cast
from benchmark.report.page.packing import Columns, columns


@dataclass(frozen=True, kw_only=True)
class Fact:
    """One fact about where records come from, with the number of trials that say so."""

    name: str
    value: str
    trials: int


def cost_tables(frames: Frames, cast: Cast) -> list[Columns]:
    """Return the columns of `cost.costs` for each setting."""
    return cast.split(costs(frames))


def troubles(frames: Frames, cast: Cast) -> Columns:
    """Return every trial that is not done.

    Columns ``setting`` (place), ``label, seed, status, reason, step, epoch, key``.
    """
    bad = frames.trials.filter(pl.col("status") != "done").sort(
        "status", "setting", "label", "seed", maintain_order=True
    )
    place = pl.col("setting").replace_strict(cast.places, return_dtype=pl.Int64)
    return columns(bad.select(place, "label", "seed", "status", "reason", STEP, EPOCH, "key"))


def provenance(frames: Frames) -> list[Fact]:
    """Return every fact of the records' environments once, data sets' checksums by data set."""
    counts: dict[tuple[str, str], int] = {}
    for dataset, text in frames.trials.select("dataset", "environment").iter_rows():
        for name, value in _facts(dataset, json.loads(text)):
            counts[name, value] = counts.get((name, value), 0) + 1
    return [
        Fact(name=n, value=v, trials=count) for (n, v), count in sorted(counts.items(), key=_order)
    ]


def _facts(dataset: str, environment: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        (f"data of {dataset}, SHA-256" if name == "data" else name, str(value))
        for name, value in environment.items()
        if value not in ("", None)
    ]


_FIRST = ("suite", "commit", "python", "system", "cpu", "cores", "device")


def _order(fact: tuple[tuple[str, str], int]) -> tuple[int, str]:
    name = fact[0][0]
    return (_FIRST.index(name) if name in _FIRST else len(_FIRST), name)
