"""How much the learning rate matters, and what a search for it is worth.

Test metrics choose nothing: they are shown of what the same validation metric chose.
"""

from dataclasses import dataclass

from benchmark.report.findings import Findings
from benchmark.report.page.cast import Cast
from benchmark.report.page.packing import Columns


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """One metric in one setting: columns of `by_learning_rate`, `basins`, `expected_best`."""

    responses: Columns
    basins: Columns
    search: Columns


def tuning(findings: Findings, cast: Cast, metric: str) -> list[Tuning]:
    """Return what is known of learning rates in each setting."""
    found = findings.metrics[metric]
    split = zip(*map(cast.split, (found.responses, found.basins, found.search)), strict=True)
    return [Tuning(responses=a, basins=b, search=c) for a, b, c in split]
