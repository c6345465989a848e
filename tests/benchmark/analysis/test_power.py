import math

import numpy as np
import pytest
from scipy import stats

from benchmark.analysis.power import (
    MOST_FURTHER,
    POWER,
    difference_power,
    equivalence_power,
    further_seeds,
    further_seeds_without_spread,
)


def further(**given):
    usual = {"seeds": 10, "dz": 0.5, "margin": 0.0, "level": 0.05, "equivalence_level": 0.05}
    return further_seeds(**{**usual, **given})


@pytest.mark.parametrize("dz", [0.2, -0.8, 1.4, 3.0])
@pytest.mark.parametrize("seeds", [2, 5, 10, 60])
@pytest.mark.parametrize("level", [0.05, 0.05 / 18])
def test_power_is_that_of_the_noncentral_t_distribution(dz, seeds, level):
    bound = stats.t.ppf(1 - level / 2, seeds - 1)
    expected = stats.nct.sf(bound, seeds - 1, abs(dz) * math.sqrt(seeds))
    assert difference_power(dz, seeds, level) == pytest.approx(expected, abs=2e-4)


def test_a_textbook_effect_of_half_a_deviation_takes_34_pairs():
    # Cohen 1988 and G*Power: d_z = 0.5, 5 %, two-sided, power 80 %
    assert further(seeds=10) == 24


def test_further_seeds_are_the_first_that_reach_the_power():
    more = further(dz=0.7, level=0.01)
    before, after = (difference_power(0.7, 10 + each, 0.01) for each in (more - 1, more))
    assert before < POWER <= after


def test_the_shorter_route_counts():
    by_difference = further(dz=0.4)
    by_equivalence = further(dz=0.0, margin=1.0)
    assert further(dz=0.4, margin=0.1) == by_difference
    assert by_equivalence == further(dz=0.0, margin=1.0, level=1e-9)
    each = (by_equivalence - 1, by_equivalence)
    before, after = (equivalence_power(0.0, 1.0, 10 + more, 0.05) for more in each)
    assert before < POWER <= after


def test_on_the_margin_and_close_to_nothing_no_number_is_named():
    assert further(dz=0.01, margin=0.01) is None
    assert further(dz=0.0, margin=0.0) is None


def test_the_largest_number_is_named_and_the_next_is_not():
    numbers = [further(dz=dz) for dz in np.linspace(0.15, 0.25, 400)]
    named = [number for number in numbers if number is not None]
    assert max(named) == MOST_FURTHER
    assert None in numbers


@pytest.mark.parametrize("dz", [1e-12, 1.0, 37.0, 1e6, 1e300])
@pytest.mark.parametrize("margin", [0.0, 1e-12, 5.0, 1e6, 1e300])
@pytest.mark.parametrize("level", [0.05, 1e-6])
def test_any_effect_has_a_power_between_none_and_all(dz, margin, level):
    numbers = (2, 3, 5, 10, 30, 200, 300)
    different = [difference_power(dz, seeds, level) for seeds in numbers]
    equivalent = [equivalence_power(dz, margin, seeds, level) for seeds in numbers]
    for powers in (different, equivalent):
        assert all(0 <= power <= 1 for power in powers)
    assert (np.diff(different) > -2e-4).all()
    if dz <= margin:
        assert (np.diff(equivalent) > -2e-4).all()


@pytest.mark.parametrize("level", [0.05, 0.025, 0.05 / 6, 0.05 / 18])
def test_without_spread_the_number_is_the_first_whose_signs_pass(level):
    more = further_seeds_without_spread(
        seeds=2, is_inside=False, level=level, equivalence_level=level
    )
    assert 2 * 0.5 ** (2 + more) <= level < 2 * 0.5 ** (2 + more - 1)
    inside = further_seeds_without_spread(
        seeds=2, is_inside=True, level=level, equivalence_level=level
    )
    assert 0.5 ** (2 + inside) <= level < 0.5 ** (2 + inside - 1)
