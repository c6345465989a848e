"""Every row's class of torch takes what the row hands it, and knows the values it was said to."""

import inspect

import pytest
import torch

from optimizers.grammar import parse
from optimizers.registry import OPTIMIZERS
from optimizers.twin import TorchTwin

with_rest = [row for row in OPTIMIZERS.values() if row.torch and row.torch.rest]
with_torch = [row for row in OPTIMIZERS.values() if row.torch]
every_twin = pytest.mark.parametrize("row", with_torch, ids=lambda row: row.name)


@every_twin
def test_torch_takes_all_hyperparameters_and_keeps_every_value(row):
    cls, arguments = row.torch.load(), row.torch.arguments(row.hyperparameters)
    (group,) = cls([torch.nn.Parameter(torch.ones(2, 2))], **arguments).param_groups
    assert {name: group[name] for name in arguments} == arguments
    assert row.hyperparameters.keys() - arguments.keys() <= {
        "execution",
        *row.torch.built_in,
        *row.torch.elsewhere,
    }


@every_twin
def test_only_what_torch_lacks_is_built_in(row):
    lacking = row.hyperparameters.keys() - inspect.signature(row.torch.load()).parameters.keys()
    assert lacking - {"execution"} == {*row.torch.built_in, *row.torch.elsewhere}
    for name, value in row.torch.built_in.items():
        assert not row.torch.takes({**row.hyperparameters, name: not value})


@pytest.mark.parametrize("row", with_rest, ids=lambda row: row.name)
def test_a_twin_that_takes_only_matrices_names_the_class_of_the_rest(row):
    with pytest.raises(ValueError, match="2D"):
        row.torch.load()([torch.nn.Parameter(torch.ones(2))])
    arguments = row.torch.rest.arguments(row.hyperparameters)
    (group,) = row.torch.rest.load()([torch.nn.Parameter(torch.ones(2))], **arguments).param_groups
    assert {name: group[name] for name in arguments} == arguments
    known = {*arguments, *row.torch.arguments(row.hyperparameters)}
    assert row.hyperparameters.keys() - known <= {"execution"}


def test_a_rule_that_torch_lacks_is_refused():
    adam = OPTIMIZERS["adam"]
    with pytest.raises(ValueError, match="has this rule with bias_correction=True alone"):
        adam.torch.arguments({**adam.hyperparameters, "bias_correction": False})


@pytest.mark.parametrize("row", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_a_row_knows_the_hyperparameters_that_its_class_has(row):
    (spec,) = parse(row.name)
    assert {**row.hyperparameters, **spec.hyperparameters} == row.hyperparameters


def test_arguments_are_a_copy():
    given, twin = {"lr": 0.1, "execution": "loop"}, TorchTwin(name="SGD", fixed={"nesterov": True})
    twin.arguments(given)["lr"] = 1
    assert given == {"lr": 0.1, "execution": "loop"}
