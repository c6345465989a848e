"""Results by learning rate, and the expected gain from searching for it.

Test metrics choose nothing: they are shown for the variants that validation chose.
"""

from dataclasses import dataclass

from benchmark.report.findings import Findings
from benchmark.report.page.cast import Cast
from benchmark.report.page.tables import Basins, ExpectedBest, Responses


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """The learning-rate tables of one metric in one setting."""

    responses: Responses
    basins: Basins
    search: ExpectedBest


def tuning(findings: Findings, cast: Cast, metric: str) -> list[Tuning]:
    """Return the learning-rate tables of each setting."""
    found = findings.metrics[metric]
    split = zip(
        cast.split(found.responses, Responses),
        cast.split(found.basins, Basins),
        cast.split(found.search, ExpectedBest),
        strict=True,
    )
    return [Tuning(responses=a, basins=b, search=c) for a, b, c in split]
