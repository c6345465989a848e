import hashlib
import json
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.errors import Misfit, UsageError
from benchmark.spec import SCHEMA, Trial, check_study_name
from optimizers.schedules import Schedule
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


NAMES = st.text(max_size=8)
NUMBERS = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | NAMES
VALUES = st.recursive(NUMBERS, lambda inner: st.lists(inner, max_size=3).map(tuple), max_leaves=4)
OPTIMIZERS = st.builds(
    OptimizerSpec,
    name=NAMES,
    label=NAMES,
    target=NAMES,
    hyperparameters=st.dictionaries(NAMES, VALUES, max_size=3),
    schedule=st.builds(Schedule, warmup=st.floats(0, 9) | st.integers(0, 9)),
    source=NAMES,
    create_graph=st.sampled_from([None, True, False]),
    gradients=st.sampled_from(["", "first", "closure"]),
)
TRIALS = st.builds(
    Trial,
    problem=NAMES,
    model=NAMES,
    dataset=NAMES,
    optimizer=OPTIMIZERS
    | st.builds(lambda one, rest: replace(one, rest=rest), OPTIMIZERS, OPTIMIZERS),
    seed=st.integers(0, 2**40),
    epochs=st.integers(1, 99),
    batch_size=st.integers(1, 99),
    dropout=st.booleans(),
    l2=st.floats(0, 1),
    precision=st.sampled_from(["32-true", "bf16-mixed"]),
    threads=st.integers(1, 3),
    log_every=st.integers(1, 99),
    source=NAMES,
    purpose=st.sampled_from(["evaluation", "tuning"]),
    schema=st.sampled_from([1, 2]),
)


@given(TRIALS)
def test_a_key_is_the_digest_of_the_canonical_json(trial):
    defaults = {each.name: each.default for each in fields(Trial)}
    values = {name: getattr(trial, name) for name in defaults if name != "schema"}
    given = {name: value for name, value in values.items() if value != defaults[name]}
    given["optimizer"] = trial.optimizer.to_json()
    text = json.dumps([trial.schema, given], sort_keys=True, separators=(",", ":"))
    assert trial.key.rpartition("-")[2] == hashlib.sha256(text.encode()).hexdigest()[:12]
