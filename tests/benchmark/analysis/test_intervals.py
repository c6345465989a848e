"""Simulated coverage of intervals over 4,000 studies per cell, compared with longer runs."""

import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.special import stdtrit

from benchmark.analysis import intervals
from benchmark.analysis.intervals import (
    NOTES,
    Shares,
    mean_bounds,
    mean_interval,
    mean_method,
    median_bounds,
    median_interval,
    median_method,
    share_bounds,
    student_bounds,
)

STUDIES = 4000
DISTRIBUTIONS = {
    "normal": stats.norm(),
    "uniform": stats.uniform(),
    "t3": stats.t(3),
    "lognormal, σ = ½": stats.lognorm(0.5),
    "exponential": stats.expon(),
    "lognormal, σ = 1": stats.lognorm(1),
}


def coverage(bounds, distribution, truth, seeds):
    generator = np.random.default_rng(seeds)
    low, high = bounds(distribution.rvs((STUDIES, seeds), random_state=generator))
    return np.mean((low <= truth) & (truth <= high))


def four_standard_errors(covered):
    return 4 * math.sqrt(covered * (1 - covered) / STUDIES)


# Measured on 200,000 studies; the module's table.
SEEDS = (3, 5, 10, 30)
_COVERED = {
    "normal": (0.951, 0.950, 0.950, 0.950),
    "uniform": (0.922, 0.934, 0.946, 0.949),
    "t3": (0.962, 0.962, 0.960, 0.955),
    "lognormal, σ = ½": (0.923, 0.916, 0.921, 0.935),
    "exponential": (0.884, 0.882, 0.902, 0.927),
    "lognormal, σ = 1": (0.838, 0.822, 0.839, 0.883),
}
MEAN_COVERAGE = {
    (name, seeds): covered
    for name, row in _COVERED.items()
    for seeds, covered in zip(SEEDS, row, strict=True)
}


@pytest.mark.parametrize(("name", "seeds"), MEAN_COVERAGE)
def test_mean_intervals_cover_as_often_as_is_said(name, seeds):
    expected = MEAN_COVERAGE[name, seeds]
    distribution = DISTRIBUTIONS[name]
    found = coverage(mean_bounds, distribution, distribution.mean(), seeds)
    assert found == pytest.approx(expected, abs=four_standard_errors(expected))


def test_where_coverage_leaves_93_to_97_percent_the_module_says_so():
    outside = {cell for cell, covered in MEAN_COVERAGE.items() if not 0.93 <= covered <= 0.97}
    for name in DISTRIBUTIONS:
        row = next(re.finditer(rf"^ +{name}\s.*$", intervals.__doc__, re.MULTILINE))[0]
        cells = re.findall(r"\d\d\.\d\*?", row)
        for seeds, cell in zip(SEEDS, cells, strict=True):
            assert cell.endswith("*") == ((name, seeds) in outside)
            assert float(cell.rstrip("*")) / 100 == pytest.approx(MEAN_COVERAGE[name, seeds])


def test_the_note_says_how_rarely_a_lognormals_mean_is_covered():
    covered = [MEAN_COVERAGE["lognormal, σ = 1", seeds] for seeds in SEEDS]
    low, high = math.floor(100 * min(covered)), math.floor(100 * max(covered))
    assert f"{low} to {high} %" in NOTES["Student's t"]


@pytest.mark.parametrize("name", DISTRIBUTIONS)
@pytest.mark.parametrize(("seeds", "k"), [(6, 1), (10, 2), (30, 10)])
def test_median_intervals_cover_at_least_95_percent_of_any_distribution(name, seeds, k):
    distribution = DISTRIBUTIONS[name]
    exact = 1 - 2 * stats.binom.cdf(k - 1, seeds, 0.5)
    found = coverage(median_bounds, distribution, distribution.median(), seeds)
    assert exact >= 0.95
    assert found == pytest.approx(exact, abs=four_standard_errors(exact))


@pytest.mark.parametrize("seeds", [1, 3, 5])
def test_with_too_few_seeds_a_median_has_no_interval(seeds):
    found = median_interval(list(range(seeds)))
    assert (found.low, found.high, found.method) == (None, None, "too few seeds")


def test_one_seed_has_a_mean_and_no_interval():
    found = mean_interval([5.0])
    assert (found.estimate, found.low, found.high, found.seeds) == (5.0, None, None, 1)


def test_the_quantiles_in_the_file_are_students():
    expected = [float(stdtrit(n, 0.975)) for n in range(1, 20)]
    assert list(intervals._STUDENT) == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize("seeds", [2, 3, 9, 10, 19, 20, 21, 60])
def test_any_number_of_seeds_gets_students_interval(seeds):
    values = np.exp(np.linspace(-2, 2, seeds))
    found = mean_interval(values)
    assert found.method == "Student's t"
    assert (found.low, found.high) == pytest.approx(
        stats.t.interval(0.95, seeds - 1, np.mean(values), stats.sem(values))
    )


SHARES = [[0.99, 1.0, 0.97], [0.0, 0.0, 0.01], [1.0, 1.0], [0.0, 1.0], [0.5, 0.6, 0.55, 0.4]]


@pytest.mark.parametrize("shares", [Shares(), Shares(examples=1), Shares(examples=5_000)])
@pytest.mark.parametrize("values", SHARES)
def test_an_interval_of_shares_stays_within_0_and_1_and_has_the_mean_inside(values, shares):
    found = mean_interval(values, shares)
    assert 0 <= found.low <= found.estimate <= found.high <= 1
    assert np.isfinite([found.low, found.high]).all()


def test_shares_of_an_unknown_number_of_examples_get_students_interval_cut_off():
    values = [0.99, 1.0, 0.97]
    plain, cut = mean_interval(values), mean_interval(values, Shares())
    assert (cut.low, cut.high) == (plain.low, 1.0)
    assert plain.high > 1.0
    assert (cut.method, mean_interval(values, Shares(examples=9)).method) == (
        "Student's t",
        "Student's t of logits",
    )


@pytest.mark.parametrize("seeds", [2, 5, 10, 30])
def test_equal_values_have_an_interval_of_no_width(seeds):
    found = mean_interval([0.25] * seeds)
    assert (found.low, found.high) == (0.25, 0.25)


def test_median_interval_agrees_with_scipy():
    values = np.random.default_rng(0).normal(size=17)
    found = median_interval(values)
    theirs = stats.quantile_test(values, p=0.5).confidence_interval(0.95)
    assert (found.low, found.high) == (theirs.low, theirs.high)


def test_median_interval_lets_what_never_ends_be_infinite():
    found = median_interval([1.0, 2.0, 3.0, 4.0, math.inf, math.inf])
    assert (found.estimate, found.low, found.high) == (3.5, 1.0, math.inf)


def test_rows_are_independent_of_each_other():
    rows = np.random.default_rng(1).normal(size=(3, 12))
    low, high = mean_bounds(rows)
    for row, a, b in zip(rows, low, high, strict=True):
        assert mean_interval(row).low == pytest.approx(a)
        assert mean_interval(row).high == pytest.approx(b)


@given(rows=st.lists(st.lists(st.floats(0.0, 1e6), min_size=3, max_size=3), min_size=1, max_size=4))
def test_an_interval_is_cut_off_at_the_least_possible_value(rows):
    low, high = student_bounds(np.array(rows))
    cut, same = mean_bounds(np.array(rows), least=0.0)
    assert cut.tolist() == np.maximum(low, 0.0).tolist()
    assert same.tolist() == high.tolist()


def test_values_below_what_is_possible_are_not_hidden_by_a_cut():
    rows = np.array([[-1.0, 0.0, 1.0]])
    assert mean_bounds(rows, least=0.0)[0] == student_bounds(rows)[0]


def test_methods_are_named_by_the_number_of_seeds():
    assert [mean_method(n) for n in (1, 2, 10)] == ["too few seeds", "Student's t", "Student's t"]
    assert [mean_method(n, Shares(examples=9)) for n in (1, 2)] == [
        "too few seeds",
        "Student's t of logits",
    ]
    assert [median_method(n) for n in (5, 6)] == ["too few seeds", "order statistics"]


def test_every_method_has_its_sentence():
    used = {mean_method(n, shares) for n in range(40) for shares in (None, Shares(examples=9))}
    assert used | {median_method(n) for n in range(40)} == set(NOTES)


@pytest.mark.parametrize("seeds", [2, 5, 9, 10, 30])
@pytest.mark.parametrize("level", [0.9, 0.95, 0.975])
def test_students_interval_is_scipys_at_any_number_of_seeds_and_level(seeds, level):
    values = np.random.default_rng(seeds).normal(size=(2, 3, seeds))
    low, high = student_bounds(values, level)
    mean, error = values.mean(axis=-1), stats.sem(values, axis=-1)
    theirs = stats.t.interval(level, seeds - 1, mean, error)
    assert low == pytest.approx(theirs[0])
    assert high == pytest.approx(theirs[1])


def test_one_seed_has_no_students_interval_and_no_interval_of_a_share():
    assert np.isnan(student_bounds(np.ones((3, 1)))).all()
    assert np.isnan(share_bounds(np.ones((3, 1)), 10)).all()


def counts_and_examples():
    return st.integers(1, 10_000).flatmap(
        lambda n: st.tuples(st.lists(st.integers(0, n), min_size=2, max_size=12), st.just(n))
    )


@given(drawn=counts_and_examples())
def test_intervals_of_shares_stay_between_0_and_1_and_hold_the_mean(drawn):
    counts, examples = drawn
    shares = np.array(counts) / examples
    (low,), (high,) = share_bounds(shares[None], examples)
    assert 0 <= low <= shares.mean() + 1e-12
    assert shares.mean() - 1e-12 <= high <= 1


@given(drawn=counts_and_examples())
def test_the_interval_of_a_share_mirrors_that_of_its_complement(drawn):
    counts, examples = drawn
    shares = np.array(counts) / examples
    (low,), (high,) = share_bounds(shares[None], examples)
    (other_low,), (other_high,) = share_bounds(1 - shares[None], examples)
    assert (1 - other_high, 1 - other_low) == pytest.approx((low, high), abs=1e-9)


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_equal_shares_have_an_interval_of_no_width_at_the_ends_too(share):
    assert share_bounds(np.full((1, 5), share), 360) == (share, share)


def test_far_from_the_ends_the_interval_of_a_share_is_students():
    shares = np.array([[0.5, 0.51, 0.49, 0.505]])
    found, students = np.hstack(share_bounds(shares, 100_000)), np.hstack(student_bounds(shares))
    assert found == pytest.approx(students, abs=1e-4)


def test_near_100_percent_students_interval_leaves_the_range_and_that_of_shares_does_not():
    shares = np.array([[1.0, 1.0, 0.99]])
    assert student_bounds(shares)[1] > 1
    low, high = share_bounds(shares, 100)
    assert low < shares.mean() < high <= 1


@pytest.mark.parametrize(("shares", "examples"), [([1.1, 0.5], 10), ([-0.1, 0.5], 10), ([0.5], 0)])
def test_what_is_no_share_is_refused(shares, examples):
    with pytest.raises(ValueError, match="expected shares between 0 and 1 of at least 1 example"):
        share_bounds(np.array([shares]), examples)
