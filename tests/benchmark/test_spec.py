import json
from dataclasses import replace

import pytest

from benchmark.decode import Misfit
from benchmark.spec import SCHEMA, Trial, UsageError, check_study_name
from optimizers.spec import OptimizerSpec


def test_grid_has_every_combination_once_seed_by_seed(trials_of):
    trials = trials_of(opts="adam,sgd:lr=0.1|0.1|1", seeds=2)
    assert [(t.seed, t.label) for t in trials] == [
        (0, "adam"),
        (0, "sgd lr=0.1"),
        (0, "sgd lr=1"),
        (1, "adam"),
        (1, "sgd lr=0.1"),
        (1, "sgd lr=1"),
    ]


def test_trial_survives_json(trials_of):
    trial = trials_of(opts="adam:betas=(0.5,0.9):schedule=cosine")[0]
    again = Trial.from_json(json.loads(json.dumps(trial.to_json())))
    assert again.key == trial.key
    assert again.to_json() == trial.to_json()


@pytest.mark.parametrize(
    ("schema", "key"),
    [
        (1, "logreg-digits-sgd-s3-51d3a437e5d3"),
        (2, "logreg-digits-sgd-s3-c021b32a0d3a"),
    ],
)
def test_key_is_the_same_in_every_release(schema, key):
    # If this fails, records of users no longer count: raise SCHEMA and say so in the change log.
    trial = Trial(
        problem="logreg/digits",
        model="logreg",
        dataset="digits",
        optimizer=OptimizerSpec(
            name="sgd",
            label="sgd",
            target="optimizers.sgd:SGD",
            hyperparameters={"lr": 0.1, "betas": (0.9, 0.99)},
        ),
        seed=3,
        epochs=2,
        batch_size=128,
        schema=schema,
    )
    assert trial.key == key
    assert Trial.from_json(trial.to_json()) == trial


def test_a_trial_of_the_first_schema_is_written_as_it_was(trials_of):
    trial = replace(trials_of()[0], schema=1)
    assert {"purpose", "schema"}.isdisjoint(trial.to_json())
    assert {"purpose", "schema"} <= trials_of()[0].to_json().keys()


def test_a_trial_of_a_newer_version_is_refused(trials_of):
    data = trials_of()[0].to_json() | {"schema": SCHEMA + 1}
    with pytest.raises(Misfit, match="newer version"):
        Trial.from_json(data)


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1},
        {"epochs": 9},
        {"dropout": True},
        {"l2": 0.1},
        {"threads": 2},
        {"log_every": 7},
        {"diagnostics_every": 7},
        {"purpose": "tuning"},
        {"schema": 1},
    ],
)
def test_whatever_decides_the_outcome_is_in_the_key(trials_of, change):
    trial = trials_of()[0]
    assert replace(trial, **change).key != trial.key


@pytest.mark.parametrize("name", ["../up", "a/b", "", ".hidden", "x" * 81, "a b", "..", "-a"])
def test_study_names_cannot_leave_the_results_folder(name):
    with pytest.raises(UsageError, match="study name"):
        check_study_name(name)


def test_a_long_study_name_is_cut_in_its_message():
    with pytest.raises(UsageError) as caught:
        check_study_name("x" * 100_000)
    assert len(str(caught.value)) < 250
