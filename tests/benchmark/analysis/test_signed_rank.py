import itertools

import numpy as np
import pytest
from scipy import stats

from benchmark.analysis.signed_rank import EXACT_UP_TO, effect_and_p, signed_ranks


def p_of(gains):
    return effect_and_p(signed_ranks(np.asarray(gains, dtype=float)))[1]


def p_by_enumeration(gains):
    """Return the share of all sign patterns whose sum is at least as far from zero."""
    ranks = np.abs(signed_ranks(np.asarray(gains, dtype=float)))
    ranks = ranks[ranks > 0]
    observed = abs(signed_ranks(np.asarray(gains, dtype=float)).sum())
    sums = [abs(np.dot(s, ranks)) for s in itertools.product((-1, 1), repeat=len(ranks))]
    return np.mean(np.array(sums) >= observed - 1e-9)


@pytest.mark.parametrize("pairs", range(1, 11))
def test_p_is_the_share_of_all_sign_patterns_ties_and_zeros_included(pairs):
    generator = np.random.default_rng(pairs)
    for _ in range(20):
        gains = generator.integers(-3, 5, size=pairs)
        assert p_of(gains) == pytest.approx(p_by_enumeration(gains))


@pytest.mark.parametrize("pairs", [5, 13, 14, 30, EXACT_UP_TO])
def test_without_ties_p_is_scipys_exact_one(pairs):
    gains = np.random.default_rng(pairs).normal(0.2, 1.0, size=pairs)
    assert p_of(gains) == pytest.approx(stats.wilcoxon(gains, method="exact").pvalue)


@pytest.mark.parametrize("pairs", [14, 20, EXACT_UP_TO])
def test_winning_every_pair_has_the_smallest_p_there_is_even_where_all_gains_tie(pairs):
    assert p_of([0.25] * pairs) == pytest.approx(2 * 0.5**pairs, rel=1e-12)


def test_above_fifty_pairs_p_is_that_of_the_normal_approximation():
    gains = np.random.default_rng(0).normal(0.3, 1.0, size=EXACT_UP_TO + 1)
    assert p_of(gains) == pytest.approx(stats.wilcoxon(gains, method="asymptotic").pvalue)


def test_seeds_that_tie_are_not_counted():
    assert effect_and_p(signed_ranks(np.array([0.0, 0.0, 1.0, 2.0, -3.0]))) == (0.0, 1.0)
    assert effect_and_p(signed_ranks(np.zeros(6))) == (0.0, 1.0)


def test_infinite_gains_are_the_largest_and_equal():
    assert signed_ranks(np.array([np.inf, 1.0, -np.inf])).tolist() == [2.5, 1.0, -2.5]
