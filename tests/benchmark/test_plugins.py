import re
from dataclasses import replace

import pytest
import torch

from benchmark.context import Context
from benchmark.errors import UsageError
from benchmark.models.base import TaskModel
from benchmark.models.mlp import MLP
from benchmark.plugins import (
    check_fit,
    data_contract,
    data_module_class,
    model_class,
    model_contract,
    prepare_data,
)
from benchmark.problems import problems_of
from benchmark.runner import run
from benchmark.study import Study
from benchmark.tasks.classification import Classification
from benchmark.tasks.language import Language
from benchmark.tasks.regression import Regression
from datamodules.digits import Digits
from datamodules.errors import DataUnavailableError
from optimizers.grammar import parse
from tests.plugins.data import Squares

NETWORKS, DATA = "tests.plugins.networks", "tests.plugins.data"
MODEL_CONTRACT, DATA_CONTRACT = model_contract(Classification), data_contract(Classification)


def test_registered_names_lead_to_their_classes():
    assert model_class("mlp") is MLP
    assert data_module_class("digits") is Digits


def test_a_network_by_path_becomes_a_model_of_its_name():
    cls = model_class(f"{NETWORKS}.Tiny")
    assert issubclass(cls, TaskModel)
    assert cls.task_class is Classification
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
    with pytest.raises(UsageError, match=f"^model '{path}' cannot be imported "):
        model_class(path)


SOURCES = {
    "raise RuntimeError('two\\nlines')": "RuntimeError: two lines",
    "import sys; sys.exit('no GPU')": "SystemExit: no GPU",
    "def half(:": "SyntaxError: invalid syntax (mine_{number}.py, line 1)",
}


@pytest.mark.parametrize(("number", "source"), list(enumerate(SOURCES)))
def test_what_a_module_raises_is_told_in_one_line_with_the_contract(
    tmp_path, monkeypatch, number, source
):
    (tmp_path / f"mine_{number}.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    words = SOURCES[source].format(number=number)
    for load, kind, contract in (
        (model_class, "model", MODEL_CONTRACT),
        (data_module_class, "data set", DATA_CONTRACT),
    ):
        with pytest.raises(UsageError) as refused:
            load(f"mine_{number}.Thing")
        expected = f"{kind} 'mine_{number}.Thing' cannot be imported ({words}): {contract}"
        assert str(refused.value) == expected


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("OneLogit", r"gives \(\d+, 1\), not \(\d+, 10\)"),
        ("Pair", "gives a tuple, not a tensor"),
        ("WrongShape", "does not take"),
        ("RaisesWhenBuilt", "ImportError: no compiler"),
    ],
)
def test_a_network_that_does_not_fit_its_data_is_refused_with_the_contract(digits, name, words):
    with pytest.raises(UsageError, match=words) as refused:
        check_fit(f"{NETWORKS}.{name}", digits, dropout=False)
    assert MODEL_CONTRACT in str(refused.value)


@pytest.mark.parametrize(
    ("model", "task", "words"),
    [
        ("charlm", Classification, "takes characters, and a data set for classification has num"),
        ("charlm", Regression, "takes characters, and a data set for regression has numbers"),
        ("mlp", Language, "takes numbers, and a data set for language has characters: expected ch"),
    ],
)
def test_a_model_of_characters_takes_no_numbers_and_the_reverse(model, task, words):
    with pytest.raises(UsageError, match=words):
        model_class(model, task)


def test_a_network_with_dropout_of_its_own_takes_no_dropout(digits):
    check_fit(f"{NETWORKS}.Tiny", digits, dropout=False)
    with pytest.raises(UsageError, match="Tiny has dropout of its own"):
        check_fit(f"{NETWORKS}.Tiny", digits, dropout=True)


def test_a_network_that_takes_a_seed_of_masks_is_given_dropout_and_the_seed(digits):
    check_fit(f"{NETWORKS}.TinyWithDropout", digits, dropout=True)
    check_fit(f"{NETWORKS}.TinyWithSeed", digits, dropout=False)
    cls = model_class(f"{NETWORKS}.TinyWithDropout")
    model = cls((4,), 3, optimizer=torch.optim.SGD, dropout=True, dropout_seed=7)
    assert (model.network.dropout.p, model.network.dropout.seed) == (0.5, 7)
    assert cls((4,), 3, optimizer=torch.optim.SGD).network.dropout.p == 0


def test_a_classifier_with_a_loss_of_its_own_trains_on_it_and_is_scored_alike(digits, trials_of):
    [trial] = trials_of(opts="sgd:lr=0", log_every=100)
    check_fit(f"{NETWORKS}.Smoothed", digits, dropout=False)
    rows = []
    run(replace(trial, model=f"{NETWORKS}.Smoothed"), Context(), watch=rows.append)
    rows_of_plain = []
    run(replace(trial, model=f"{NETWORKS}.Tiny"), Context(), watch=rows_of_plain.append)
    assert rows[0]["val/loss"] == rows_of_plain[0]["val/loss"]
    smoothed, plain = (
        next(row["train/running_loss"] for row in each if "lr" in row)
        for each in (rows, rows_of_plain)
    )
    assert smoothed != plain


def read(name, **arguments):
    data = data_module_class(f"{DATA}.{name}")(**arguments)
    data.prepare_data()
    data.setup("fit")
    return data


def test_registered_and_plugged_in_data_are_prepared_and_set_up(digits):
    assert prepare_data("digits", None, None).num_train == 1257
    assert prepare_data(f"{DATA}.Squares", None, None).num_train == 40


def test_a_shuffling_loader_is_read_once_in_an_order_that_is_always_the_same():
    first, second = read("Squares"), read("Squares")
    batches = [list(data.train_eval_dataloader()) for data in (first, second)]
    assert torch.equal(batches[0][0][0], batches[1][0][0])
    assert (first.num_train, len(batches[0][0][0])) == (40, 40)
    assert first.checksum == second.checksum
    assert first.checksum != read("TargetsFlipped").checksum


def test_what_is_read_has_the_same_bits_whatever_the_number_of_threads():
    before, found = torch.get_num_threads(), set()
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            found.add(read("Normalized").checksum)
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert len(found) == 1


def test_a_trial_on_other_data_than_those_of_the_launch_fails():
    workload = problems_of("logreg", f"{DATA}.Unseeded").workload
    study = Study(name="s", workloads=(workload,), optimizers=tuple(parse("sgd")), seeds=(0,))
    context = Context(checksums={workload.dataset: read("Unseeded").checksum})
    with pytest.raises(UsageError, match="seed its loaders, or start again"):
        run(study.trials()[0], context)


@pytest.mark.parametrize("name", ["Squares", "Normalized"])
def test_a_trial_on_the_data_of_the_launch_has_their_checksum_on_record(name):
    workload = problems_of("logreg", f"{DATA}.{name}").workload
    study = Study(name="s", workloads=(workload,), optimizers=tuple(parse("sgd")), seeds=(0,))
    context = Context(checksums={workload.dataset: read(name).checksum}, first_steps=2)
    record = run(study.trials()[0], context)
    assert {workload.dataset: record.environment.data} == context.checksums


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
        ("FloatTargets", "yields inputs torch.float32 and targets torch.float32 that are not"),
        ("NotFinite", "train loader yields inputs that are NaN or infinite"),
        ("TooManyClasses", "1000000000 classes; at most"),
        ("TooLarge", "has 10000000000 values per example"),
        ("StopsAtOnce", "fails (KeyboardInterrupt): "),
        ("Escapes", "fails (ValueError: line 1 line 2 �[31m)"),
        ("OtherShape", "yields inputs (40, 2) and targets (40,), with input_shape (3,)"),
        ("LooseShape", "has input_shape 2 and num_classes 2, not a tuple of positive whole"),
        ("NoClasses", "and num_classes 0, not a tuple"),
        ("TooFewClasses", "val loader yields targets 0 to 2, with num_classes 2"),
        ("Nothing", "test loader yields nothing"),
        ("Broken", "val loader (OSError: the disk is gone for good)"),
        ("RaisesWhenBuilt", "fails (KeyError: 'no such account')"),
        ("RaisesWhenPrepared", "fails (ConnectionError: the server is gone for good)"),
        ("RaisesWhenSetUp", "fails (SystemExit: no licence)"),
        ("RaisesWhenResident", "fails (ZeroDivisionError: division by zero)"),
    ],
)
def test_data_that_break_the_contract_are_refused_with_it(name, words, tmp_path):
    with pytest.raises(UsageError) as refused:
        prepare_data(f"{DATA}.{name}", None, tmp_path)
    assert words in str(refused.value)
    assert str(refused.value).endswith(f": {DATA_CONTRACT}")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "dtype", [torch.bool, torch.uint8, torch.int8, torch.int32, torch.float16, torch.float64]
)
def test_targets_of_any_type_are_converted_if_they_are_whole(monkeypatch, dtype):
    monkeypatch.setattr("tests.plugins.data.TargetsAs.dtype", dtype)
    assert read("TargetsAs").checksum == read("Squares").checksum


@pytest.mark.parametrize("model", ["logreg", f"{NETWORKS}.Tiny"])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_real_inputs_of_any_type_become_float32_and_fit_a_network(monkeypatch, dtype, model):
    monkeypatch.setattr("tests.plugins.data.InputsAs.dtype", dtype)
    data, plain = read("InputsAs"), read("Squares")
    for [inputs, _], [theirs, _] in (
        (next(iter(each.test_dataloader())) for each in (data, plain)),
        (next(iter(each.train_eval_dataloader())) for each in (data, plain)),
    ):
        assert torch.equal(inputs, theirs.to(dtype).float())
        assert inputs.dtype == torch.float32
    check_fit(model, data, False)
    if dtype.itemsize >= 4:
        assert data.checksum == plain.checksum


@pytest.mark.parametrize("factor", [1e39, -1e39, 1e300])
def test_inputs_beyond_the_range_of_float32_are_refused_with_the_largest(monkeypatch, factor):
    monkeypatch.setattr("tests.plugins.data.InputsAs.factor", factor)
    largest = read("Squares")._splits["train"].examples.inputs.values.double().abs().max() * factor
    words = re.escape(f"train loader yields inputs up to {abs(float(largest)):g}, and float32 ends")
    with pytest.raises(UsageError, match=words):
        read("InputsAs")


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
@pytest.mark.parametrize("factor", [float("nan"), float("inf")])
def test_inputs_that_are_no_numbers_in_any_type_are_said_to_be_none(monkeypatch, dtype, factor):
    monkeypatch.setattr("tests.plugins.data.InputsAs.dtype", dtype)
    monkeypatch.setattr("tests.plugins.data.InputsAs.factor", factor)
    with pytest.raises(UsageError, match="train loader yields inputs that are NaN or infinite"):
        read("InputsAs")


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int64, torch.complex64])
def test_inputs_that_are_not_real_are_not_converted(monkeypatch, dtype):
    monkeypatch.setattr("tests.plugins.data.InputsAs.dtype", dtype)
    monkeypatch.setattr("tests.plugins.data.InputsAs.factor", 1)
    with pytest.raises(UsageError, match=rf"yields inputs {dtype} and targets"):
        read("InputsAs")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_inputs_that_are_no_numbers_are_refused(monkeypatch, value):
    monkeypatch.setattr("tests.plugins.data.NotFinite.value", value)
    with pytest.raises(UsageError, match="NaN or infinite"):
        read("NotFinite")


def test_a_loader_without_end_is_refused(monkeypatch):
    monkeypatch.setattr("benchmark.adopted._MAX_BATCHES", 100)
    with pytest.raises(UsageError, match="train loader yields more than 100 batches"):
        read("Endless")


def test_errors_of_data_that_were_meant_pass_as_they_are(monkeypatch, tmp_path):
    def refuse(self):
        raise DataUnavailableError("put it there")

    monkeypatch.setattr(Squares, "prepare_data", refuse)
    with pytest.raises(DataUnavailableError, match="^put it there$"):
        prepare_data(f"{DATA}.Squares", None, tmp_path)


def test_what_is_no_data_module_is_refused():
    with pytest.raises(UsageError, match="is no LightningDataModule class"):
        data_module_class(f"{NETWORKS}.Tiny")


def test_a_plugged_in_network_learns_plugged_in_data():
    workload = problems_of(f"{NETWORKS}.Tiny", f"{DATA}.Squares").workload
    study = Study(
        name="s",
        workloads=(workload,),
        optimizers=tuple(parse("adam:lr=0.01")),
        seeds=(0,),
    )
    record = run(study.trials()[0], Context())
    assert record.status == "done"
    assert record.trial.dataset == f"{DATA}.Squares"
    assert 0 <= record.metrics["test/accuracy"] <= 1


def test_a_data_set_by_import_path_keeps_its_own_split_for_every_seed():
    found = []
    for split_seed in (0, 1):
        data = data_module_class(f"{DATA}.Squares")(split_seed=split_seed)
        data.prepare_data()
        data.setup()
        [(inputs, targets)] = data.val_dataloader()
        found.append((inputs, targets, data.num_train, data.checksum))
    (inputs, targets, *rest), (same_inputs, same_targets, *same_rest) = found
    assert torch.equal(inputs, same_inputs)
    assert torch.equal(targets, same_targets)
    assert rest == same_rest
