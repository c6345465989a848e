"""The answer in plain words, one for each setting, no bolder than the seeds allow."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from benchmark.analysis.compare import Comparison, seeds_needed
from benchmark.analysis.finals import leaderboard, passed_over
from benchmark.analysis.frame import Frames
from benchmark.metrics import CHOOSING, on_test
from benchmark.report.page.cast import Cast, Setting
from benchmark.report.page.standings import compared_scores, comparisons
from benchmark.report.words import (
    NO_BREAK,
    claim_words,
    counted,
    passed_over_words,
    seeds_words,
    together,
    value_words,
)

_RIVALS = 2  # that are named; the leaderboard has all


@dataclass(frozen=True, kw_only=True)
class Headline:
    """What one setting says.

    Args:
        claim: Who is best, or that nobody is.
        evidence: Sentences on rivals, each with its p and verdict.
    """

    claim: str
    evidence: tuple[str, ...]


def headlines(frames: Frames, cast: Cast, reference: str | None) -> list[Headline]:
    """Return the headline of each setting."""
    metric = next((name for name in CHOOSING if name in frames.trials.columns), None)
    if metric is None:
        return [_nobody(setting) for setting in cast.settings]
    chosen = compared_scores(frames, metric, "final").filter(pl.col("variant").is_in(cast.chosen))
    families = comparisons(chosen, reference)
    board = cast.numbered(leaderboard(chosen))
    passed = passed_over(frames)
    return [
        _nobody(setting)
        if not setting.winners
        else _headline(
            cast,
            setting,
            metric,
            board.filter(setting=setting.name),
            passed.filter(setting=setting.name),
            families.get(setting.name, []),
        )
        for setting in cast.settings
    ]


def _headline(
    cast: Cast,
    setting: Setting,
    metric: str,
    board: pl.DataFrame,
    passed: pl.DataFrame,
    family: Sequence[Comparison],
) -> Headline:
    better = passed.select("label", "mean", "seeds", "diverged").rows()
    return Headline(
        claim=_claim(cast.frames, setting, metric, board, among_steady=bool(better)),
        evidence=(
            *(passed_over_words(metric, *row) for row in better),
            *_evidence(cast, setting, board, family),
        ),
    )


def _nobody(setting: Setting) -> Headline:
    if any(variant.statuses.get("done") for variant in setting.variants):
        claim = f"On {setting.title}, every optimizer has a seed that diverged: none is best."
    else:
        claim = f"On {setting.title}, no trial is done: there is nothing to compare."
    return Headline(claim=claim, evidence=())


def _claim(
    frames: Frames, setting: Setting, metric: str, board: pl.DataFrame, *, among_steady: bool
) -> str:
    names = [setting.variants[winner].label for winner in setting.winners]
    rows = board.filter(pl.col("variant").is_in(setting.winners)).to_dicts()
    spreads = {_spread(metric, row): None for row in rows}
    how = f" ({next(iter(spreads))})" if len(spreads) == 1 else ""
    return (
        f"{claim_words(names, metric, setting.title, among_steady=among_steady)}: "
        f"{value_words(metric, rows[0]['mean'])}{how}{_on_test(frames, setting, names)}."
    )


def _spread(metric: str, row: Mapping[str, Any]) -> str:
    seeds = counted(row["seeds"], "seed")
    if row["low"] is None:
        return seeds
    low, high = (value_words(metric, row[end]) for end in ("low", "high"))
    return f"95{NO_BREAK}% interval {low} to {high}, {seeds}"


def _on_test(frames: Frames, setting: Setting, names: Sequence[str]) -> str:
    metric = on_test(frames.trials.columns)
    if metric is None:
        return ""
    here = frames.trials.filter(setting=setting.name)
    means = [here.filter(label=name)[metric].mean() for name in names]
    words = {value_words(metric, each): None for each in means if isinstance(each, float)}
    return f"; {together(list(words))} on test data" if words else ""


def _evidence(
    cast: Cast, setting: Setting, board: pl.DataFrame, family: Sequence[Comparison]
) -> tuple[str, ...]:
    pairs = [(cast.variant(one.variant), cast.variant(one.reference), one) for one in family]
    if not pairs:
        return ("There is nothing to compare it with here.",)
    # Equal winners stand together; one of them may be the reference, which all are compared with.
    winner = max(setting.winners, key=lambda one: sum(one in pair[:2] for pair in pairs))
    order = {variant: i for i, variant in enumerate(board["variant"])}
    own = [(b if a == winner else a, a == winner, one) for a, b, one in pairs if winner in (a, b)]
    rivals = [each for each in own if each[0] not in setting.winners]
    closest_first = sorted(rivals, key=lambda each: order[each[0]])
    name = setting.variants[winner].label if len(setting.winners) > 1 else ""
    sentences = [
        _sentence(name, setting.variants[rival].label, one, is_first=is_first, size=len(family))
        for rival, is_first, one in closest_first[:_RIVALS]
    ]
    rest = closest_first[_RIVALS:]
    if rest:
        clear = sum(one.verdict == ("better" if is_first else "worse") for _, is_first, one in rest)
        sentences.append(
            f"Of the {len(rest)} others it is ahead of {clear or 'none'} with a corrected p of at "
            f"most 5{NO_BREAK}%."
        )
    counts = board.select(pl.col("seeds") + pl.col("diverged")).to_series()
    apart = seeds_words(counts, "Optimizers")
    return (*sentences, *[apart] * bool(apart))


def _sentence(name: str, rival: str, one: Comparison, *, is_first: bool, size: int) -> str:
    losses = one.pairs - one.wins - one.ties
    ahead = one.wins if is_first else losses
    if one.pairs == 0:
        return f"It shares no seed with {rival}: they cannot be compared."
    ties = f" (equal in {one.ties})" if one.ties else ""
    correction = f", corrected for {size} comparisons" if size > 1 else ""
    p = "p < 0.001" if one.p_holm < 0.001 else f"p = {one.p_holm:.2g}"
    ahead_of = f"{name} is ahead of" if name else "Ahead of"
    return (
        f"{ahead_of} {rival} in {ahead} of {counted(one.pairs, 'seed')}{ties}, {p}{correction}: "
        f"{_verdict(one, is_first=is_first, size=size)}."
    )


def _verdict(one: Comparison, *, is_first: bool, size: int) -> str:
    if one.verdict == "too few seeds to conclude":
        return f"too few seeds to conclude, {seeds_needed(size)} needed"
    if one.verdict == "no difference shown":
        return one.verdict
    return "a significant lead" if (one.verdict == "better") == is_first else "significantly worse"
