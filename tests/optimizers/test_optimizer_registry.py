import subprocess
import sys

import pytest
import torch

import optimizers
from optimizers.base import PaperOptimizer
from optimizers.grammar import parse
from optimizers.registry import OPTIMIZERS

rows = pytest.mark.parametrize("row", OPTIMIZERS.values(), ids=OPTIMIZERS)


def test_the_seven_classics_are_listed():
    assert list(OPTIMIZERS)[:7] == [
        "sgd",
        "momentum",
        "nesterov",
        "adagrad",
        "adadelta",
        "rmsprop",
        "adam",
    ]


@rows
def test_a_row_leads_to_a_class_that_can_be_built_by_its_name(row):
    (spec,) = parse(row.name)
    optimizer = spec.build([torch.nn.Parameter(torch.zeros(3))])
    assert isinstance(optimizer, PaperOptimizer)
    assert type(optimizer) is getattr(optimizers, row.target.partition(":")[2])


@rows
def test_a_row_names_its_paper_and_where_to_read_it(row):
    assert row.paper[-4:].isdigit()
    assert row.link.startswith("https://")
    assert row.summary
    assert "\n" not in row.summary


def stepped(row, scale=1.0):
    """Return an optimizer and its parameter after a few steps along gradients times `scale`."""
    param = torch.nn.Parameter(torch.linspace(-1, 1, 12, dtype=torch.float64).reshape(4, 3))
    (spec,) = parse(row.name)
    optimizer = spec.build([param])
    for step in range(4):
        param.grad = scale * torch.linspace(-2, 3 + step, 12, dtype=torch.float64).reshape(4, 3)
        optimizer.step()
    return optimizer, param


@rows
def test_a_row_says_truly_what_its_optimizer_does(row):
    optimizer, param = stepped(row)
    large = [value for value in optimizer.state[param].values() if value.shape == param.shape]
    assert len(large) == row.state_tensors
    assert (optimizer.decoupled, optimizer.takes_sparse) == (row.decoupled, row.takes_sparse)
    scaled = stepped(row, scale=1024.0)[1]
    assert torch.allclose(param, scaled, rtol=1e-5, atol=1e-6) is row.scale_free
    assert row.defaults


@rows
def test_a_space_holds_what_can_be_tuned_and_its_default(row):
    (spec,) = parse(row.name)
    assert row.space.source
    for each in row.space.ranges:
        name, _, index = each.name.partition(".")
        default = spec.hyperparameters[name]
        default = default[int(index)] if index else default
        ends = sorted((each.at(0.0), each.at(1.0)))
        assert ends[0] <= default <= ends[1] or default == 0.0  # no decay is off the log scale
        spec.build([torch.nn.Parameter(torch.zeros(2))])


def test_the_package_offers_exactly_the_listed_classes():
    names = {row.target.partition(":")[2] for row in OPTIMIZERS.values()}
    assert names == set(optimizers.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Adm'"):
        _ = optimizers.Adm


@pytest.mark.parametrize("module", ["", ".registry", ".spec", ".schedules", ".pick", ".grammar"])
def test_importing_what_describes_optimizers_does_not_import_torch(module):
    code = f"import sys, optimizers{module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
