"""Costs of steps on disk, and the ratio of two times."""

import math

import pytest

from benchmark.step_costs import (
    FILE,
    StepCost,
    TimeRatio,
    ratio_of,
    read_step_costs,
    write_step_costs,
)


def cost(trial="t", reference="r", **others):
    return StepCost(trial=trial, reference=reference, cpu="a", at="2026-01-01", **others)


@pytest.mark.parametrize("number", range(6, 80))
def test_the_interval_covers_the_median_in_95_percent_and_no_wider_one_is_needed(number):
    found = ratio_of([float(i) for i in range(number)], [1.0] * number)
    left_out = int(found.low)
    assert found.high == number - 1 - left_out

    def missed(most):
        return 2 * sum(math.comb(number, i) for i in range(most + 1)) / 2**number

    assert missed(left_out) <= 0.05 < missed(left_out + 1)


@pytest.mark.parametrize(
    ("low", "high", "is_sure", "is_known"),
    [(0.95, 1.05, True, True), (0.95, 1.3, False, True), (0.6, 1.05, False, False)],
)
def test_scatter_makes_a_ratio_rough_and_then_unknown(low, high, is_sure, is_known):
    ratio = TimeRatio(median=1.0, low=low, high=high)
    assert (ratio.is_sure, ratio.is_known) == (is_sure, is_known)


def test_costs_replace_those_of_the_same_trials_and_leave_others(tmp_path):
    ratio = TimeRatio(median=1.5, low=1.4, high=1.6)
    write_step_costs(tmp_path, [cost("a"), cost("b")])
    write_step_costs(tmp_path, [cost("b", own=ratio), cost("c")])
    assert read_step_costs(tmp_path) == [cost("a"), cost("b", own=ratio), cost("c")]


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"costs": [{"trial": 3}]}', b"\xff"])
def test_a_damaged_file_has_no_costs(tmp_path, text):
    (tmp_path / FILE).write_bytes(text)
    assert read_step_costs(tmp_path) == []
    write_step_costs(tmp_path, [cost()])
    assert read_step_costs(tmp_path) == [cost()]
