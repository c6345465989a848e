import pytest
import torch

from benchmark.context import Context
from benchmark.models.base import Classifier
from benchmark.models.mlp import MLP
from benchmark.plugins import (
    DATA_CONTRACT,
    MODEL_CONTRACT,
    check_fit,
    data_module_class,
    model_class,
)
from benchmark.problems import problems_of
from benchmark.runner import run
from benchmark.spec import Study, UsageError
from datamodules.digits import Digits
from optimizers.grammar import parse

NETWORKS, DATA = "tests.plugins.networks", "tests.plugins.data"


def test_registered_names_lead_to_their_classes():
    assert model_class("mlp") is MLP
    assert data_module_class("digits") is Digits


def test_a_network_by_path_becomes_a_classifier_of_its_name():
    cls = model_class(f"{NETWORKS}.Tiny")
    assert issubclass(cls, Classifier)
    assert cls.__name__ == "Tiny"


def test_a_classifier_by_path_is_taken_as_it_is():
    assert model_class("benchmark.models.mlp.MLP") is MLP


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("OwnStep", "brings its own training step"),
        ("not_a_class", "is not a torch.nn.Module class"),
    ],
)
def test_what_is_no_network_is_refused_with_the_contract(name, words):
    with pytest.raises(UsageError) as refused:
        model_class(f"{NETWORKS}.{name}")
    assert words in str(refused.value)
    assert MODEL_CONTRACT in str(refused.value)


@pytest.mark.parametrize("path", ["tests.plugins.networks.Missing", "no.such.Module"])
def test_a_path_that_leads_nowhere_is_refused(path):
    with pytest.raises(UsageError, match=f"^model '{path}' cannot be imported: "):
        model_class(path)


@pytest.mark.parametrize(
    ("name", "words"),
    [("OneLogit", r"gives \(\d+, 1\), not \(\d+, 10\)"), ("WrongShape", "does not take")],
)
def test_a_network_that_does_not_fit_its_data_is_refused_with_the_contract(digits, name, words):
    digits.setup("fit")
    with pytest.raises(UsageError, match=words) as refused:
        check_fit(f"{NETWORKS}.{name}", digits, dropout=False)
    assert MODEL_CONTRACT in str(refused.value)


def test_a_network_with_dropout_of_its_own_takes_no_dropout(digits):
    digits.setup("fit")
    check_fit(f"{NETWORKS}.Tiny", digits, dropout=False)
    with pytest.raises(UsageError, match="Tiny has dropout of its own"):
        check_fit(f"{NETWORKS}.Tiny", digits, dropout=True)


def read(name, **arguments):
    data = data_module_class(f"{DATA}.{name}")(**arguments)
    data.prepare_data()
    data.setup("fit")
    return data


def test_a_shuffling_loader_is_read_once_in_an_order_that_is_always_the_same():
    first, second = read("Squares"), read("Squares")
    batches = [list(data.train_eval_dataloader()) for data in (first, second)]
    assert torch.equal(batches[0][0][0], batches[1][0][0])
    assert (first.num_train, len(batches[0][0][0])) == (40, 40)
    assert first.checksum == f"read from {DATA}.Squares"


def test_batches_of_a_plugged_in_data_set_are_shuffled_by_the_suites_seed():
    def first_batch(seed):
        return next(iter(read("Squares", batch_size=8, seed=seed).train_dataloader()))[0]

    assert torch.equal(first_batch(1), first_batch(1))
    assert not torch.equal(first_batch(1), first_batch(2))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Shapeless", "has no num_classes"),
        ("Demanding", "needs folder"),
        ("FloatTargets", "yields torch.float32 and torch.float32"),
        ("OtherShape", "has other inputs"),
        ("Broken", "val loader: the disk is gone for good"),
    ],
)
def test_data_that_break_the_contract_are_refused_with_it(name, words):
    with pytest.raises(UsageError) as refused:
        read(name)
    assert words in str(refused.value)
    assert DATA_CONTRACT in str(refused.value)


def test_what_is_no_data_module_is_refused():
    with pytest.raises(UsageError, match="is no LightningDataModule class"):
        data_module_class(f"{NETWORKS}.Tiny")


def test_a_plugged_in_network_learns_plugged_in_data():
    workload = problems_of(f"{NETWORKS}.Tiny", f"{DATA}.Squares").workload
    study = Study(
        name="s",
        workloads=(workload,),
        optimizers=tuple(spec.to_json() for spec in parse("adam:lr=0.01")),
        seeds=(0,),
    )
    record = run(study.trials()[0], Context())
    assert record.status == "done"
    assert record.trial.dataset == f"{DATA}.Squares"
    assert 0 <= record.metrics["test/accuracy"] <= 1
