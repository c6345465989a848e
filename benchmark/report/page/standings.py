"""The page's leaderboards, and the comparisons that test their differences."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmark.analysis.compare import Comparison
from benchmark.analysis.finals import Kind
from benchmark.report.findings import Findings
from benchmark.report.page.cast import Cast
from benchmark.report.page.packing import rounded
from benchmark.report.page.tables import Board, Comparisons

KINDS: tuple[Kind, ...] = ("final", "best", "area")


@dataclass(frozen=True, kw_only=True)
class Standing:
    """The leaderboard and comparisons of one setting, by one kind of score of one metric."""

    board: Board
    comparisons: Comparisons


def standings(findings: Findings, cast: Cast, metric: str, kind: Kind) -> list[Standing]:
    """Return the standing in each setting; only the chosen variants are compared.

    Args:
        findings: The numbers of the report.
        cast: The settings and variants of the page.
        metric: Name, such as ``val/loss``.
        kind: The score that reduces each trial to one number.
    """
    found = findings.metrics[metric]
    families = found.families[kind]
    return [
        Standing(
            board=board,
            comparisons=_comparisons(cast, families.get(setting.name, [])),
        )
        for setting, board in zip(cast.settings, cast.split(found.boards[kind], Board), strict=True)
    ]


def _comparisons(cast: Cast, found: Sequence[Comparison]) -> Comparisons:
    differences = [one.difference for one in found]
    return Comparisons(
        a=[cast.variant(one.variant) for one in found],
        b=[cast.variant(one.reference) for one in found],
        pairs=[one.pairs for one in found],
        wins=[one.wins for one in found],
        ties=[one.ties for one in found],
        difference=[rounded(d.estimate) if d else None for d in differences],
        low=[rounded(d.low) if d else None for d in differences],
        high=[rounded(d.high) if d else None for d in differences],
        effect=[rounded(one.effect) for one in found],
        p=[rounded(one.p) for one in found],
        p_holm=[rounded(one.p_holm) for one in found],
    )
