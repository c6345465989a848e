"""The check of shipped trials: which trains again, how much of it, and what is said."""

import json
from dataclasses import replace

import pytest

from benchmark.context import Context
from benchmark.plugins import data_module_class
from benchmark.runner import run
from benchmark.spec import Trial
from benchmark.spot_check import spot_check
from benchmark.store import Store
from optimizers.grammar import describe
from tests.benchmark.logs import record_of

FIRST = {"step": 430, "epoch": 1.0, "train/running_loss": 0.25}
CURVE = [
    {"step": 0, "epoch": 0.0, "val/loss": 2.3},
    {"step": 400, "epoch": 0.93, "train/running_loss": 0.5},
    FIRST,
    {"step": 860, "epoch": 2.0, "train/running_loss": 0.1},
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


def test_a_long_trial_is_checked_by_its_first_epoch_and_a_short_one_whole():
    long, short = _record(), _record(model="logreg", dataset="digits")
    check = _check(long)
    assert check.trial == replace(long.trial, epochs=1)
    assert check.title == "adam on cnn/cifar10, seed 0 (the first of 3 epochs)"
    check = _check(long, short)
    assert check.trial == short.trial
    assert check.title == "adam on logreg/digits, seed 0"


@pytest.mark.parametrize(
    "record",
    [
        _record("adam:schedule=cosine"),
        _record("adam:schedule=1/sqrt(t):warmup=0.1"),
        _record(status="diverged"),
        _record(epochs=1, batch_size=1),
    ],
)
def test_a_trial_whose_first_epoch_says_too_little_is_trained_whole(record):
    assert _check(record).trial == record.trial


def test_without_the_end_of_the_first_epoch_on_the_curve_a_trial_is_trained_whole():
    record = _record()
    assert _check(record, curve=[]).trial == record.trial
    assert _check(record, curve=CURVE[:2]).trial == record.trial


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([FIRST], "train/running_loss is off by 0 from 0.25 after step 430"),
        (
            [{**FIRST, "train/running_loss": 0.375}],
            "train/running_loss is off by 0.125 from 0.25 after step 430",
        ),
        ([{**FIRST, "step": 215}], "no train/running_loss at the same step"),
        ([], "no train/running_loss at the same step"),
    ],
)
def test_the_outcome_is_the_distance_at_the_end_of_the_first_epoch(rows, words, tmp_path):
    check, store = _check(_record()), Store(tmp_path, "s")
    store.begin(check.trial)
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (store.trial_folder(check.trial) / "metrics.jsonl").write_text(text)
    store.write(record_of(check.trial, "done"))
    assert check.outcome(store) == f"{check.title}, trained again here: {words}"


def test_a_first_epoch_that_failed_is_said(tmp_path):
    check, store = _check(_record()), Store(tmp_path, "s")
    assert check.outcome(store).endswith("trained again here: no record instead of done")
    store.begin(check.trial)
    store.write(replace(record_of(check.trial, "failed"), reason="out of memory"))
    assert check.outcome(store).endswith("failed (out of memory) instead of done")


@pytest.mark.slow
@pytest.mark.parametrize(
    "opts", ["adam", "sgd:schedule=1/sqrt(t)", "momentum:schedule=1/sqrt(epoch)"]
)
@pytest.mark.parametrize("model", ["logreg", "mlp", "cnn", "vae"])
def test_the_first_epoch_of_a_trial_has_the_bits_of_a_trial_of_one_epoch(opts, model, tmp_path):
    data_module_class("digits")().prepare_data()
    whole = _record(opts, model, "digits", batch_size=32).trial
    ends = []
    for trial in (whole, replace(whole, epochs=1)):
        store = Store(tmp_path, f"s{trial.epochs}")
        store.begin(trial)
        run(trial, Context(), folder=store.trial_folder(trial))
        ends.append([row for row in store.metrics(trial) if _is_end(row)])
    assert ends[0][0]["train/running_loss"] == ends[1][0]["train/running_loss"]
    assert ends[0][0]["step"] == ends[1][0]["step"]


def _is_end(row):
    return row.get("epoch") == 1.0 and "train/running_loss" in row
