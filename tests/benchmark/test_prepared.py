from dataclasses import replace

import pytest

from benchmark.__main__ import main
from benchmark.errors import UsageError
from benchmark.prepared import Prepared, check_as_launched, check_same_data
from benchmark.record import Environment, Record
from benchmark.spec import SCHEMA
from tests.datamodules.fakes import write_mnist

NOW = Prepared(dataset="digits", checksum="a" * 64, origin="/data (IDX files)")


def _record(trials_of, checksum, problem="logreg/digits"):
    environment = Environment(data=checksum)
    return Record(trial=trials_of(problem)[0], status="done", environment=environment)


@pytest.mark.parametrize("checksum", ["a" * 64, None, "read from mine.Data"])
def test_a_study_goes_on_with_the_data_it_has(trials_of, checksum):
    check_same_data("s", [_record(trials_of, checksum)], NOW)


def test_data_sets_are_compared_each_with_itself(trials_of):
    check_same_data("s", [_record(trials_of, "b" * 64, "logreg/reviews")], NOW)


def test_records_of_an_earlier_schema_do_not_stop_a_study(trials_of):
    record = _record(trials_of, "b" * 64)
    earlier = replace(record, trial=replace(record.trial, schema=SCHEMA - 1))
    check_same_data("s", [earlier], NOW)
    with pytest.raises(UsageError):
        check_same_data("s", [earlier, record], NOW)


def test_a_study_refuses_other_data_in_one_line(trials_of):
    with pytest.raises(UsageError) as refused:
        check_same_data("s", [_record(trials_of, "b" * 64)], NOW)
    message = str(refused.value)
    assert "study 's' has trials on other data of 'digits': 1 with SHA-256 bbbbbbbbbbbb" in message
    assert "/data (IDX files)), SHA-256 aaaaaaaaaaaa" in message
    assert "\n" not in message


@pytest.mark.parametrize("launched", [{}, {"digits": "b" * 64}, {"mine.Data": "a" * 64}])
def test_data_that_are_those_of_the_launch_or_of_which_it_knows_none_pass(launched):
    check_as_launched("mine.Data", "a" * 64, launched)


@pytest.mark.parametrize(
    ("dataset", "cure"),
    [
        ("mine.Data", "seed its loaders, or start again if its files have changed"),
        ("digits", "start the command again"),
    ],
)
def test_other_data_than_at_the_launch_are_refused_with_both_checksums_and_the_cure(dataset, cure):
    with pytest.raises(UsageError) as refused:
        check_as_launched(dataset, "b" * 64, {dataset: "a" * 64})
    message = str(refused.value)
    assert message.startswith(f"data set '{dataset}': read SHA-256 bbbbbbbbbbbb, not aaaaaaaaaaaa")
    assert message.endswith(cure)
    assert len(message) < 180  # so that the reason of a trial has all of it


@pytest.mark.forks
def test_the_command_refuses_before_anything_is_trained(studied, capsys):
    store = studied("sgd", seeds=1, problem="logreg/digits")
    (record,) = store.records()
    store.write(replace(record, environment=Environment(data="b" * 64)))
    command = ["--model", "logreg", "--dataset", "digits"]
    options = ["--opts", "adam", "--seeds", "1", "--epochs", "1", "--wandb", "disabled"]
    where = ["--results", str(store.folder.parent), "--study", "study"]
    assert main([*command, *options, *where]) == 2
    err = capsys.readouterr().err
    assert err.startswith("Error: study 'study' has trials on other data of 'digits'")
    assert err.count("\n") == 1
    assert len(store.records()) == 1


@pytest.mark.forks
def test_the_command_refuses_damaged_files_in_one_line(tmp_path, capsys):
    raw = write_mnist(tmp_path / "data")
    (raw / "train-labels-idx1-ubyte.gz").write_bytes(b"<html>")
    command = ["--model", "logreg", "--dataset", "mnist"]
    where = ["--data-dir", str(tmp_path / "data"), "--cache-dir", str(tmp_path / "cache")]
    options = ["--opts", "sgd", "--wandb", "disabled", "--results", str(tmp_path / "results")]
    assert main([*command, *where, *options]) == 3
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert str(raw) in err
