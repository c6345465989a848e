import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import stats

from benchmark.analysis.compare import against, holm, pairwise
from benchmark.analysis.rounding import rounded


def one(values_a, values_b, scores_of, **options):
    (found,) = against(scores_of({"a": values_a, "b": values_b}, **options), "b")
    return found


def test_a_difference_is_tested_by_student_and_known_on_paper(scores_of):
    # The differences −1, −2, −3 have the mean −2 and the standard error 1/√3: t = −2·√3.
    found = one([1.0, 2.0, 3.0], [2.0, 4.0, 6.0], scores_of)
    assert (found.pairs, found.wins, found.ties, found.effect) == (3, 3, 0, 1.0)
    assert found.p == found.p_holm == pytest.approx(1 - math.sqrt(12 / 14))
    assert found.difference.estimate == -2.0


WHOLE = st.integers(-20, 20).map(float)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pairs=st.lists(st.tuples(WHOLE, WHOLE), min_size=2, max_size=12))
def test_p_is_below_5_percent_where_the_interval_beside_it_excludes_0(scores_of, pairs):
    a, b = ([pair[i] for pair in pairs] for i in (0, 1))
    found = one(a, b, scores_of)
    if len({x - y for x, y in pairs}) > 1:  # without spread the sign test gives p
        low, high = found.difference.low, found.difference.high
        assert (found.p < 0.05) == (low > 0 or high < 0)


def test_the_interval_is_that_of_paired_differences(scores_of):
    # An unpaired test would miss the difference: the spread between seeds is larger than it.
    b = np.array([10.0, 20.0, 30.0, 40.0, 50.0, 60.0])
    gain = np.array([1.0, 1.2, 0.8, 1.1, 0.9, 1.0])
    found = one(list(b - gain), list(b), scores_of)
    expected = stats.ttest_rel(b - gain, b).confidence_interval(0.95)
    assert (found.difference.low, found.difference.high) == pytest.approx(tuple(expected))
    assert found.difference.high < 0


def test_with_a_diverged_seed_ranks_are_tested_and_known_on_paper(scores_of):
    # Gains of a: +1 +2 −3 +4 +5 +∞, so W− = 3 of 21; 5 of 32 sign patterns have W− ≤ 3.
    found = one([0.0] * 6, [1.0, 2.0, -3.0, 4.0, 5.0, None], scores_of)
    assert found.effect == pytest.approx((18 - 3) / 21)
    assert found.p == pytest.approx(2 * 5 / 64)


def test_higher_accuracy_is_better(scores_of):
    high, low = [0.9 + i / 100 for i in range(6)], [0.5] * 6
    found = one(high, low, scores_of, metric="test/accuracy")
    assert (found.wins, found.effect) == (6, 1.0)
    assert found.difference.estimate > 0


def test_diverging_loses_a_pair_and_stays_out_of_the_mean_difference(scores_of):
    found = one([1.0] * 4 + [None] * 2, [2.0, 3.0, 4.0, None, 6.0, None], scores_of)
    assert (found.pairs, found.wins, found.ties) == (6, 4, 1)
    assert found.difference.seeds == 3
    assert found.difference.estimate == pytest.approx(-2.0)


def test_a_variant_that_always_diverges_is_worse(scores_of):
    found = one([None] * 6, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], scores_of)
    assert (found.effect, found.difference) == (-1.0, None)
    assert found.p == pytest.approx(2 / 2**6)


def test_diverging_loses_against_the_lowest_accuracy_too(scores_of):
    found = one([None] * 6, [0.1] * 6, scores_of, metric="val/accuracy")
    assert (found.wins, found.effect) == (0, -1.0)


@pytest.mark.parametrize("value", [1.0, None])
def test_equal_results_are_ties_without_a_difference(scores_of, value):
    found = one([value] * 6, [value] * 6, scores_of)
    assert (found.ties, found.effect, found.p) == (6, 0.0, 1.0)


def as_recorded(counts, examples):
    """Return accuracies as in records: counts divided in single precision, then rounded."""
    shares = np.array(counts, dtype=np.float32) / np.float32(examples)
    return [rounded("val/accuracy", float(share)) for share in shares]


GAINS = np.array([3, 3, -3, 3, 3, -1, 3, 1, 0, 5, 5])


@pytest.mark.parametrize("examples", [180, 997, 10_000, 50_000])
def test_gains_of_equally_many_examples_tie_though_no_binary_number_is_exact(scores_of, examples):
    generator = np.random.default_rng(examples)
    low = generator.integers(examples // 2, examples - 9, size=len(GAINS))
    counts = {"metric": "val/accuracy"}
    found = one(as_recorded(low + GAINS, examples), as_recorded(low, examples), scores_of, **counts)
    whole = one((low + GAINS).tolist(), low.tolist(), scores_of, **counts)
    assert (found.ties, found.effect) == (1, whole.effect)
    assert found.p == pytest.approx(stats.ttest_1samp(GAINS, 0).pvalue, rel=1e-5)


def test_losses_that_differ_by_what_subtracting_rounds_tie(scores_of):
    # In binary 0.3 − 0.2, 0.4 − 0.3 and 0.8 − 0.7 are three different numbers.
    found = one([0.2, 0.3, 0.8], [0.3, 0.4, 0.7], scores_of)
    assert found.effect == pytest.approx(1 / 3)


def test_losses_that_single_precision_tells_apart_do_not_tie(scores_of):
    ulp = float(np.spacing(np.float32(0.5)))
    assert one([0.5], [0.5 + ulp], scores_of).wins == 1


def test_only_seeds_that_both_have_are_pairs(scores_of):
    found = one([1.0, 2.0, 3.0], [2.0], scores_of)
    assert found.pairs == 1


def test_without_a_common_seed_nothing_is_said(scores_of):
    scores = scores_of({"a": [1.0, 2.0], "b": [2.0, 1.0]})
    apart = scores.filter(~((scores["label"] == "b") & (scores["seed"] == 0)))
    apart = apart.filter(~((apart["label"] == "a") & (apart["seed"] == 1)))
    (found,) = against(apart, "b")
    assert (found.pairs, found.p, found.difference) == (0, 1.0, None)


def test_more_comparisons_are_corrected_together(scores_of):
    worse = {name: [1.0, 2.0, 3.0 + i] for i, name in enumerate("abc")}
    found = against(scores_of({"best": [0.0] * 3, **worse}), "best")
    assert [c.p_holm for c in found] == holm([c.p for c in found]).tolist()
    assert {c.corrected_for for c in found} == {3}


def test_everyone_meets_everyone_once(scores_of):
    found = pairwise(scores_of({"a": [1.0], "b": [2.0], "c": [3.0]}))
    assert [(c.variant[-1], c.reference[-1]) for c in found] == [("a", "b"), ("a", "c"), ("b", "c")]


def test_in_pairs_a_reference_stands_where_references_do(scores_of):
    scores = scores_of({"a": [1.0], "b": [2.0], "c": [3.0]})
    (variant,) = scores.filter(label="a")["variant"].unique()
    found = pairwise(scores, [variant])
    assert [(c.variant[-1], c.reference[-1]) for c in found] == [("b", "c"), ("b", "a"), ("c", "a")]
    assert {c.corrected_for for c in found} == {3}


def test_settings_are_families_of_their_own(scores_of):
    values = {"a": [0.0] * 6, "b": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]}
    both = scores_of(values, setting="one").vstack(scores_of(values, setting="two"))
    assert [(c.setting, c.p_holm) for c in pairwise(both)] == [
        ("one", pytest.approx(0.00594, abs=1e-5)),
        ("two", pytest.approx(0.00594, abs=1e-5)),
    ]


def test_a_reference_must_be_one_variant(scores_of):
    scores = scores_of({"sgd lr=1": [1.0], "sgd lr=2": [1.0], "adam": [1.0]})
    with pytest.raises(ValueError, match="'sgd' is 2 variants in here: choose one"):
        against(scores, "sgd")
    assert len(against(scores, "sgd lr=1")) == 2
    with pytest.raises(ValueError, match="no trials of reference 'adm'. Known: sgd, adam"):
        against(scores, "adm")


def test_a_reference_alone_has_nothing_to_compare(scores_of):
    assert against(scores_of({"sgd": [1.0]}), "sgd") == []


def test_holm_is_known_on_paper_and_keeps_the_order_of_its_input():
    assert holm([0.01, 0.04, 0.03, 0.005]).tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]).tolist() == [1.0, 1.0]
    assert holm([]).tolist() == []


@pytest.mark.parametrize("studies", [60, pytest.param(300, marks=pytest.mark.slow)])
def test_noise_is_starred_in_no_more_than_five_percent_of_studies(scores_of, studies):
    generator, starred = np.random.default_rng(0), 0
    for _ in range(studies):
        draws = generator.normal(size=(3, 8))
        found = against(scores_of(dict(zip("abc", draws.tolist(), strict=True))), "a")
        starred += any(c.p_holm <= 0.05 for c in found)
    # 5 % of 300 is 15, with a standard error of 3.8: three of those above it is 26.
    assert 0 < starred <= 0.05 * studies + 3 * math.sqrt(studies * 0.05 * 0.95)
