"""Colours and markers of the series of a claim."""

from dataclasses import replace
from itertools import combinations

import pytest

from benchmark.report.palette import styles
from benchmark.report.paper.colors import NEAR, distance, told_apart
from optimizers.registry import OPTIMIZERS


def test_colours_that_are_far_apart_stay():
    looks = styles(["adam", "adagrad"])
    assert told_apart(looks) == looks
    assert told_apart(styles(["adam"])) == styles(["adam"])


def test_a_colour_near_another_is_replaced_and_its_marker_stays():
    looks = styles(["adagrad", "nesterov"])
    assert distance(*(each.color for each in looks)) < NEAR
    first, second = told_apart(looks)
    assert first == looks[0]
    assert second.marker == looks[1].marker
    assert distance(first.color, second.color) > 3 * NEAR


@pytest.mark.parametrize("number", [2, 5, 40])
def test_series_have_markers_of_their_own_while_there_are_some(number):
    looks = [replace(each, marker=styles(["adam"])[0].marker) for each in styles(["adam"] * number)]
    first, *others = told_apart(looks)
    assert first.marker == looks[0].marker
    kinds = {look.marker for name in OPTIMIZERS for look in styles([name])}
    assert len({first.marker, *(each.marker for each in others)}) == min(number, len(kinds))


def test_the_second_order_method_and_adam_have_other_markers():
    adam, other = told_apart(styles(["adam", "torch.optim.LBFGS"]))
    assert adam.marker != other.marker


@pytest.mark.parametrize("count", [3, 5])
def test_the_optimizers_of_the_paper_are_told_apart_together(count):
    looks = told_apart(styles(["adam", "nesterov", "adagrad", "rmsprop", "adadelta"][:count]))
    pairs = combinations((each.color for each in looks), 2)
    assert min(distance(*pair) for pair in pairs) >= NEAR


def test_red_and_green_are_nearer_for_those_who_confuse_them():
    assert distance("#a0522d", "#6b7a1e") < 0.1 < distance("#a0522d", "#1e4f9e")
