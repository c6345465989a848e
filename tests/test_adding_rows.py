"""A data set or a model is its file and its rows: no other module of the packages names it."""

import re
from pathlib import Path

import pytest

from benchmark.models.registry import MODELS
from datamodules.registry import DATASETS

ROOT = Path(__file__).parents[1]
PACKAGES = ("benchmark", "optimizers", "datamodules")
TABLES = {"benchmark/models/registry.py", "benchmark/problems.py"}
EXAMPLES = {"mnist", "mlp"}  # in help texts


def named_in(name, packages):
    quoted = re.compile(rf"""["'`.](?<!benchmark\.tasks\.){re.escape(name)}\b""")
    files = [path for each in packages for path in (ROOT / each).rglob("*.py")]
    found = [path for path in files if quoted.search(path.read_text(encoding="utf-8"))]
    return {path.relative_to(ROOT).as_posix() for path in found}


def own_file(target):
    return target.partition(":")[0].replace(".", "/") + ".py"


@pytest.mark.parametrize("name", sorted(DATASETS.keys() - EXAMPLES))
def test_a_data_set_is_named_in_its_file_and_in_tables_alone(name):
    tables = TABLES | {"datamodules/registry.py", "datamodules/layouts.py"}
    assert named_in(name, PACKAGES) <= {own_file(DATASETS[name].target), *tables}


@pytest.mark.parametrize("name", sorted(MODELS.keys() - EXAMPLES))
def test_a_model_is_named_in_its_file_and_in_tables_alone(name):
    # Data modules are strangers to models, and a task may have the name of a model.
    tasks = {path for path in named_in(name, ["benchmark"]) if path.startswith("benchmark/tasks/")}
    assert named_in(name, ["benchmark"]) - tasks <= {own_file(MODELS[name].target), *TABLES}
