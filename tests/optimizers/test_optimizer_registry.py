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


def test_the_package_offers_exactly_the_listed_classes():
    names = {row.target.partition(":")[2] for row in OPTIMIZERS.values()}
    assert names == set(optimizers.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Adm'"):
        _ = optimizers.Adm


@pytest.mark.parametrize("module", ["", ".registry", ".spec", ".schedules", ".pick", ".grammar"])
def test_importing_what_describes_optimizers_does_not_import_torch(module):
    code = f"import sys, optimizers{module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
