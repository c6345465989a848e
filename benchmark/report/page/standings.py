"""Who is how good, and whether the difference is real: the leaderboard and its comparisons."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from benchmark.analysis.compare import Comparison, against, pairwise, seeds_needed
from benchmark.analysis.finals import Kind, leaderboard, scores
from benchmark.analysis.frame import Frames
from benchmark.metrics import validation_of
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


def standings(
    frames: Frames, cast: Cast, metric: str, kind: Kind, reference: str | None
) -> list[Standing]:
    """Return the standing in each setting.

    Args:
        frames: All trials.
        cast: Who takes part; only the chosen variants are compared.
        metric: What is measured.
        kind: One number of each trial.
        reference: Compare all with this optimizer; None compares everyone with everyone.
    """
    found = compared_scores(frames, metric, kind)
    boards = cast.split(leaderboard(found))
    families = comparisons(found.filter(pl.col("variant").is_in(cast.chosen)), reference)
    return [
        Standing(
            board=board,
            comparisons=_columns(cast, families.get(setting.name, [])),
            seeds_needed=seeds_needed(len(families.get(setting.name, []))),
        )
        for setting, board in zip(cast.settings, boards, strict=True)
    ]


def compared_scores(frames: Frames, metric: str, kind: Kind) -> pl.DataFrame:
    """Return `finals.scores`; the best of a test metric is read where validation was best."""
    by = validation_of(metric)
    return scores(frames, metric, kind=kind, by=by if by in frames.metrics else "")


def comparisons(chosen: pl.DataFrame, reference: str | None) -> Mapping[str, Sequence[Comparison]]:
    """Return the comparisons of each setting: of all pairs, or with `reference` alone.

    Args:
        chosen: From `compared_scores`, of the chosen variants.
        reference: An optimizer; settings without it compare nothing.
    """
    if chosen.is_empty():
        return {}
    found: dict[str, list[Comparison]] = {}
    for one in against(chosen, reference) if reference else pairwise(chosen):
        found.setdefault(one.setting, []).append(one)
    return found


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
