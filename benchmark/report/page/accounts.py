"""The page's tables of costs, of trials that are not done, and of the origin of the records."""

from dataclasses import dataclass

import polars as pl

from benchmark.analysis.frame import Frames
from benchmark.axes import EPOCH, STEP
from benchmark.report.findings import Findings
from benchmark.report.page.cast import Cast
from benchmark.report.page.packing import table_of
from benchmark.report.page.tables import Costs, Troubles


@dataclass(frozen=True, kw_only=True)
class Fact:
    """A fact from the records' environments, with the number of trials that share it."""

    name: str
    value: str
    trials: int


def cost_tables(findings: Findings, cast: Cast) -> list[Costs]:
    """Return the costs in each setting."""
    return cast.split(findings.costs, Costs)


def troubles(frames: Frames, cast: Cast) -> Troubles:
    """Return every trial that is not done."""
    bad = frames.trials.filter(pl.col("status") != "done").sort(
        "status", "setting", "label", "seed", maintain_order=True
    )
    place = pl.col("setting").replace_strict(cast.places, return_dtype=pl.Int64)
    chosen = bad.select(place, "label", "seed", "status", "reason", STEP, EPOCH, "key")
    return table_of(chosen, Troubles)


def provenance(findings: Findings) -> list[Fact]:
    """Return the distinct facts of the records' environments; checksums name their data set."""
    facts = [
        Fact(
            name=f"data of {each.dataset}, SHA-256" if each.dataset else each.name,
            value=each.value,
            trials=each.trials,
        )
        for each in findings.origins
    ]
    return sorted(facts, key=_order)


_FIRST = ("suite", "commit", "python", "system", "cpu", "cores", "device")


def _order(fact: Fact) -> tuple[int, str]:
    return (_FIRST.index(fact.name) if fact.name in _FIRST else len(_FIRST), fact.name)
