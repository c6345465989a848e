"""Estimates of disk space; those of time are in the tests of plans."""

from dataclasses import replace

import pytest

from benchmark.estimates import Durations, bytes_of_examples, estimate_bytes
from benchmark.plugins import data_module_class
from benchmark.problems import problems_of
from benchmark.record import Clocks, Record
from benchmark.study import Study
from datamodules.base import ResidentDataModule
from datamodules.registry import DATASETS
from optimizers.grammar import parse


def _trials(model, dataset, seeds, opts="adam"):
    workload = problems_of(model, dataset).workload
    study = Study(
        name="study",
        workloads=(workload,),
        optimizers=tuple(parse(opts)),
        seeds=tuple(range(seeds)),
    )
    return study.trials()


@pytest.mark.parametrize("name", DATASETS)
def test_the_table_says_which_data_are_fitted_to_each_seed(name):
    overrides = data_module_class(name).fitted is not ResidentDataModule.fitted
    assert DATASETS[name].fitted == overrides


@pytest.mark.parametrize(("opts", "seeds"), [("adam", 1), ("adam", 3), ("adam,sgd", 3)])
def test_each_seed_of_fitted_data_has_a_copy_whatever_the_optimizers(tmp_path, opts, seeds):
    found = [
        estimate_bytes(_trials("cnn", dataset, seeds, opts), tmp_path, tmp_path)
        for dataset in ("cifar10_zca", "cifar10")
    ]
    assert found[0] - found[1] == seeds * bytes_of_examples("cifar10")


@pytest.mark.parametrize(
    ("dataset", "is_known"), [("digits", True), ("tests.plugins.data.Squares", False)]
)
def test_the_time_of_unknown_data_is_called_a_guess_until_a_trial_has_finished(
    dataset, is_known, trials_of
):
    trials = [
        replace(trial, problem=f"logreg/{dataset}", dataset=dataset) for trial in trials_of(seeds=2)
    ]
    guessed = [] if is_known else [f"logreg/{dataset}"]
    assert Durations(()).guessed(trials) == guessed
    record = Record(trial=trials[0], status="done", clocks=Clocks(total=3.0))
    assert Durations([record]).guessed(trials) == []


def test_trials_of_the_same_optimizer_count_before_those_of_others():
    muon, adam, sgd = _trials("mlp", "digits", 1, "muon,adam,sgd")
    took = {muon: 90.0, adam: 10.0}
    records = [
        Record(trial=trial, status="done", clocks=Clocks(total=seconds))
        for trial, seconds in took.items()
    ]
    longer, other = replace(muon, epochs=2 * muon.epochs), replace(adam, seed=1)

    seconds = Durations(records).estimate_seconds

    assert seconds(longer) == pytest.approx(180, abs=1)
    assert seconds(other) == pytest.approx(10, abs=1)
    assert seconds(sgd) == pytest.approx(50, abs=1)  # between the two
