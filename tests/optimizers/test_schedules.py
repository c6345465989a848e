import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from optimizers.schedules import BaseRates, Schedule, why_not_scheduled


def factors(total, *, epoch_steps=3, **values):
    schedule = Schedule(**values)
    return [schedule.factor(t, total, epoch_steps=epoch_steps) for t in range(1, total + 1)]


def test_constant_is_one_at_every_step():
    assert factors(5) == [1.0] * 5
    assert Schedule().constant


@pytest.mark.parametrize("kind", ["1/sqrt(t)", "inverse_sqrt"])
def test_inverse_root_counts_steps_from_one(kind):
    assert factors(9, kind=kind) == pytest.approx([t**-0.5 for t in range(1, 10)])
    assert Schedule(kind=kind) == Schedule(kind="1/sqrt(t)")
    assert not Schedule(kind=kind).constant


@pytest.mark.parametrize("kind", ["1/sqrt(epoch)", "inverse_sqrt_epoch"])
@pytest.mark.parametrize("epoch_steps", [1, 4, 430])
def test_inverse_root_of_epochs_is_the_same_at_all_steps_of_an_epoch(kind, epoch_steps):
    expected = [epoch**-0.5 for epoch in (1, 2, 3) for _ in range(epoch_steps)]
    assert factors(3 * epoch_steps, epoch_steps=epoch_steps, kind=kind) == pytest.approx(expected)
    assert Schedule(kind=kind) == Schedule(kind="1/sqrt(epoch)") != Schedule(kind="1/sqrt(t)")
    assert not Schedule(kind=kind).constant


@pytest.mark.parametrize("kind", ["constant", "1/sqrt(t)", "cosine"])
def test_only_schedules_of_epochs_depend_on_their_length(kind):
    assert factors(12, epoch_steps=1, kind=kind) == factors(12, epoch_steps=5, kind=kind)


def test_cosine_falls_from_one_to_zero_after_the_last_step():
    expected = [(1 + math.cos(math.pi * k / 8)) / 2 for k in range(8)]
    assert factors(8, kind="cosine") == pytest.approx(expected)
    assert Schedule(kind="cosine").factor(9, 8, epoch_steps=8) == pytest.approx(0.0)


@pytest.mark.parametrize("warmup", [4, 0.2])
def test_warm_up_rises_to_one_over_steps_or_over_a_part_of_all(warmup):
    seen = factors(20, kind="cosine", warmup=warmup)
    assert seen[:5] == pytest.approx([0.25, 0.5, 0.75, 1.0, 1.0])
    assert seen[4:] == pytest.approx([(1 + math.cos(math.pi * k / 16)) / 2 for k in range(16)])


def test_warm_up_goes_with_every_kind():
    assert factors(4, warmup=2) == [0.5, 1.0, 1.0, 1.0]
    assert not Schedule(warmup=2).constant
    assert factors(4, kind="1/sqrt(t)", warmup=2) == pytest.approx([0.5, 2**-0.5, 3**-0.5, 0.5])


def test_a_warm_up_longer_than_the_run_is_cut_by_its_end():
    assert factors(3, kind="cosine", warmup=6) == pytest.approx([1 / 6, 2 / 6, 3 / 6])


@pytest.mark.parametrize("warmup", [-1, math.inf, math.nan, "long", True, None])
def test_an_impossible_warm_up_is_refused(warmup):
    with pytest.raises(ValueError, match=r"^warmup: expected steps"):
        Schedule(warmup=warmup)


def test_an_unknown_kind_is_met_with_the_known_ones():
    with pytest.raises(ValueError, match=r"^unknown schedule 'cosin'\. Known: constant, .*cosine"):
        Schedule(kind="cosin")


CHANGES = st.lists(st.tuples(st.sampled_from(["add", "remove", "keep"]), st.integers(0, 9)))


@given(rates=st.lists(st.floats(0.1, 9), min_size=1, max_size=3), changes=CHANGES)
def test_groups_that_come_and_go_keep_the_rate_with_which_they_came(rates, changes):
    groups = [{"lr": rate, "own": rate} for rate in rates]
    scheduled = BaseRates(groups)
    for step, (change, index) in enumerate(changes, start=2):
        if change == "add":
            groups.insert(index % (len(groups) + 1), {"lr": 1 + index, "own": 1 + index})
        elif change == "remove" and len(groups) > 1:
            del groups[index % len(groups)]
        scheduled.scale(groups, 1 / step)
        assert [group["lr"] for group in groups] == [group["own"] * (1 / step) for group in groups]


def test_groups_that_are_made_anew_keep_the_rates_of_their_places():
    scheduled = BaseRates([{"lr": 0.1}, {"lr": 0.3}])
    groups = [{"lr": 0.05}, {"lr": 0.15}]
    scheduled.scale(groups, 0.25)
    assert groups == [{"lr": 0.1 * 0.25}, {"lr": 0.3 * 0.25}]


@pytest.mark.parametrize("rate", [None, "auto", (0.1, 0.2), {"w": 0.1}])
def test_a_rate_that_is_no_number_is_refused(rate):
    reason = f"a schedule needs a number as lr, and it is {rate!r}"
    assert why_not_scheduled({"lr": rate}) == reason
    with pytest.raises(ValueError, match="^a schedule needs a number as lr, and it is "):
        BaseRates([{"lr": rate}]).scale([{"lr": rate}], 0.5)


@pytest.mark.parametrize("rate", [0, 1, 0.1, torch.tensor(0.1)])
def test_numbers_and_tensors_can_be_scheduled(rate):
    group = {"lr": rate}
    assert not why_not_scheduled(group)
    BaseRates([group]).scale([group], 0.5)
    assert group["lr"] == rate * 0.5
