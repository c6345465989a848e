import itertools
import math
from dataclasses import asdict, replace
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from benchmark.analysis.compare import holm
from benchmark.analysis.signed_rank import effect_and_p, signed_ranks
from benchmark.analysis.verdicts import (
    Contest,
    every_pair,
    judge,
    overall,
)
from benchmark.obstacles import Reason, level_of

MIRRORED = {"better": "worse", "worse": "better"}


def contest(
    values, reference=(1.0,) * 10, *, margin=0.01, setting="here", metric="val/loss", **rest
):
    return Contest(
        setting=setting,
        metric=metric,
        optimizer="mine",
        variant="mine lr=1",
        reference="adam lr=1",
        values=dict(enumerate(values)),
        reference_values=dict(enumerate(reference)),
        margin=margin,
        **rest,
    )


def one(*given, stages=1, **options):
    (found,) = judge([contest(*given, **options)], stages=stages)
    return found


def around(mean, spread, n=10):
    """Return n values with exactly this mean and standard deviation."""
    steps = np.linspace(-1, 1, n)
    return list(mean + spread * (steps - steps.mean()) / steps.std(ddof=1))


def test_a_clear_gain_is_better_with_all_numbers_beside_it():
    found = one(around(0.9, 0.05))
    theirs = stats.ttest_1samp(np.array(around(0.9, 0.05)) - 1.0, 0.0)
    assert (found.word, found.n, found.test, found.untuned, found.note) == (
        "better", 10, "paired t", None, "",
    )  # fmt: skip
    assert found.difference == pytest.approx(-0.1)
    assert (found.low, found.high) == pytest.approx(tuple(theirs.confidence_interval(0.95)))
    assert (found.relative, found.relative_low, found.relative_high) == pytest.approx(
        (found.difference, found.low, found.high)
    )
    assert found.dz == pytest.approx(-2.0)
    assert found.p == pytest.approx(theirs.pvalue)
    assert (found.diverged, found.reference_diverged, found.more_seeds) == (0, 0, None)


@pytest.mark.parametrize(("metric", "word"), [("val/loss", "worse"), ("val/accuracy", "better")])
def test_the_metric_says_which_direction_is_better(metric, word):
    found = one(around(0.9, 0.02), [0.5] * 10, metric=metric)
    assert found.word == word
    assert found.difference == pytest.approx(0.4)
    assert found.relative == pytest.approx(0.8)


def test_a_metric_of_unknown_direction_is_refused():
    with pytest.raises(ValueError, match="cannot say whether more is better"):
        one([1.0] * 10, metric="val/strange")


@pytest.mark.parametrize("stages", [1, 2])
def test_inside_the_margin_is_equivalent_even_where_the_difference_is_clear(stages):
    found = one(around(0.99, 0.005), margin=0.02, stages=stages)
    assert found.word == "equivalent"
    assert found.p < 0.01


def test_equivalent_means_that_the_90_percent_interval_lies_inside_the_margin():
    values = around(1.002, 0.01)
    interval = stats.ttest_1samp(np.array(values) - 1, 0.0).confidence_interval(0.9)
    assert one(values, margin=interval.high * 1.001).word == "equivalent"
    assert one(values, margin=interval.high * 0.999).word == "undecided"


def test_the_tests_of_equivalence_have_a_correction_of_their_own():
    family = [contest(around(1 + shift, 0.02), margin=0.02) for shift in (0.0, 0.001, 0.002, 0.3)]
    alone = [judge([each])[0] for each in family]
    found = judge(family)
    assert [each.p_equivalence for each in found] == pytest.approx(
        holm([each.p_equivalence for each in alone])
    )
    assert [each.p for each in found] == pytest.approx(holm([each.p for each in alone]))


def test_the_family_is_corrected_over_all_problems_untuned_ones_included():
    clear = contest(around(0.97, 0.03))
    assert judge([clear])[0].word == "better"
    rest = [
        contest(around(1, 0.1), setting=str(i), untuned="unequal budgets" if i % 2 else None)
        for i in range(17)
    ]
    found = judge([clear, *rest])[0]
    assert found.word == "undecided"
    assert found.p == pytest.approx(18 * judge([clear])[0].p)


@pytest.mark.parametrize("absent", [0, 1, 5])
def test_declared_contests_without_results_count_with_p_1(absent):
    family = [contest(around(mean, 0.05), setting=str(mean)) for mean in (0.95, 0.98, 1.0)]
    alone = [judge([each])[0] for each in family]
    found = judge(family, declared=3 + absent)
    for name in ("p", "p_equivalence"):
        expected = holm([*(getattr(each, name) for each in alone), *[1.0] * absent])[:3]
        assert [getattr(each, name) for each in found] == pytest.approx(list(expected))


def test_more_contests_than_were_declared_are_refused():
    with pytest.raises(ValueError, match="expected at most 1 contests, as declared, got 2"):
        judge([contest([1.0] * 10)] * 2, declared=1)


@pytest.mark.parametrize("values", [around(0.1, 0.01), [1.0] * 10, [None] * 10])
def test_an_incomplete_contest_has_no_verdict_and_p_1(values):
    found = one(values, is_complete=False)
    assert (found.word, found.untuned) == ("untuned", "declared seeds incomplete")
    assert (found.p, found.p_equivalence) == (1.0, 1.0)


def test_two_stages_halve_the_level():
    values = around(0.97, 0.037)
    p = one(values).p
    assert 0.025 < p < 0.05
    assert (one(values).word, one(values, stages=2).word) == ("better", "undecided")
    with pytest.raises(ValueError, match="expected 1 or 2 stages, got 3"):
        level_of(3)


@pytest.mark.parametrize("n", [5, 6, 10, 30])
@pytest.mark.parametrize("margin", [0.0, 0.01])
def test_equal_bits_are_equivalent_with_p_1(n, margin):
    values = around(1.0, 0.1, n)
    found = one(values, values, margin=margin)
    assert (found.word, found.p, found.p_equivalence, found.note) == (
        "equivalent", 1.0, 0.0, "equal in every seed",
    )  # fmt: skip
    assert (found.difference, found.low, found.high, found.dz, found.relative) == (0, 0, 0, 0, 0)


@pytest.mark.parametrize(("n", "word", "more"), [(5, "undecided", 1), (6, "better", None)])
def test_the_same_difference_in_every_seed_counts_by_its_signs(n, word, more):
    found = one([0.75] * n, [1.0] * n)
    assert (found.word, found.p, found.dz, found.more_seeds) == (word, 2 * 0.5**n, None, more)
    assert (found.difference, found.low, found.high) == (-0.25, -0.25, -0.25)
    assert found.note.startswith("the difference is the same in every seed")


def test_differences_of_accuracies_that_differ_by_rounding_are_the_same():
    counts = np.array([300, 301, 310, 320, 333])
    found = one(list((counts + 1) / 360), list(counts / 360), metric="val/accuracy")
    assert (found.p, found.dz) == (2 * 0.5**5, None)


@pytest.mark.parametrize("n", range(5))
def test_below_5_seeds_there_is_no_verdict(n):
    for values in ([0.1] * n, [1.0] * n, around(0.1, 1e-6, n) if n > 1 else [0.1] * n):
        found = one(values)
        assert (found.word, found.untuned, found.n) == ("untuned", "fewer than 5 seeds", n)
        assert found.more_seeds is None


def test_without_a_common_seed_nothing_is_measured():
    found = one([])
    assert (found.difference, found.low, found.relative, found.dz) == (None, None, None, None)
    assert (found.p, found.p_equivalence, found.note) == (1.0, 1.0, "no seed in common")


@pytest.mark.parametrize("reason", get_args(Reason))
@pytest.mark.parametrize("values", [around(0.1, 0.01), [1.0] * 10, [None] * 10, around(1.0, 0.1)])
def test_a_reason_not_to_judge_stands_in_place_of_any_verdict(reason, values):
    found = one(values, untuned=reason)
    assert (found.word, found.untuned, found.more_seeds) == ("untuned", reason, None)


def test_an_unknown_reason_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"unknown reason 'tired'. Known: .*unequal budgets"):
        one([1.0] * 10, untuned="tired")


@pytest.mark.parametrize("margin", [-1.0, math.nan, math.inf])
def test_a_margin_is_a_finite_number_from_0_on(margin):
    with pytest.raises(ValueError, match="here: expected a margin of 0 or more"):
        one([1.0] * 10, margin=margin)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_value_is_finite_or_none(value):
    with pytest.raises(ValueError, match="expected a finite value of seed 0, or None"):
        one([value] * 10)


def test_where_a_seed_diverged_ranks_decide_and_it_counts_as_worst():
    values, reference = [None, *around(0.9, 0.05, 9)], [1.0, 1.0, None, *[1.0] * 7]
    found = one(values, reference)
    gains = np.array([-np.inf, *(1.0 - np.array(values[1:], dtype=float))])
    gains[2] = np.inf
    assert found.test == "signed ranks"
    assert found.p == pytest.approx(effect_and_p(signed_ranks(gains))[1])
    assert (found.diverged, found.reference_diverged, found.n) == (1, 1, 10)
    done = [values[i] for i in range(10) if i not in (0, 2)]
    assert found.difference == pytest.approx(np.mean(done) - 1.0)
    assert "the other 8" in found.note
    assert found.more_seeds is None


@pytest.mark.parametrize("metric", ["val/loss", "val/accuracy"])
def test_diverging_in_every_seed_is_worse_and_the_reverse_better(metric):
    reference = around(0.5, 0.1)
    found = one([None] * 10, reference, metric=metric)
    assert (found.word, found.difference, found.low, found.dz) == ("worse", None, None, None)
    assert one(reference, [None] * 10, metric=metric).word == "better"


@pytest.mark.parametrize(("seeds", "declared", "more"), [(5, 1, 1), (10, 26, 1), (10, 60, 2)])
@pytest.mark.parametrize("diverged", [1, 5])
def test_losing_every_seed_with_divergence_names_the_seeds_that_would_decide(
    seeds, declared, more, diverged
):
    def verdict(count):
        values = [None] * diverged + [0.9] * (count - diverged)
        return judge([contest(values, around(0.5, 0.01, count))], declared=declared)[0]

    found = verdict(seeds)
    assert (found.word, found.more_seeds) == ("undecided", more)
    assert "the other 0" not in found.note
    assert verdict(seeds + more).word == "worse"
    assert more == 1 or verdict(seeds + more - 1).word == "undecided"


def test_divergence_rules_out_equivalence_unless_all_seeds_are_equal():
    almost = [None, *around(1.0, 1e-6, 9)]
    assert one(almost, margin=1.0).word == "undecided"
    assert one(almost, almost, margin=1.0).word == "equivalent"
    assert one([None] * 10, [None] * 10, margin=1.0).word == "undecided"


def test_undecided_says_how_many_seeds_more_would_probably_decide():
    far, near = one(around(0.97, 0.05)), one(around(0.98, 0.05))
    assert far.word == near.word == "undecided"
    assert 0 < far.more_seeds < near.more_seeds
    in_a_family = judge([contest(around(0.97, 0.05), setting=str(i)) for i in range(6)])[0]
    assert in_a_family.more_seeds > far.more_seeds
    assert one(around(1.0001, 0.05), margin=1e-4).more_seeds is None
    # by equivalence: (1.645 + 1.282)² / 0.5² = 34.3 seeds by the normal distribution, 36 by t
    assert one(around(1.0001, 0.05), margin=0.025).more_seeds == 36 - 10


numbers = st.floats(0.1, 10).map(lambda value: round(value, 3))
values = st.one_of(st.none(), numbers)


@st.composite
def families(draw, value=values):
    n = draw(st.integers(5, 8))
    same_length = st.lists(value, min_size=n, max_size=n)
    metric = draw(st.sampled_from(["val/loss", "train/loss"]))
    margin = draw(st.floats(0, 5))
    return [
        contest(draw(same_length), draw(same_length), setting=str(i), metric=metric, margin=margin)
        for i in range(draw(st.integers(1, 5)))
    ]


@given(family=families(), data=st.data())
def test_the_order_of_problems_changes_nothing(family, data):
    order = data.draw(st.permutations(range(len(family))))
    assert judge([family[i] for i in order]) == [judge(family)[i] for i in order]


@given(family=families())
def test_with_both_exchanged_better_is_worse(family):
    exchanged = [
        replace(each, values=each.reference_values, reference_values=each.values) for each in family
    ]
    for found, other in zip(judge(family), judge(exchanged), strict=True):
        assert other.word == MIRRORED.get(found.word, found.word)
        assert other.p == pytest.approx(found.p)
        assert other.p_equivalence == pytest.approx(found.p_equivalence)
        assert other.more_seeds == found.more_seeds
        if found.difference is not None:
            assert other.difference == pytest.approx(-found.difference)
        if found.low is not None:
            assert (-other.high, -other.low) == pytest.approx((found.low, found.high))


@given(family=families(), power=st.integers(-40, 40))
def test_the_unit_changes_nothing_but_the_difference(family, power):
    factor = 2.0**power

    def scaled(numbers):
        return {s: None if v is None else v * factor for s, v in numbers.items()}

    other = [
        replace(
            each,
            values=scaled(each.values),
            reference_values=scaled(each.reference_values),
            margin=each.margin * factor,
        )
        for each in family
    ]
    in_unit = {"difference", "low", "high", "margin"}
    for found, same in zip(judge(family), judge(other), strict=True):
        for name, number in asdict(found).items():
            if name in in_unit and number is not None:
                number = number * factor
            assert getattr(same, name) == (
                pytest.approx(number) if isinstance(number, float) else number
            )


@given(family=families(), stages=st.sampled_from([1, 2]))
def test_every_number_is_finite_and_words_follow_from_the_numbers(family, stages):
    level = level_of(stages)
    for found in judge(family, stages=stages):
        for name, number in asdict(found).items():
            assert not isinstance(number, float) or math.isfinite(number), name
        assert 0 <= found.p <= 1
        assert 0 <= found.p_equivalence <= 1
        assert (found.word == "equivalent") == (found.p_equivalence <= level)
        assert (found.word in MIRRORED) == (found.p <= level < found.p_equivalence)
        if found.test == "paired t" and found.word in MIRRORED:
            assert (found.word == "better") == (found.difference < 0)


@given(family=families(numbers))
def test_removing_a_problem_from_the_family_raises_no_p(family):
    for found, alone in zip(judge(family)[1:], judge(family[1:]), strict=True):
        assert alone.p <= found.p
        assert alone.p_equivalence <= found.p_equivalence


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("better", "better"),
        ("better undecided equivalent", "better"),
        ("better untuned", "better"),
        ("worse equivalent", "worse"),
        ("worse better equivalent", "mixed"),
        ("equivalent equivalent", "equivalent"),
        ("equivalent undecided", "undecided"),
        ("equivalent untuned", "undecided"),
        ("undecided untuned", "undecided"),
        ("untuned untuned", "untuned"),
    ],
)
def test_one_word_over_all_problems(words, expected):
    verdict = one([1.0] * 10)
    for order in itertools.permutations(words.split()):
        assert overall([replace(verdict, word=word) for word in order]) == expected


def test_one_word_is_about_one_optimizer():
    verdict = one([1.0] * 10)
    with pytest.raises(ValueError, match="got 2: mine, other"):
        overall([verdict, replace(verdict, optimizer="other")])
    with pytest.raises(ValueError, match="got 0"):
        overall([])


def test_all_pairs_are_corrected_together_over_seeds_that_all_have():
    first, second = around(1.0, 0.1, 8), around(1.0, 0.1, 8)[::-1]
    table = {
        "clear": dict(enumerate(np.array(first) - 5)),
        "first": dict(enumerate([*first, 0.0])),
        "second": dict(enumerate(second)),
        "diverged": dict.fromkeys(range(8)),
    }
    found = every_pair("val/loss", table)
    assert list(found) == list(itertools.combinations(table, 2))
    assert found["clear", "first"] == found["first", "diverged"] == 2 * 0.5**8
    assert found["first", "second"] > 0.5
    assert every_pair("val/loss", {"alone": table["first"]}) == {}
    assert every_pair("val/loss", {"a": {0: 1.0}, "b": {1: 1.0}}) == {("a", "b"): 1.0}
