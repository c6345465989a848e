"""The check of shipped trials: which trains again, how much of it, and what is said."""

import json
from dataclasses import replace

import pytest

from benchmark import spot_check as spot_check_module
from benchmark.axes import AXES
from benchmark.context import Context
from benchmark.estimates import Durations
from benchmark.metrics import LEARNING_RATE, RUNNING
from benchmark.plugins import data_module_class
from benchmark.runner import run
from benchmark.spec import Trial
from benchmark.spot_check import spot_check
from benchmark.store import Store
from optimizers.grammar import describe
from tests.benchmark.logs import record_of

STEP_200 = {"step": 200, "epoch": 0.47, "train/running_loss": 0.25}
CURVE = [
    {"step": 0, "epoch": 0.0, "val/loss": 2.3},
    {"step": 100, "epoch": 0.23, "train/running_loss": 0.5},
    {"step": 129, "epoch": 0.3, "val/loss": 0.5},
    STEP_200,
    {"step": 430, "epoch": 1.0, "train/running_loss": 0.15},
    {"step": 1290, "epoch": 3.0, "train/running_loss": 0.1},
]


def _record(opts="adam", model="cnn", dataset="cifar10", status="done", **given):
    [spec] = describe(opts)
    given = {"epochs": 3, "batch_size": 128, "seed": 0} | given
    trial = Trial(
        problem=f"{model}/{dataset}", model=model, dataset=dataset, optimizer=spec, **given
    )
    return record_of(trial, status, metrics={"val/loss": 0.5})


def _check(*records, curve=CURVE):
    return spot_check(records, lambda _: curve)


def _check_within(share, monkeypatch):
    """Check a trial of which `share` takes as long as a check may."""
    record = _record()
    seconds = Durations(()).estimate_seconds(record.trial)
    monkeypatch.setattr(spot_check_module, "SECONDS", share * seconds)
    return _check(record)


def test_a_long_trial_is_checked_by_its_first_steps_and_a_short_one_whole():
    long, short = _record(epochs=30), _record(model="logreg", dataset="digits")
    check = _check(long)
    assert check.trial == long.trial
    assert check.title == "adam on cnn/cifar10, seed 0 (its first 100 steps)"
    check = _check(long, short)
    assert (check.trial, check.first_steps) == (short.trial, 0)
    assert check.title == "adam on logreg/digits, seed 0"


@pytest.mark.parametrize(
    ("share", "steps"),
    [(0.001, 100), (0.1, 100), (0.154, 100), (0.156, 200), (0.34, 430), (0.99, 430), (1.01, 0)],
)
def test_the_first_steps_are_as_many_as_time_allows(share, steps, monkeypatch):
    assert _check_within(share, monkeypatch).first_steps == steps


def test_without_a_running_loss_on_its_curve_or_diverged_a_trial_is_trained_whole():
    assert _check(_record(), curve=[]).first is None
    assert _check(_record(), curve=CURVE[:1]).first is None
    assert _check(_record(status="diverged")).first is None


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([STEP_200], "train/running_loss is off by 0 from 0.25 after step 200"),
        (
            [CURVE[1], {**STEP_200, "train/running_loss": 0.375}],
            "train/running_loss is off by 0.125 from 0.25 after step 200",
        ),
        ([CURVE[1]], "it has no train/running_loss after step 200"),
        ([], "it has no train/running_loss after step 200"),
    ],
)
def test_the_outcome_is_the_distance_after_the_first_steps(rows, words, tmp_path, monkeypatch):
    check, store = _check_within(0.2, monkeypatch), Store(tmp_path, "s")
    store.begin(check.trial)
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (store.trial_folder(check.trial) / "metrics.jsonl").write_text(text)
    store.write(record_of(check.trial, "done"))
    assert check.outcome(store) == f"{check.title}, trained again here: {words}"


def test_first_steps_that_failed_are_said(tmp_path):
    check, store = _check(_record()), Store(tmp_path, "s")
    assert check.outcome(store).endswith("trained again here: no record instead of done")
    store.begin(check.trial)
    store.write(replace(record_of(check.trial, "failed"), reason="out of memory"))
    assert check.outcome(store).endswith("failed (out of memory) instead of done")


def _rows(trial, store, **context):
    store.begin(trial)
    run(trial, Context(**context), folder=store.trial_folder(trial))
    return store.metrics(trial)


@pytest.mark.parametrize(
    ("opts", "models"),
    [("adam", ["logreg"])]
    + [
        pytest.param(opts, ["logreg", "mlp", "cnn", "vae"], marks=pytest.mark.slow)
        for opts in ["adam", "sgd:schedule=cosine", "momentum:schedule=1/sqrt(t):warmup=0.5"]
    ],
)
def test_the_first_steps_have_the_bits_of_the_whole_trial_and_evaluate_nothing(
    opts, models, tmp_path
):
    data_module_class("digits")().prepare_data()
    for model in models:
        trial = _record(opts, model, "digits", batch_size=32, epochs=2, dropout=True).trial
        whole = [row for row in _rows(trial, Store(tmp_path, f"{model}w")) if RUNNING in row]
        for first in whole:
            store = Store(tmp_path, f"{model}{first['step']}")
            rows = _rows(trial, store, first_steps=int(first["step"]))
            assert not any(set(row) - {*AXES, RUNNING, LEARNING_RATE} for row in rows)
            then = [row[RUNNING] for row in whole if row["step"] <= first["step"]]
            assert [row[RUNNING] for row in rows if RUNNING in row] == then
