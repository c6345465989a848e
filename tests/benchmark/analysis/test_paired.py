import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from benchmark.analysis.compare import holm
from benchmark.analysis.paired import (
    EXACT_UP_TO,
    effect_size,
    equivalence_p,
    max_t,
    paired_t,
    rank_p,
    t_p,
)

seeds = st.integers(2, 12)
lists = st.lists(st.integers(-50, 50), min_size=2, max_size=10)


def normal(*size, seed=0):
    return np.random.default_rng(seed).normal(0.3, 1.0, size=size)


@pytest.mark.parametrize("pairs", [2, 3, 5, 10, 30])
def test_the_paired_t_test_is_scipys(pairs):
    differences = normal(pairs, seed=pairs)
    found, theirs = paired_t(differences), stats.ttest_1samp(differences, 0.0)
    assert found.p == pytest.approx(theirs.pvalue, rel=1e-10)
    assert (found.low, found.high) == pytest.approx(tuple(theirs.confidence_interval(0.95)))
    assert found.difference == pytest.approx(differences.mean())
    assert found.dz == pytest.approx(theirs.statistic / math.sqrt(pairs))
    assert found.n == pairs


@pytest.mark.parametrize("pairs", [2, 5, 12])
@pytest.mark.parametrize("margin", [0.1, 1.0, 3.0])
def test_equivalence_is_two_one_sided_tests_and_the_90_percent_interval(pairs, margin):
    differences = normal(200, pairs, seed=pairs)
    found = equivalence_p(differences, margin)
    above = stats.ttest_1samp(differences, -margin, axis=1, alternative="greater").pvalue
    below = stats.ttest_1samp(differences, margin, axis=1, alternative="less").pvalue
    assert found == pytest.approx(np.maximum(above, below), rel=1e-9)
    interval = stats.ttest_1samp(differences, 0.0, axis=1).confidence_interval(0.9)
    is_inside = (interval.low > -margin) & (interval.high < margin)
    assert ((found <= 0.05) == is_inside).all()


@pytest.mark.parametrize("pairs", [0, 1])
def test_one_pair_has_no_spread_and_shows_nothing(pairs):
    found = paired_t(np.full(pairs, 2.0))
    assert (found.low, found.high, found.dz, found.deviation, found.p) == (*4 * [None], 1.0)
    assert found.difference == (2.0 if pairs else None)
    assert t_p(np.full((3, pairs), 2.0)).tolist() == [1.0] * 3
    assert equivalence_p(np.zeros((3, pairs)), 1.0).tolist() == [1.0] * 3
    assert rank_p(np.full((3, pairs), 2.0)).tolist() == [1.0] * 3


@pytest.mark.parametrize("pairs", range(2, 20))
def test_equal_values_differ_by_nothing_and_are_equivalent_even_within_no_margin(pairs):
    zeros = np.zeros(pairs)
    found = paired_t(zeros)
    assert (found.difference, found.low, found.high, found.dz, found.p) == (0, 0, 0, 0, 1)
    assert equivalence_p(zeros, 0.0) == 0.0
    assert max_t(np.stack([zeros, zeros])).tolist() == [1.0, 1.0]


@given(pairs=seeds, value=st.floats(1e-100, 1e100), sign=st.sampled_from([-1, 1]))
def test_one_value_in_every_pair_has_the_p_of_its_signs(pairs, value, sign):
    gains = np.full(pairs, sign * value)
    found = paired_t(gains)
    assert found.p == rank_p(gains) == max_t(gains[None])[0] == 2 * 0.5**pairs
    assert (found.difference, found.low, found.high, found.dz) == (*3 * [sign * value], None)
    assert equivalence_p(gains, 2 * value) == 0.5**pairs
    assert equivalence_p(gains, value) == equivalence_p(gains, value / 2) == 1.0


@given(values=lists, power=st.integers(-300, 300))
def test_scale_changes_no_p(values, power):
    gains = np.array(values, dtype=float)
    scaled, margin = np.ldexp(gains, power), math.ldexp(3.0, power)
    assert t_p(scaled) == t_p(gains)
    assert rank_p(scaled) == rank_p(gains)
    assert effect_size(scaled) == effect_size(gains)
    assert equivalence_p(scaled, margin) == pytest.approx(equivalence_p(gains, 3.0))


@given(values=lists)
def test_neither_sign_nor_order_of_pairs_changes_a_p(values):
    gains = np.array(values, dtype=float)
    for other in (-gains, gains[::-1].copy()):
        assert t_p(other) == pytest.approx(t_p(gains), rel=1e-9)
        assert rank_p(other) == rank_p(gains)
        assert equivalence_p(other, 3.0) == pytest.approx(equivalence_p(gains, 3.0))


def by_enumeration(gains):
    """Return p of step-down max-T over all 2ⁿ sign vectors and t statistics, step by step."""
    comparisons, pairs = gains.shape

    def statistics(signs):
        flipped = gains * np.array(signs)
        error = flipped.std(axis=1, ddof=1) / math.sqrt(pairs)
        return np.abs(flipped.mean(axis=1)) / error

    observed = statistics([1] * pairs)
    order = np.argsort(-observed)
    flips = np.array([statistics(s) for s in itertools.product((-1, 1), repeat=pairs)])
    found, reached = np.empty(comparisons), 0.0
    for i, place in enumerate(order):
        largest = flips[:, order[i:]].max(axis=1)
        reached = max(reached, (largest >= observed[place] * (1 - 1e-9)).mean())
        found[place] = reached
    return found


@pytest.mark.parametrize("pairs", [3, 5, 7])
@pytest.mark.parametrize("comparisons", [1, 2, 6])
def test_max_t_is_the_share_of_all_sign_vectors_step_by_step(comparisons, pairs):
    for seed in range(5):
        gains = normal(comparisons, pairs, seed=seed) + np.arange(comparisons)[:, None] / 2
        assert max_t(gains) == pytest.approx(by_enumeration(gains))


def test_max_t_of_one_comparison_is_scipys_permutation_test():
    gains = normal(9)
    theirs = stats.permutation_test(
        (gains, np.zeros(9)), lambda a, b: np.mean(a - b), permutation_type="samples"
    )
    assert max_t(gains[None])[0] == pytest.approx(theirs.pvalue)


@pytest.mark.parametrize("comparisons", [1, 6, 66])
def test_winning_every_pair_clearly_needs_no_more_seeds_for_more_comparisons(comparisons):
    gains = np.vstack([10 + normal(8), normal(comparisons, 8, seed=1)])
    assert max_t(gains)[0] == 2 * 0.5**8


def test_above_the_exact_number_a_fixed_sample_is_close_to_all_sign_vectors(monkeypatch):
    gains = normal(4, EXACT_UP_TO + 1, seed=3)
    sampled = max_t(gains)
    assert sampled.tolist() == max_t(gains).tolist()
    monkeypatch.setattr("benchmark.analysis.paired.EXACT_UP_TO", EXACT_UP_TO + 1)
    assert sampled == pytest.approx(max_t(gains), abs=4 * math.sqrt(0.25 / 4096))


def test_infinite_gains_take_part_in_max_t_by_their_ranks():
    gains = np.array([[np.inf, 3.0, 2.0, 1.0, 0.5, 0.1], [1.0, -1.0, 1.0, -1.0, 1.0, -2.0]])
    assert max_t(gains)[0] <= 4 / 2**6
    assert max_t(gains[:1])[0] == rank_p(gains[0]) == 2 / 2**6


@given(
    values=st.lists(lists.filter(lambda row: len(row) >= 5), min_size=1, max_size=5),
    data=st.data(),
)
def test_max_t_depends_on_neither_scale_nor_sign_nor_order_of_comparisons(values, data):
    width = min(len(row) for row in values)
    gains = np.array([row[:width] for row in values], dtype=float)
    order = data.draw(st.permutations(range(len(gains))))
    scales = data.draw(st.lists(st.floats(1e-9, 1e9), min_size=len(gains), max_size=len(gains)))
    found = max_t(gains)
    assert max_t(gains[order]) == pytest.approx(found[order])
    assert max_t(-gains) == pytest.approx(found)
    assert max_t(gains * np.array(scales)[:, None]) == pytest.approx(found)
    assert (found >= 2 * 0.5**width - 1e-15).all()
    assert (found <= 1).all()


@given(rows=st.lists(st.lists(st.floats(0, 1), min_size=4, max_size=4), min_size=1, max_size=5))
def test_holm_of_many_families_is_holm_of_each(rows):
    assert holm(np.array(rows)).tolist() == [holm(row).tolist() for row in rows]
