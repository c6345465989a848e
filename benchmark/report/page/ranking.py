"""Average ranks with their critical difference, over settings and over the seeds of each."""

from dataclasses import dataclass

from benchmark.analysis.ranks import Ranking
from benchmark.report.findings import Findings


@dataclass(frozen=True, kw_only=True)
class Ranks:
    """The rankings of one metric; None if there is nothing to rank.

    Args:
        over_settings: Ranking with settings as blocks.
        over_seeds: One ranking per setting, with its seeds as blocks.
    """

    over_settings: Ranking | None
    over_seeds: list[Ranking | None]


def ranks(findings: Findings, metric: str) -> Ranks:
    """Return the ranks of the optimizers' chosen variants by the final `metric`."""
    found = findings.metrics[metric]
    return Ranks(over_settings=found.ranking, over_seeds=list(found.seed_rankings.values()))
