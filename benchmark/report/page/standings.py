"""Who is how good, and whether the difference is real: the leaderboard and its comparisons."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmark.analysis.compare import Comparison, seeds_needed
from benchmark.analysis.finals import Kind
from benchmark.report.findings import Findings
from benchmark.report.page.cast import Cast
from benchmark.report.page.packing import Columns, rounded

KINDS: tuple[Kind, ...] = ("final", "best", "area")


@dataclass(frozen=True, kw_only=True)
class Standing:
    """One metric, reduced to one number per trial in one way, in one setting.

    Args:
        board: Columns of `finals.leaderboard`, ``variant`` as a place.
        comparisons: Columns ``a, b`` (places of variants), ``pairs, wins, ties, difference, low,
            high, effect, p, p_holm, verdict``: how ``a`` does against ``b``.
        seeds_needed: Paired seeds with which one of so many comparisons can be significant.
    """

    board: Columns
    comparisons: Columns
    seeds_needed: int


def standings(findings: Findings, cast: Cast, metric: str, kind: Kind) -> list[Standing]:
    """Return the standing in each setting; only the chosen variants are compared.

    Args:
        findings: The numbers.
        cast: Who takes part.
        metric: What is measured.
        kind: One number of each trial.
    """
    found = findings.metrics[metric]
    families = found.families[kind]
    return [
        Standing(
            board=board,
            comparisons=_columns(cast, families.get(setting.name, [])),
            seeds_needed=seeds_needed(len(families.get(setting.name, []))),
        )
        for setting, board in zip(cast.settings, cast.split(found.boards[kind]), strict=True)
    ]


def _columns(cast: Cast, found: Sequence[Comparison]) -> Columns:
    differences = [one.difference for one in found]
    return {
        "a": [cast.variant(one.variant) for one in found],
        "b": [cast.variant(one.reference) for one in found],
        "pairs": [one.pairs for one in found],
        "wins": [one.wins for one in found],
        "ties": [one.ties for one in found],
        "difference": [rounded(d.estimate) if d else None for d in differences],
        "low": [rounded(d.low) if d else None for d in differences],
        "high": [rounded(d.high) if d else None for d in differences],
        "effect": [rounded(one.effect) for one in found],
        "p": [rounded(one.p) for one in found],
        "p_holm": [rounded(one.p_holm) for one in found],
        "verdict": [one.verdict for one in found],
    }
