import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizers.registry import OPTIMIZERS
from optimizers.spaces import ADAM_LIKE, Choice, Range, Space, kind_of

units = st.floats(0, 1, exclude_max=True)
rows = pytest.mark.parametrize("row", OPTIMIZERS.values(), ids=OPTIMIZERS)


@st.composite
def ranges(draw):
    one_minus = draw(st.booleans())
    low = 10 ** draw(st.floats(-9, -1.5 if one_minus else 3))
    high = low * 10 ** draw(st.floats(0.1, 1.4))
    return Range(name="x", low=low, high=high, one_minus=one_minus)


@given(ranges(), units)
def test_a_value_lies_in_its_range_but_for_rounding(each, u):
    drawn = 1 - each.at(u) if each.one_minus else each.at(u)
    assert each.low * 0.99 <= drawn <= each.high * 1.01
    assert not each.one_minus or 0 < each.at(u) < 1


@given(ranges(), units)
def test_a_value_is_written_with_six_digits(each, u):
    value = each.at(u)
    if not each.one_minus:
        assert float(f"{value:.6g}") == value
    assert len(repr(value).partition("e")[0].strip("0.")) <= 13  # 0.999999123 and the like


@given(ranges(), units)
def test_values_are_even_in_the_logarithm(each, u):
    found = each.where(each.at(u))
    assert found is None or math.isclose(found, u, abs_tol=0.03)  # None: rounded across an end
    assert each.where(each.at(0.5)) is not None


@given(st.integers(2, 9), units)
def test_choices_are_equally_probable(count, u):
    each = Choice(name="x", values=tuple(map(str, range(count))))
    assert each.at(u) == str(math.floor(u * count))
    assert each.at(each.where(each.at(u))) == each.at(u)


@pytest.mark.parametrize(
    ("low", "high", "one_minus"),
    [
        (0, 1, False),
        (-1, 1, False),
        (1, 0.1, False),
        (1, 1, False),
        (0.1, math.inf, False),
        (math.nan, 1, False),
        ("1", 2, False),
        (True, 2, False),
        (0.1, 1, True),
    ],
)
def test_a_range_that_cannot_be_drawn_from_is_refused(low, high, one_minus):
    with pytest.raises(ValueError, match="range of lr: expected"):
        Range(name="lr", low=low, high=high, one_minus=one_minus)


@pytest.mark.parametrize("values", [(), ("a",), ("a", "a")])
def test_a_choice_has_several_values(values):
    with pytest.raises(ValueError, match="choice of x: expected two or more"):
        Choice(name="x", values=values)


def test_the_learning_rate_comes_first_and_choices_last():
    choice = Choice(name="schedule", values=("constant", "cosine"))
    space = Space(ranges=(choice, *reversed(ADAM_LIKE)))
    assert [each.name for each in space.ranges] == ["lr", "betas.1", "betas.0", "schedule"]
    wrapped = Space(ranges=(choice, Range(name="optimizer.lr", low=0.1, high=1)))
    assert wrapped.ranges[0].name == "optimizer.lr"


@rows
def test_a_row_has_a_space_of_the_learning_rate_and_a_full_one(row):
    assert row.spaces["full"] == row.space
    assert row.spaces["lr"].kinds == ("lr",)
    assert row.spaces["lr"].ranges == row.space.ranges[:1]
    assert (row.spaces["lr"] == row.spaces["full"]) == (len(row.space.ranges) == 1)


def test_optimizers_without_another_hyperparameter_have_one_space():
    same = [name for name, row in OPTIMIZERS.items() if row.spaces["lr"] == row.spaces["full"]]
    alone = [name for name, row in OPTIMIZERS.items() if row.space.kinds == ("lr",)]
    assert same == alone
    assert {"sgd", "adagrad"} <= set(same) < OPTIMIZERS.keys()


@pytest.mark.parametrize(
    ("name", "kinds"),
    list(
        {
            "sgd": ("lr",),
            "momentum": ("lr", "momentum/beta1"),
            "rmsprop": ("lr", "beta2"),
            "adadelta": ("lr", "beta2"),
            "adam": ("lr", "momentum/beta1", "beta2"),
            "adamw": ("lr", "momentum/beta1", "beta2", "weight_decay"),
            "lion": ("lr", "weight_decay"),
        }.items()
    ),
)
def test_kinds_are_the_same_words_for_all_optimizers(name, kinds):
    assert OPTIMIZERS[name].space.kinds == kinds


def test_unknown_kinds_keep_their_name():
    names = ("amsgrad", "schedule", "rest.lr", "optimizer.betas.1", "rest.betas.0", "betas.2")
    assert [kind_of(name) for name in names] == [
        "amsgrad",
        "schedule",
        "rest.lr",
        "beta2",
        "rest.momentum/beta1",
        "betas.2",
    ]
    space = Space(ranges=(Choice(name="amsgrad", values=(True, False)), *ADAM_LIKE))
    assert space.kinds == ("lr", "momentum/beta1", "beta2", "amsgrad")


@given(st.lists(ranges(), max_size=3), st.permutations(["a", True, False, None]))
def test_a_space_survives_json(found, values):
    space = Space(ranges=(*found, Choice(name="c", values=tuple(values))))
    text = json.dumps(space.to_json())
    assert "null" not in text  # TOML has no null
    assert Space.from_json(json.loads(text)) == space
