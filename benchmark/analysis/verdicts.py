"""Verdicts on a confirmatory family: each variant compared with the reference on each problem.

Each contest has two tests: the paired t test shows a difference from the reference, and two
one-sided t tests show a difference smaller than the margin. Holm's method corrects each kind of
test over all contests. If a seed diverged, Wilcoxon's signed-rank test counts it as worst, and
equivalence cannot be shown. Contests without a verdict or results stay in the family, because it
was declared before the results were known; so no p falls as results come in.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from benchmark.analysis.compare import gains, holm
from benchmark.analysis.intervals import Array
from benchmark.analysis.paired import PairedT, equivalence_p, max_t, paired_t, rank_p
from benchmark.analysis.power import further_seeds, further_seeds_without_spread
from benchmark.analysis.signed_rank import effect_and_p, signed_ranks
from benchmark.metrics import higher_is_better
from benchmark.obstacles import FEWEST_SEEDS, Reason, level_of

Word = Literal["better", "worse", "equivalent", "undecided", "untuned"]
OverallWord = Literal["better", "worse", "mixed", "equivalent", "undecided", "untuned"]
Test = Literal["paired t", "signed ranks"]
Values = Mapping[int, float | None]


@dataclass(frozen=True, kw_only=True)
class Contest:
    """Final values of a variant and of its reference in one setting.

    Args:
        setting: The problem with its budget.
        metric: Name in records, such as ``val/loss``; determines the better direction.
        optimizer: Name of the optimizer.
        variant: Name of its variant, with hyperparameters.
        reference: The reference variant.
        values: Values by evaluation seed; None where the trial diverged.
        reference_values: Values of the reference by evaluation seed.
        margin: The largest difference that does not matter, in the metric's unit, 0 or more; fixed
            before the first evaluation.
        untuned: Reason for giving no verdict; None if a verdict may be given.
        is_complete: Both have a result on every declared seed; otherwise there is no verdict, and
            the contest counts in corrections with p = 1.
    """

    setting: str
    metric: str
    optimizer: str
    variant: str
    reference: str
    values: Values
    reference_values: Values
    margin: float
    untuned: Reason | None = None
    is_complete: bool = True


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The verdict on a contest, with its numbers.

    Args:
        setting, metric, optimizer, variant, reference, margin: Those of the contest.
        word: The verdict.
        untuned: The reason for the word ``untuned``.
        n: Number of seeds that both have, including diverged ones.
        difference: Mean of variant − reference over the seeds in which neither diverged, in the
            metric's unit; None without such seeds.
        low, high: Its 95 % interval by Student's t; None below two such seeds.
        relative, relative_low, relative_high: The same three as shares of the absolute mean of the
            reference over these seeds; None where that is 0.
        dz: Difference divided by the standard deviation of the differences; None below two seeds,
            and if all differences have the same value other than 0.
        test: Test that gives ``p``.
        p: Two-sided p, Holm-corrected over the family.
        p_equivalence: p of two one-sided tests, Holm-corrected over the family.
        diverged, reference_diverged: Numbers of diverged seeds.
        more_seeds: Further seeds that would probably decide, for ``undecided`` without divergence;
            None if more than `power.MOST_FURTHER`.
        note: A sentence on what is unusual about the test, otherwise empty.
    """

    setting: str
    metric: str
    optimizer: str
    variant: str
    reference: str
    margin: float
    word: Word
    untuned: Reason | None
    n: int
    difference: float | None
    low: float | None
    high: float | None
    relative: float | None
    relative_low: float | None
    relative_high: float | None
    dz: float | None
    test: Test
    p: float
    p_equivalence: float
    diverged: int
    reference_diverged: int
    more_seeds: int | None
    note: str


def judge(
    family: Sequence[Contest], *, stages: int = 1, declared: int | None = None
) -> list[Verdict]:
    """Return the verdict on each contest of a confirmatory family, in its order.

    Args:
        family: The contests with results so far.
        stages: Number of declared looks at the data, 1 or 2; see `level_of`.
        declared: Number of contests that were declared, all of which count in Holm's corrections,
            those without results with p = 1; None if they are those of `family`.

    Raises:
        ValueError: a value or margin is not finite, the better direction of a metric is unknown,
            there are more than two stages, or more contests than were declared.
    """
    level = level_of(stages)
    absent = 0 if declared is None else declared - len(family)
    if absent < 0:
        raise ValueError(f"expected at most {declared} contests, as declared, got {len(family)}")
    measured = [_measure(contest) for contest in family]
    p = holm([*(one.p for one in measured), *[1.0] * absent])
    p_equivalence = holm([*(one.p_equivalence for one in measured), *[1.0] * absent])
    # Holm's factor for the clearest of the contests that are still open.
    open_level = level / max(1, int((p > level).sum()))
    open_equivalence = level / max(1, int((p_equivalence > level).sum()))
    found = []
    for contest, one, of_difference, of_equivalence in zip(
        family, measured, p[: len(family)], p_equivalence[: len(family)], strict=True
    ):
        untuned = _untuned(contest, one.n)
        word = _word(one, untuned, of_difference <= level, of_equivalence <= level)
        found.append(
            Verdict(
                setting=contest.setting,
                metric=contest.metric,
                optimizer=contest.optimizer,
                variant=contest.variant,
                reference=contest.reference,
                margin=contest.margin,
                word=word,
                untuned=untuned,
                n=one.n,
                difference=one.t.difference,
                low=one.t.low,
                high=one.t.high,
                relative=_share(one.t.difference, one.scale),
                relative_low=_share(one.t.low, one.scale),
                relative_high=_share(one.t.high, one.scale),
                dz=one.t.dz,
                test="signed ranks" if one.any_diverged else "paired t",
                p=float(of_difference),
                p_equivalence=float(of_equivalence),
                diverged=_diverged(contest.values),
                reference_diverged=_diverged(contest.reference_values),
                more_seeds=_more(one, contest, open_level, open_equivalence)
                if word == "undecided"
                else None,
                note=_note(one),
            )
        )
    return found


def overall(verdicts: Sequence[Verdict]) -> OverallWord:
    """Return one word for an optimizer over all problems, from its verdicts in one family.

    Better on at least one problem and worse on none is ``better``, and the reverse ``worse``; both
    are ``mixed``. ``equivalent`` and ``untuned`` hold only if they hold on every problem. Otherwise
    it is ``undecided``.

    Raises:
        ValueError: there is no verdict, or there are verdicts on several optimizers.
    """
    optimizers = sorted({verdict.optimizer for verdict in verdicts})
    if len(optimizers) != 1:
        raise ValueError(
            f"expected verdicts on one optimizer, got {len(optimizers)}: {', '.join(optimizers)}"
        )
    words = {verdict.word for verdict in verdicts}
    if {"better", "worse"} <= words:
        return "mixed"
    for word in ("better", "worse"):
        if word in words:
            return word
    (first, *others) = words
    return first if not others else "undecided"


def every_pair(metric: str, values: Mapping[str, Values]) -> dict[tuple[str, str], float]:
    """Return the p of every pair of variants, corrected for all pairs by max-T (`paired.max_t`).

    Args:
        metric: Name in records.
        values: Values by variant and seed, None where diverged; only seeds that all have count.
    """
    pairs = list(itertools.combinations(values, 2))
    if not pairs:
        return {}
    common = set.intersection(*(set(of) for of in values.values()))
    table = {
        name: _with_worst(metric, {seed: of[seed] for seed in common})
        for name, of in values.items()
    }
    each = np.stack([gains(metric, table[a], table[b]) for a, b in pairs])
    return dict(zip(pairs, max_t(each).tolist(), strict=True))


@dataclass(frozen=True, kw_only=True)
class _Measured:
    """Numbers of one contest before correction."""

    n: int
    t: PairedT  # of variant − reference
    gain: float  # positive if the variant is better, with divergence as worst
    scale: float | None
    p: float
    p_equivalence: float
    any_diverged: bool
    has_one_sign: bool  # one variant wins every seed


def _measure(contest: Contest) -> _Measured:
    _check(contest)
    metric = contest.metric
    ours, theirs = (
        _with_worst(metric, values) for values in (contest.values, contest.reference_values)
    )
    seeds = sorted(ours.keys() & theirs.keys())
    each = gains(metric, ours, theirs)
    done = np.array(
        [math.isfinite(ours[s]) and math.isfinite(theirs[s]) for s in seeds], dtype=bool
    )
    sign = 1.0 if higher_is_better(metric) else -1.0
    t = paired_t(sign * each[done] + 0.0)  # no negative zero
    reference = [theirs[seed] for seed, is_done in zip(seeds, done, strict=True) if is_done]
    any_diverged = not bool(done.all())
    return _Measured(
        n=len(seeds),
        t=t,
        gain=effect_and_p(signed_ranks(each))[0] if any_diverged else sign * (t.difference or 0.0),
        scale=abs(float(np.mean(reference))) if reference else None,
        p=_difference_p(each, done, t) if contest.is_complete else 1.0,
        p_equivalence=_equivalence_p(each, done, contest.margin) if contest.is_complete else 1.0,
        any_diverged=any_diverged,
        has_one_sign=bool((each > 0).all() or (each < 0).all()),
    )


def _difference_p(each: Array, done: Array, t: PairedT) -> float:
    return t.p if done.all() else float(rank_p(each))


def _equivalence_p(each: Array, done: Array, margin: float) -> float:
    """Return 1 where a seed diverged, unless both are equal in every seed."""
    if done.all():
        return float(equivalence_p(each, margin))
    return 0.0 if not each.any() and done.sum() >= FEWEST_SEEDS else 1.0


def _check(contest: Contest) -> None:
    where = f"{contest.variant} against {contest.reference} in {contest.setting}"
    if not 0 <= contest.margin < math.inf:
        raise ValueError(f"{where}: expected a margin of 0 or more, got {contest.margin}")
    if contest.untuned is not None and contest.untuned not in get_args(Reason):
        raise ValueError(
            f"{where}: unknown reason {contest.untuned!r}. Known: {', '.join(get_args(Reason))}"
        )
    for values in (contest.values, contest.reference_values):
        for seed, value in values.items():
            if value is not None and not math.isfinite(value):
                raise ValueError(
                    f"{where}: expected a finite value of seed {seed}, or None if it diverged, "
                    f"got {value}"
                )


def _with_worst(metric: str, values: Values) -> dict[int, float]:
    worst = -math.inf if higher_is_better(metric) else math.inf
    return {seed: worst if value is None else value for seed, value in values.items()}


def _diverged(values: Values) -> int:
    return sum(value is None for value in values.values())


def _untuned(contest: Contest, seeds: int) -> Reason | None:
    if contest.untuned:
        return contest.untuned
    if not contest.is_complete:
        return "declared seeds incomplete"
    return "fewer than 5 seeds" if seeds < FEWEST_SEEDS else None


def _word(one: _Measured, untuned: Reason | None, differs: bool, is_equivalent: bool) -> Word:
    if untuned:
        return "untuned"
    if is_equivalent:
        return "equivalent"
    if differs:
        return "better" if one.gain > 0 else "worse"
    return "undecided"


def _share(value: float | None, scale: float | None) -> float | None:
    return value / scale if value is not None and scale else None


def _more(one: _Measured, contest: Contest, level: float, equivalence_level: float) -> int | None:
    t = one.t
    if one.any_diverged:  # the same winner in every future seed, as in those so far
        return (
            further_seeds_without_spread(
                seeds=one.n, is_inside=False, level=level, equivalence_level=equivalence_level
            )
            if one.has_one_sign
            else None
        )
    if t.difference is None or t.deviation is None:
        return None
    if t.dz is None:
        return further_seeds_without_spread(
            seeds=t.n,
            is_inside=abs(t.difference) < contest.margin,
            level=level,
            equivalence_level=equivalence_level,
        )
    return further_seeds(
        seeds=t.n,
        dz=t.dz,
        margin=contest.margin / t.deviation,
        level=level,
        equivalence_level=equivalence_level,
    )


def _note(one: _Measured) -> str:
    if one.n == 0:
        return "no seed in common"
    if one.any_diverged:
        rest = f"; the difference is over the other {one.t.n}" if one.t.n else ""
        return f"diverged seeds count as worst{rest}"
    if one.n > 1 and one.t.deviation == 0:
        if one.t.difference == 0:
            return "equal in every seed"
        return "the difference is the same in every seed, so that p is that of its signs"
    return ""
