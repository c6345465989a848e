import dataclasses
import json
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.decode import (
    TrialFields,
    check_optimizer,
    check_rows,
    decode_metric,
    decode_record,
    decode_rows,
    metric_as_json,
    whole_lines,
)
from benchmark.errors import Misfit, UsageError
from benchmark.metrics import METRICS, Metric
from benchmark.record import Environment, Record
from benchmark.spec import Trial
from benchmark.study import Study
from optimizers.schedules import Schedule
from optimizers.spec import OptimizerSpec
from tests.benchmark.logs import record_of

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@pytest.fixture
def data(trials_of):
    """Return a record as it lies on disk."""
    (trial,) = trials_of(opts="adam")
    numbers = {"step": 3, "val/loss": 0.5}
    record = record_of(trial, metrics=numbers, seconds={"total": 1})
    return json.loads(json.dumps(record.to_json()))


RECORDS = Path(__file__).parent / "data" / "schema1.parquet"


def test_what_lies_on_disk_has_the_fields_of_what_is_in_memory():
    names = [each.name for each in dataclasses.fields(Trial)]
    assert list(TrialFields.__struct_fields__) == names


def test_every_field_of_an_optimizer_comes_back_from_disk(data):
    chosen = {
        "name": "mine.Net",
        "label": "net",
        "target": "mine:Net",
        "hyperparameters": {"lr": 0.1},
        "schedule": Schedule(kind="cosine", warmup=0.1),
        "source": "0123456789ab",
        "create_graph": False,
        "gradients": "first",
    }
    rest = OptimizerSpec(**chosen)
    assert set(chosen) | {"rest"} == {each.name for each in dataclasses.fields(OptimizerSpec)}
    optimizer = OptimizerSpec(**chosen, rest=rest)
    data["trial"]["optimizer"] = optimizer.to_json()
    record = Record.from_text(json.dumps(data).encode())
    assert record.trial.optimizer == optimizer
    check_optimizer(optimizer.to_json())


def test_an_optimizer_that_a_record_would_lose_a_field_of_is_refused(data):
    optimizer = data["trial"]["optimizer"]
    check_optimizer(optimizer | {"rest": optimizer})
    with pytest.raises(Misfit, match="unheard_of"):
        check_optimizer(optimizer | {"unheard_of": 1})
    with pytest.raises(Misfit, match="unheard_of"):
        check_optimizer(optimizer | {"rest": optimizer | {"unheard_of": 1}})
    with pytest.raises(Misfit, match="unheard_of"):
        check_optimizer(optimizer | {"schedule": optimizer["schedule"] | {"unheard_of": 1}})


@pytest.mark.parametrize(
    "change", [{"schedule": {"kind": "steep", "warmup": 0.0}}, {"gradients": "x"}]
)
def test_a_record_of_an_optimizer_that_is_none_is_damaged(data, change):
    data["trial"]["optimizer"] |= change
    with pytest.raises(Misfit, match="^[^\n]+$"):
        Record.from_text(json.dumps(data).encode())


def test_records_of_the_first_schema_are_read_as_they_were_written():
    frame = pl.read_parquet(RECORDS, columns=["key", "record"])
    assert frame.height == 980
    for key, text in frame.iter_rows():
        record = Record.from_text(text.encode())
        assert record.trial.key == key
        assert json.dumps(record.to_json()) == text


def test_a_record_of_a_version_with_fewer_fields_is_read(data):
    for name in ("environment", "weights_sha256", "reason"):
        del data[name]
    for name in ("diagnostics_every", "source", "threads"):
        del data["trial"][name]
    record = Record.from_text(json.dumps(data).encode())
    assert (record.environment, record.trial.threads) == (Environment(), 1)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("status", '"odd"'),
        ("reason", "1"),
        ("reason", '"\\ud800"'),
        ("reason", f'"{"x" * 10_001}"'),
        ("metrics", "null"),
        ("metrics val/loss", "NaN"),
        ("metrics val/loss", "1e999"),
        ("metrics val/loss", "true"),
        ("metrics step", "0.5"),
        ("metrics step", "-1"),
        ("metrics step", "9" * 5_000),
        ("seconds total", "-1"),
        ("seconds total", "1e300"),
        ("environment device", "[[[[]]]]"),
        ("trial seed", "-1"),
        ("trial seed", "0.0"),
        ("trial epochs", "0"),
        ("trial l2", "Infinity"),
        ("trial dropout", "0"),
        ("trial odd", "1"),
        ("trial optimizer", "[]"),
        ("trial optimizer label", "null"),
        ("trial optimizer label", f'"{"x" * 10_000_000}"'),
        ("trial optimizer hyperparameters lr", '{"a":' * 100_000 + "1" + "}" * 100_000),
        ("trial optimizer schedule", "{}"),
        ("trial optimizer rest", "{}"),
    ],
)
def test_a_record_with_a_wrong_value_does_not_fit(data, path, text):
    holder = data
    *folders, name = path.split()
    for folder in folders:
        holder = holder[folder]
    holder[name] = "@@"
    with pytest.raises(Misfit) as caught:
        decode_record(json.dumps(data).replace('"@@"', text).encode())
    assert len(str(caught.value)) <= 120
    assert str(caught.value).isprintable()


def test_infinite_defaults_of_an_optimizer_are_read(data):
    data["trial"]["optimizer"]["hyperparameters"]["clip"] = float("inf")
    record = Record.from_text(json.dumps(data).encode())
    assert record.trial.optimizer.hyperparameters["clip"] == float("inf")
    data["reason"] = "\ud800"
    with pytest.raises(Misfit):
        Record.from_text(json.dumps(data).encode())


@given(VALUES, st.booleans())
@settings(max_examples=3 * settings().max_examples, deadline=None)
def test_any_json_is_a_record_or_does_not_fit(value, as_trial):
    data = {"trial": value, "status": "done"} if as_trial else value
    with pytest.raises(Misfit):
        decode_record(json.dumps(data).encode())


@given(st.lists(st.dictionaries(st.text(max_size=9), VALUES | st.floats(), max_size=3), max_size=3))
@settings(max_examples=3 * settings().max_examples, deadline=None)
def test_rows_that_fit_are_the_same_from_a_log_and_from_a_table(rows):
    text = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
    try:
        found = decode_rows(text)
    except Misfit:
        pass
    else:
        assert found == check_rows(rows) == rows


@given(st.binary(), st.integers(0, 40))
def test_bytes_are_rows_or_do_not_fit(noise, place):
    text = b'{"step": 1, "val/loss": 0.5}\n{"step": 2}\n'
    try:
        rows = decode_rows(whole_lines(text[:place] + noise + text[place:]))
    except Misfit:
        return
    assert all(isinstance(value, (int, float)) for row in rows for value in row.values())


@pytest.mark.parametrize(
    "change",
    [
        {"label": "\udcff"},
        {"label": "x" * 501},
        {"hyperparameters": {"lr": 10**400}},
        {"hyperparameters": {"lr": [[[[1]]]]}},
        {"hyperparameters": {"a": "x" * 10_001}},
    ],
)
def test_an_optimizer_whose_record_could_not_be_read_again_is_refused_beforehand(data, change):
    with pytest.raises(UsageError, match=r"^optimizer .* cannot be kept on record: [^\n]*$"):
        Study(
            name="study",
            workloads=(),
            optimizers=(OptimizerSpec.from_json(data["trial"]["optimizer"] | change),),
            seeds=(0,),
        )


OWN = Metric(name="spread", words="{split} spread", heading="spread", better="lower")


def test_a_row_of_a_metric_comes_back_from_disk():
    for row in (OWN, *METRICS.values()):
        assert decode_metric(json.loads(json.dumps(metric_as_json(row)))) == row


@pytest.mark.parametrize(
    "change",
    [
        {"name": ""},
        {"heading": "\x1b[31m"},
        {"words": 3},
        {"better": "more"},
        {"splits": ["secret"]},
        {"tabled": ["secret"]},
        {"unit": {"factor": 1e999}},
        {"unit": "cm"},
    ],
)
def test_a_row_that_the_suite_does_not_write_does_not_fit(change):
    with pytest.raises(Misfit):
        decode_metric(metric_as_json(OWN) | change)
