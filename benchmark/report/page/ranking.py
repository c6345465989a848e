"""Average ranks with their critical difference, over settings and over the seeds of each."""

from dataclasses import dataclass

from benchmark.analysis.ranks import Ranking
from benchmark.report.findings import Findings


@dataclass(frozen=True, kw_only=True)
class Ranks:
    """Rankings of one metric; None where there is nothing to rank.

    Args:
        over_settings: Blocks are settings.
        over_seeds: For each setting; blocks are its seeds.
    """

    over_settings: Ranking | None
    over_seeds: list[Ranking | None]


def ranks(findings: Findings, metric: str) -> Ranks:
    """Return how the optimizers rank by the final `metric`, each with its chosen variant."""
    found = findings.metrics[metric]
    return Ranks(over_settings=found.ranking, over_seeds=list(found.seed_rankings.values()))
