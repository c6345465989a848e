import math

import pytest

from benchmark.report.sparkline import pick, sparkline


def test_eight_heights_are_told_apart():
    assert sparkline(range(8), 0, 7.99) == "▁▂▃▄▅▆▇█"


def test_a_positive_scale_is_logarithmic_so_that_decades_are_equally_far():
    assert sparkline([1, 10, 100], 1, 100) == "▁▅█"
    assert sparkline([1000.0, 0.001], 0.001, 1000) == "█▁"


def test_a_scale_from_zero_is_linear():
    assert sparkline([0, 25, 50, 100], 0, 100) == "▁▃▅█"


def test_values_beyond_the_scale_stay_at_its_ends():
    assert sparkline([0.1, 1e9, math.inf], 1, 2) == "▁██"


def test_what_is_not_a_number_is_a_blank():
    assert sparkline([1, math.nan, 2], 1, 2) == "▁ █"


def test_a_flat_curve_is_flat():
    assert sparkline([5, 5, 5], 5, 5) == "▁▁▁"


def test_nothing_is_nothing():
    assert sparkline([], 1, 2) == ""


@pytest.mark.parametrize("count", [2, 3, 7, 12])
def test_picked_values_keep_their_ends_and_order(count):
    values = list(range(100))
    found = pick(values, count)
    assert len(found) == count
    assert found[0] == 0
    assert found[-1] == 99
    assert found == sorted(set(found))


def test_fewer_values_than_places_are_all_kept():
    assert pick([3.0, 1.0], 12) == [3.0, 1.0]
