"""All pairs of the optimizers of a setting, beside the confirmatory family.

The family that was declared compares each optimizer with the reference. Where there are few
optimizers, this says how the others compare with each other: exploratory, with p of sign-flip max-T
(Westfall & Young 1993), corrected for all pairs of the setting. A pair with the reference keeps the
word of the confirmatory family, so that the two never contradict each other.
"""

import itertools
from dataclasses import dataclass, replace

from benchmark.analysis.judging import Entrant, Judgement, contest_between
from benchmark.analysis.paired import EXACT_UP_TO
from benchmark.analysis.verdicts import Verdict, judge_pairs
from benchmark.obstacles import FEWEST_SEEDS

OPTIMIZERS = range(3, 7)  # two have one pair, the confirmatory one; seven have 21


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two optimizers compared in one setting.

    Args:
        verdict: That on the first against the second (its ``reference``), with p of max-T.
        is_confirmatory: The second is the study's reference: the word is that of the confirmatory
            family, and only p is of this one.
    """

    verdict: Verdict
    is_confirmatory: bool


def all_pairs(judgement: Judgement) -> tuple[Pair, ...]:
    """Return all pairs by setting; none for other numbers of optimizers than `OPTIMIZERS`.

    A setting has none either before all declared optimizers have a result on every declared seed,
    or with fewer than `FEWEST_SEEDS` seeds.
    """
    declaration = judgement.declaration
    labels = declaration.labels
    if len(labels) not in OPTIMIZERS or len(declaration.seeds) < FEWEST_SEEDS:
        return ()
    by_setting: dict[str, list[Entrant]] = {}
    for each in judgement.entrants:
        by_setting.setdefault(each.setting, []).append(each)
    return tuple(
        pair
        for here in by_setting.values()
        if sorted(each.label for each in here) == sorted(labels)
        for pair in _pairs_of(judgement, here)
    )


def is_exact(judgement: Judgement) -> bool:
    """Return whether all sign vectors of the seeds were tried, rather than a sample of them."""
    return len(judgement.declaration.seeds) <= EXACT_UP_TO


def _pairs_of(judgement: Judgement, here: list[Entrant]) -> list[Pair]:
    """Return the pairs of one setting, the reference last; none unless all seeds are complete."""
    declaration, reference = judgement.declaration, judgement.reference
    confirmed = {
        verdict.optimizer: verdict
        for verdict in judgement.confirmatory
        if verdict.setting == here[0].setting
    }
    in_order = sorted(here, key=lambda each: each.label == reference)
    contests = [
        contest_between(declaration, declaration.confirmatory, one, other)
        for one, other in itertools.combinations(in_order, 2)
    ]
    if not confirmed or not all(contest.is_complete for contest in contests):
        return []
    margin = next(iter(confirmed.values())).margin
    contests = [replace(contest, margin=margin) for contest in contests]
    found = []
    for verdict in judge_pairs(contests, stages=declaration.stages):
        declared = confirmed[verdict.optimizer] if verdict.reference == reference else None
        kept = replace(verdict, word=declared.word, untuned=declared.untuned) if declared else None
        found.append(Pair(verdict=kept or verdict, is_confirmatory=declared is not None))
    return found
