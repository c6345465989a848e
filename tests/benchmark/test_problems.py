from dataclasses import replace
from pkgutil import resolve_name

import pytest

from benchmark.baselines import read_baselines
from benchmark.cli.options import Names
from benchmark.models.base import TaskModel
from benchmark.models.registry import MODELS
from benchmark.plugins import data_module_class, task_class
from benchmark.problems import PROBLEMS, everyday_models, everyday_problems, problems_of, unit_on
from datamodules.registry import DATASETS
from tools.measured import measure


@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=list(PROBLEMS))
def test_every_problem_names_a_model_and_a_data_set(problem):
    assert problem.workload.model in MODELS
    assert problem.workload.dataset in DATASETS
    assert problem.name == f"{problem.workload.model}/{problem.workload.dataset}"


@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=list(PROBLEMS))
def test_problems_that_download_have_an_embedded_twin(problem):
    if DATASETS[problem.workload.dataset].embedded:
        assert not problem.twin
    else:
        assert DATASETS[PROBLEMS[problem.twin].workload.dataset].embedded


@pytest.mark.parametrize("row", MODELS.values(), ids=list(MODELS))
def test_every_model_learns_the_task_of_its_own_data_set(row):
    model = resolve_name(row.target)
    assert issubclass(model, TaskModel)
    of_data = task_class(data_module_class(row.dataset).task)
    assert model.takes_pixels or model.task_class is of_data


@pytest.fixture(scope="module")
def measured():
    return measure(read_baselines())


@pytest.mark.one_in(5)
@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=list(PROBLEMS))
def test_the_target_is_that_of_the_shipped_baseline(problem, measured):
    found = measured.get(problem.name)
    assert problem.target == (found.target if found else None), (
        "python -m tools.make_baselines --targets prints the values for the table"
    )


def test_model_alone_means_the_data_set_of_its_paper():
    assert problems_of("cnn", None).name == "cnn/cifar10"


def test_pairs_outside_the_table_take_the_numbers_of_the_model():
    problem = problems_of("mlp", "cifar10")
    assert problem.name == "mlp/cifar10"
    assert problem.workload.epochs == PROBLEMS["mlp/mnist"].workload.epochs


@pytest.mark.parametrize("dataset", ["cifar10", "cifar10_zca"])
def test_variants_of_a_model_take_its_numbers(dataset):
    found, known = problems_of("cnn_valid", dataset), PROBLEMS["cnn/cifar10"]
    assert found.name == f"cnn_valid/{dataset}"
    assert found.epoch_seconds == known.epoch_seconds
    assert replace(found.workload, problem="", model="", dataset="") == replace(
        known.workload, problem="", model="", dataset=""
    )


def test_unknown_names_are_refused_with_a_suggestion():
    with pytest.raises(ValueError, match="unknown model 'mpl'. Did you mean 'mlp'"):
        problems_of("mpl", None)
    with pytest.raises(ValueError, match="unknown data set 'minst'. Did you mean 'mnist'"):
        problems_of("mlp", "minst")


def test_all_leaves_out_what_needs_a_gpu_and_variants():
    assert PROBLEMS.keys() - everyday_problems() == {"resnet/cifar10"}
    assert MODELS.keys() - everyday_models() == {"resnet", "cnn_valid"}
    names = Names("problem", list(PROBLEMS), everyday=everyday_problems())
    assert names.convert("all", None, None) == tuple(everyday_problems())
    assert names.convert("resnet/cifar10", None, None) == ("resnet/cifar10",)


def test_the_unit_of_a_loss_is_unknown_where_a_part_of_a_problem_is_the_users_own():
    assert unit_on("train/loss", ["charlm/manual"]).sign == "nats"
    for problem in ("mine.Net/digits", "mlp/mine.Data", "a/path/mine.py:Net/digits"):
        assert unit_on("val/loss", [problem, "mlp/digits"]).sign == ""
    assert unit_on("val/accuracy", ["mine.Net/digits"]).sign == "%"
