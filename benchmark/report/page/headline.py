"""The answer in plain words, one for each setting, no bolder than the seeds allow."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from benchmark.analysis.compare import ALPHA, Comparison, seeds_needed
from benchmark.analysis.finals import leaderboard
from benchmark.analysis.frame import Frames
from benchmark.analysis.metrics import CHOOSING, higher_is_better
from benchmark.report.page.cast import Cast, Setting
from benchmark.report.page.standings import compared_scores, comparisons
from benchmark.report.words import NO_BREAK, metric_words, value_words

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
    numbers = compared_scores(frames, metric, "final")
    families = comparisons(numbers.filter(pl.col("variant").is_in(cast.chosen)), reference)
    board = cast.numbered(leaderboard(numbers))
    return [
        _nobody(setting)
        if setting.winner is None
        else _headline(cast, setting, metric, board.filter(setting=setting.name), families)
        for setting in cast.settings
    ]


def _headline(
    cast: Cast,
    setting: Setting,
    metric: str,
    board: pl.DataFrame,
    families: Mapping[str, Sequence[Comparison]],
) -> Headline:
    return Headline(
        claim=_claim(cast.frames, setting, metric, board),
        evidence=_evidence(cast, setting, board, families.get(setting.name, [])),
    )


def _nobody(setting: Setting) -> Headline:
    if any(variant.statuses.get("done") for variant in setting.variants):
        claim = f"On {setting.title}, every optimizer has a seed that diverged: none is best."
    else:
        claim = f"On {setting.title}, no trial is done: there is nothing to compare."
    return Headline(claim=claim, evidence=())


def _claim(frames: Frames, setting: Setting, metric: str, board: pl.DataFrame) -> str:
    assert setting.winner is not None
    winner = setting.variants[setting.winner]
    row = board.row(by_predicate=pl.col("variant") == setting.winner, named=True)
    superlative = "highest" if higher_is_better(metric) else "lowest"
    seeds = f"{row['seeds']} seed{'s' * (row['seeds'] != 1)}"
    interval = (
        f"95{NO_BREAK}% interval {value_words(metric, row['low'])} to "
        f"{value_words(metric, row['high'])}, "
        if row["low"] is not None
        else ""
    )
    return (
        f"{winner.label} reached the {superlative} {metric_words(metric)} on {setting.title}: "
        f"{value_words(metric, row['mean'])} ({interval}{seeds}){_on_test(frames, setting)}."
    )


def _on_test(frames: Frames, setting: Setting) -> str:
    if "test/accuracy" not in frames.trials.columns or setting.winner is None:
        return ""
    label = setting.variants[setting.winner].label
    own = frames.trials.filter(setting=setting.name, label=label)["test/accuracy"].mean()
    return f"; {value_words('test/accuracy', own)} on test data" if isinstance(own, float) else ""


def _evidence(
    cast: Cast, setting: Setting, board: pl.DataFrame, family: Sequence[Comparison]
) -> tuple[str, ...]:
    pairs = [(cast.variant(one.variant), cast.variant(one.reference), one) for one in family]
    own = [
        (b if a == setting.winner else a, a == setting.winner, one)
        for a, b, one in pairs
        if setting.winner in (a, b)
    ]
    if not own:
        return ("There is nothing to compare it with here.",) if len(pairs) == 0 else ()
    order = {variant: i for i, variant in enumerate(board["variant"])}
    closest_first = sorted(own, key=lambda each: order[each[0]])
    sentences = [
        _sentence(setting.variants[rival].label, one, is_first=is_first, size=len(family))
        for rival, is_first, one in closest_first[:_RIVALS]
    ]
    rest = closest_first[_RIVALS:]
    if rest:
        clear = sum(one.p_holm <= ALPHA for _, _, one in rest)
        sentences.append(
            f"Of the {len(rest)} others it is ahead of {clear or 'none'} with a corrected p of at "
            f"most 5{NO_BREAK}%."
        )
    return tuple(sentences)


def _sentence(rival: str, one: Comparison, *, is_first: bool, size: int) -> str:
    losses = one.pairs - one.wins - one.ties
    ahead = one.wins if is_first else losses
    if one.pairs == 0:
        return f"It shares no seed with {rival}: they cannot be compared."
    ties = f" (equal in {one.ties})" if one.ties else ""
    correction = f", corrected for {size} comparisons" if size > 1 else ""
    p = "p < 0.001" if one.p_holm < 0.001 else f"p = {one.p_holm:.2g}"
    return (
        f"Ahead of {rival} in {ahead} of {one.pairs} seeds{ties}, {p}{correction}: "
        f"{_verdict(one, is_first=is_first, size=size)}."
    )


def _verdict(one: Comparison, *, is_first: bool, size: int) -> str:
    if one.verdict == "too few seeds to conclude":
        return f"too few seeds to conclude, {seeds_needed(size)} needed"
    if one.verdict == "no difference shown":
        return one.verdict
    return "the difference is real" if (one.verdict == "better") == is_first else "it is worse"
