"""Results by learning rate, and the expected gain from searching for it.

Test metrics choose nothing: they are shown for the variants that validation chose.
"""

from dataclasses import dataclass

from benchmark.report.findings import Findings
from benchmark.report.page.cast import Cast
from benchmark.report.page.packing import Columns


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """Columns of `by_learning_rate`, `basins` and `expected_best`, of one metric in one setting."""

    responses: Columns
    basins: Columns
    search: Columns


def tuning(findings: Findings, cast: Cast, metric: str) -> list[Tuning]:
    """Return the learning-rate tables of each setting."""
    found = findings.metrics[metric]
    split = zip(*map(cast.split, (found.responses, found.basins, found.search)), strict=True)
    return [Tuning(responses=a, basins=b, search=c) for a, b, c in split]
