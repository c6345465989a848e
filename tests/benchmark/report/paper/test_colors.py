"""Colours within one claim are told apart by every reader."""

from dataclasses import replace
from itertools import combinations

import pytest

from benchmark.report.palette import style, styles
from benchmark.report.paper.colors import NEAR, distance, told_apart

OF_FIGURES = (
    ["adam", "nesterov"],
    ["adam", "adagrad", "nesterov"],
    ["adagrad", "nesterov"],
    ["adam", "nesterov", "adagrad", "rmsprop", "adadelta"],
)


@pytest.mark.parametrize("names", OF_FIGURES, ids="-".join)
def test_no_colour_is_near_another(names):
    looks = told_apart(styles(names))
    assert all(distance(a.color, b.color) >= NEAR for a, b in combinations(looks, 2))


def test_some_colours_of_all_reports_are_near_for_some_reader():
    looks = styles(["adagrad", "nesterov"])
    assert distance(*(each.color for each in looks)) < NEAR


def test_only_colours_change_and_only_where_they_are_near():
    far = styles(["adam", "adagrad"])
    assert told_apart(far) == far
    alike = [style("adam")] * 2
    kept, changed = told_apart(alike)
    assert kept == alike[0]
    assert changed == replace(alike[0], color=changed.color) != alike[0]
