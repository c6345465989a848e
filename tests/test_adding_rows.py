"""A data set or a model is its file and its rows: no other module of the packages names it."""

import re
from pathlib import Path

import pytest
import torch

from benchmark.context import Context
from benchmark.models.registry import MODELS
from benchmark.problems import problems_of
from benchmark.runner import run
from benchmark.study import Study
from datamodules.base import ResidentDataModule
from datamodules.registry import DATASETS, DatasetRow, Targets
from optimizers.grammar import parse
from tests.plugins.regression import GaussianRegression

ROOT = Path(__file__).parents[1]
PACKAGES = ("benchmark", "optimizers", "datamodules")
TABLES = {"benchmark/models/registry.py", "benchmark/problems.py"}
EXAMPLES = {"mnist", "mlp"}  # in help texts


def named_in(name):
    quoted = re.compile(rf"""["'`.]{re.escape(name)}\b""")
    files = [path for each in PACKAGES for path in (ROOT / each).rglob("*.py")]
    found = [path for path in files if quoted.search(path.read_text(encoding="utf-8"))]
    return {path.relative_to(ROOT).as_posix() for path in found}


def own_file(target):
    return target.partition(":")[0].replace(".", "/") + ".py"


@pytest.mark.parametrize("name", sorted(DATASETS.keys() - EXAMPLES))
def test_a_data_set_is_named_in_its_file_and_in_tables_alone(name):
    tables = TABLES | {"datamodules/registry.py", "datamodules/layouts.py"}
    assert named_in(name) <= {own_file(DATASETS[name].target), *tables}


@pytest.mark.parametrize("name", sorted(MODELS.keys() - EXAMPLES))
def test_a_model_is_named_in_its_file_and_in_tables_alone(name):
    assert named_in(name) <= {own_file(MODELS[name].target), *TABLES}


class Slope(ResidentDataModule):
    """A registered data set whose targets are numbers."""

    dataset = "slope"
    task = GaussianRegression

    def build(self):
        inputs = torch.linspace(-1.0, 1.0, 60)[:, None]
        targets = 0.5 * inputs
        return {
            "pool.inputs": inputs[:50],
            "pool.targets": targets[:50],
            "test.inputs": inputs[50:],
            "test.targets": targets[50:],
        }


def test_a_data_set_of_another_task_is_a_class_and_a_row(monkeypatch, tmp_path):
    row = DatasetRow(
        name="slope",
        target=f"{__name__}:Slope",
        title="A line",
        input_shape=(1,),
        targets=Targets(name="num_targets", size=1),
        sizes=(40, 10, 10),
        source="drawn here",
        terms="none",
        embedded=True,
    )
    monkeypatch.setitem(DATASETS, row.name, row)
    assert not hasattr(Slope(cache_dir=tmp_path), "num_classes")
    (trial,) = Study(
        name="s",
        workloads=(problems_of("logreg", row.name).workload,),
        optimizers=tuple(parse("adam:lr=0.05")),
        seeds=(0,),
    ).trials()
    Slope(cache_dir=tmp_path).prepare_data()
    record = run(trial, Context(cache_dir=tmp_path))
    assert (record.status, record.reason) == ("done", "")
    assert {f"test/{metric.name}" for metric in GaussianRegression.metrics} <= record.metrics.keys()
