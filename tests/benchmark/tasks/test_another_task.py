"""A task of anyone's own, with its data and networks, goes all the way to the terminal's table."""

import io
import math
import re
from dataclasses import replace

import pytest
from rich.console import Console

from benchmark import metrics
from benchmark.archive import compact, restore
from benchmark.cli.report import _check_targets
from benchmark.context import Context
from benchmark.errors import UsageError
from benchmark.metrics import LOSS, METRICS, RMSE, metric_of
from benchmark.models.mlp import MLP, Perceptron
from benchmark.plugins import check_fit, model_class, model_for, prepare_data, task_class
from benchmark.problems import problems_of
from benchmark.report.table import print_tables
from benchmark.runner import run
from benchmark.store import Store
from benchmark.study import Study
from benchmark.tasks.classification import Classification
from optimizers.grammar import parse
from tests.plugins.regression import SPREAD, GaussianRegression, Mismeasures

PLUGIN = "tests.plugins.regression"


def trial_of(model, dataset, opts="adam:lr=0.05", *, epochs=40):
    workload = replace(problems_of(model, f"{PLUGIN}.{dataset}").workload, epochs=epochs)
    optimizers = tuple(parse(opts))
    study = Study(name="s", workloads=(workload,), optimizers=optimizers, seeds=(0,), log_every=5)
    return study.trials()[0]


@pytest.mark.parametrize(
    ("model", "dataset"), [("logreg", "Line"), ("tests.plugins.networks.Tiny", "LineByPath")]
)
def test_a_healthy_run_whose_loss_turns_negative_is_done(model, dataset):
    rows = []
    record = run(trial_of(model, dataset), Context(), watch=rows.append)
    losses = [row["train/loss"] for row in rows if "train/loss" in row]
    assert (record.status, record.reason) == ("done", "")
    assert losses[0] > 0 > losses[-1]
    assert not any(name.endswith("accuracy") for name in record.metrics)
    assert record.metrics["test/rmse"] < 0.3


@pytest.mark.parametrize("model", [f"{PLUGIN}.Confident", f"{PLUGIN}.ByName"])
def test_a_run_whose_loss_begins_negative_is_done(model):
    rows = []
    record = run(trial_of(model, "Noise", epochs=3), Context(), watch=rows.append)
    assert all(row["train/loss"] < 0 for row in rows if "train/loss" in row)
    assert record.status == "done"


def test_a_loss_that_begins_negative_and_explodes_is_divergence_with_its_start():
    trial = trial_of(f"{PLUGIN}.Confident", "Noise", "adam:lr=3", epochs=5)
    record = run(trial, Context())
    assert record.status == "diverged"
    assert re.fullmatch(
        r"(?:train|val)/loss was \S+, from -2\.\d+ at its start, at step \d+", record.reason
    )


def test_its_metric_is_recorded_on_every_split_and_has_its_column():
    record = run(trial_of("logreg", "Line"), Context())
    assert {f"{split}/rmse" for split in ("train", "val", "test")} <= record.metrics.keys()
    console = Console(file=io.StringIO(), width=120)
    print_tables(console, [record])
    text = console.file.getvalue()
    head, row = text.partition("optimizer")[2].splitlines()[:2]
    assert head.count("rmse") == len(RMSE.tabled)
    assert "acc" not in head
    assert f"{record.metrics['test/rmse']:.4f}" in row
    assert record.metrics["test/loss"] < 0
    assert f"{record.metrics['test/loss']:.4f}" in row


@pytest.fixture
def new_process():
    """Return a function that leaves only the suite's rows in the table of metrics."""
    suite = dict(METRICS)

    def start():
        METRICS.clear()
        METRICS.update(suite)

    yield start
    start()
    metrics._AMBIGUOUS.clear()


def test_a_row_that_the_task_brings_is_kept_with_its_records(tmp_path, new_process):
    record = run(trial_of("logreg", "SpreadLine", epochs=2), Context())
    store = Store(tmp_path, "s")
    assert store.add(record, [])
    compact(store, tmp_path / "s.parquet")
    restored = restore(tmp_path / "s.parquet", tmp_path / "elsewhere").store
    for place in (store, restored):
        new_process()
        assert metric_of("val/spread").better is None

        [found] = place.records()

        assert metric_of("val/spread") == SPREAD
        console = Console(file=io.StringIO(), width=120)
        print_tables(console, [found])
        text = console.file.getvalue()
        assert text.count("spread") == 2
        assert f"{100 * record.metrics['test/spread']:.1f}" in text


def test_a_target_may_be_set_on_such_a_metric(tmp_path, new_process):
    store = Store(tmp_path, "s")
    store.add(run(trial_of("logreg", "SpreadLine", epochs=1), Context()), [])
    new_process()
    _check_targets({"val/spread": 0.1}, [store])
    with pytest.raises(UsageError, match=r"unknown metric 'val/sprad'.* Did you mean 'val/spread'"):
        _check_targets({"val/sprad": 0.1}, [store])


def test_a_task_changes_no_row_of_the_suite(new_process):
    record = run(trial_of("logreg", "Line", epochs=1), Context())
    own = replace(record, own_metrics=(replace(RMSE, better="higher"),))
    assert own.to_json()["own_metrics"][0]["better"] == "higher"
    assert metric_of("val/rmse") is RMSE


def test_rows_of_two_tasks_that_differ_count_for_neither(new_process):
    record = run(trial_of("logreg", "SpreadLine", epochs=1), Context())
    assert metric_of("val/spread") == SPREAD
    for row in (replace(SPREAD, better="higher"), SPREAD):
        replace(record, own_metrics=(row,))
        found = metric_of("val/spread")
        assert (found.better, found.unit.sign) == (None, "")


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("coverage", "expected rows of type benchmark.metrics.Metric, got 'coverage'"),
        (replace(RMSE, better="higher"), "the suite has another rmse: take its row, or choose"),
        (replace(SPREAD, better="up"), "'spread' is no row that records can keep: .*up"),
        (replace(SPREAD, unit="cm"), "'spread' is no row that records can keep"),
        (replace(SPREAD, tabled=("validation",)), "splits of a metric among train, val, test"),
    ],
)
def test_a_row_that_is_none_is_refused_before_any_training(row, words):
    faulty = type("Faulty", (GaussianRegression,), {"metrics": (LOSS, row)})
    with pytest.raises(UsageError, match=f"metrics: .*{words}"):
        task_class(faulty)


def test_the_evaluation_is_that_of_all_examples():
    data = prepare_data(f"{PLUGIN}.Line", None, None)
    cls, size = model_for(f"{PLUGIN}.Confident", data)
    model = cls(data.input_shape, size, optimizer=lambda params: None).eval()
    for batch in data.val_dataloader():
        model.validation_step(batch, 0, dataloader_idx=1)
    [(_, targets)] = list(data.val_dataloader())
    found = dict(model.read_metrics())
    assert found["val/rmse"] == pytest.approx(targets.square().mean().sqrt().item(), rel=1e-5)
    expected = 0.5 * (targets * math.e**3).square().mean() - 3 + 0.5 * math.log(2 * math.pi)
    assert found["val/loss"] == pytest.approx(expected.item(), rel=1e-5)


def test_a_registered_network_is_built_for_the_outputs_of_the_task():
    cls = model_class("mlp", GaussianRegression)
    assert issubclass(cls.network_class, Perceptron)
    model = cls((3,), 2, optimizer=lambda params: None)
    assert model.network[-1].out_features == 4
    assert model_class("mlp") is MLP


def test_a_task_is_found_by_name_by_path_and_as_it_is():
    assert task_class("classification") is Classification
    assert task_class(f"{PLUGIN}.GaussianRegression") is GaussianRegression
    assert task_class(GaussianRegression) is GaussianRegression


@pytest.mark.parametrize(
    ("model", "dataset", "words"),
    [
        ("mlp", "UnknownTask", "unknown task 'regresion'. Did you mean 'regression' or"),
        ("mlp", "NoTask", "task 'Linear' has no as_targets, data_contract, data_fault, evaluate"),
        ("mlp", "Sizeless", "has no num_targets"),
        ("mlp", "ClassTargets", "train loader yields inputs (300, 3) and targets (300,)"),
        ("mlp", "Mismeasured", "measures val/loss, val/r2, val/rmse, and its metrics are val/loss"),
        ("benchmark.models.mlp.MLP", "Line", "learns classification, data set"),
        ("tests.plugins.networks.OneLogit", "Line", "gives (50, 1), not (50, 2): a model is"),
        ("cnn", "Line", "does not take (3,) inputs"),
    ],
)
def test_what_breaks_the_contract_of_a_task_is_one_line_with_it(model, dataset, words):
    with pytest.raises(UsageError) as refused:
        check_fit(model, prepare_data(f"{PLUGIN}.{dataset}", None, None), dropout=False)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_model_of_a_narrower_task_learns_the_wider_one(monkeypatch):
    data = prepare_data(f"{PLUGIN}.Line", None, None)
    monkeypatch.setattr(f"{PLUGIN}.ByName.task_class", Mismeasures)
    assert model_for(f"{PLUGIN}.ByName", data)[0].task_class is Mismeasures
