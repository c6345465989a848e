"""What cannot be is refused by name when an optimizer is built, for every row of the table."""

import inspect
import math

import pytest
import torch

from tests.conformance.cases import class_of, every_row

NO_RATE = (-0.1, math.nan, math.inf, "abc", None, True, torch.ones(2), (0.1,))
NO_PART = (*NO_RATE, 1.0)  # of what must lie below one
NO_PAIR = (0.9, (0.9,), (0.9, 0.9, 0.9), (0.9, "b"), (0.9, 1.0), (-0.1, 0.9), (0.9, math.nan), None)
NO_FLAG = (1, 0, None, "yes", 0.5)
NO_EXECUTION = ("fast", None, 1, True)

BAD = {
    "lr": NO_RATE,
    "eps": NO_RATE,
    "weight_decay": NO_RATE,
    "lr_decay": NO_RATE,
    "initial_accumulator_value": NO_RATE,
    "momentum_decay": NO_RATE,
    "momentum": NO_PART,
    "rho": NO_PART,
    "alpha": NO_PART,
    "betas": NO_PAIR,
    "maximize": NO_FLAG,
    "amsgrad": NO_FLAG,
    "centered": NO_FLAG,
    "bias_correction": NO_FLAG,
    "adjust_lr_fn": ("fast", "spectral_unclamped", 1, True, 0.2),
    "execution": NO_EXECUTION,
}


def arguments(row):
    return list(inspect.signature(class_of(row)).parameters)[1:]


def parameter():
    return torch.nn.Parameter(torch.tensor([1.0, -2.0, 3.0]))


@every_row
def test_every_hyperparameter_is_listed(row):
    assert set(arguments(row)) <= BAD.keys(), "give it a row in BAD"


@every_row
def test_a_bad_value_is_refused_in_one_line_that_names_it(row):
    cls = class_of(row)
    for name in arguments(row):
        for value in BAD[name]:
            with pytest.raises(ValueError) as caught:
                cls([parameter()], **{name: value})
            assert str(caught.value).startswith(f"{cls.__name__}: expected {name} to be ")
            assert str(caught.value).endswith(f"got {value!r}")


@every_row
def test_a_bad_value_in_a_group_is_refused_too(row):
    cls = class_of(row)
    optimizer = cls([parameter()])
    for name in arguments(row):
        if name == "execution":
            continue
        for value in BAD[name]:
            with pytest.raises(ValueError, match=f"expected {name} to be "):
                cls([{"params": [parameter()], name: value}])
            with pytest.raises(ValueError, match=f"expected {name} to be "):
                optimizer.add_param_group({"params": [parameter()], name: value})
    assert len(optimizer.param_groups) == 1


@every_row
def test_an_unknown_name_is_refused(row):
    with pytest.raises(TypeError, match="lrr"):
        class_of(row)([parameter()], lrr=0.1)


@every_row
def test_the_settings_of_other_parameters_are_refused(row):
    cls = class_of(row)
    saved = cls([parameter()]).state_dict()
    with pytest.raises(ValueError, match="group"):
        cls([parameter(), parameter()]).load_state_dict(saved)
    with pytest.raises(ValueError, match="empty parameter list"):
        cls([])
    with pytest.raises(TypeError, match="params argument"):
        cls(parameter())
