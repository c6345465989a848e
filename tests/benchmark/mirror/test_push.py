import json

import pytest

from benchmark.__main__ import main
from benchmark.errors import PushError
from benchmark.mirror.destination import Destination
from benchmark.mirror.ledger import has_left_over
from benchmark.mirror.live import LiveMirror
from benchmark.mirror.push import push, run_id
from benchmark.mirror.run_rate import RunRate
from benchmark.mirror.wandb_private import read_run
from benchmark.mirror.wandb_run import WandbSink
from benchmark.record import Record
from tests.benchmark.conftest import WANDB_KEY

pytestmark = pytest.mark.usefixtures("wandb_home")


def destination_of(store, mode="offline"):
    return Destination(
        mode=mode, project="suite", entity=None, folder=store.folder, study=store.study
    )


def pushed(store, mode="offline", records=None):
    found = push(destination_of(store, mode), store, records or store.records())
    return [each.outcome for each in found]


def folders(store):
    return sorted((store.folder / "wandb").glob("*run-*"))


def rows_of(server, run):
    rows = server.history[run]
    return [{name: v for name, v in row.items() if not name.startswith("_")} for row in rows]


def test_rows_on_the_server_are_those_of_the_files(studied, wandb_server):
    store = studied()
    assert pushed(store, "online") == ["pushed"] * 4
    assert len(wandb_server.runs) == 4
    for record in store.records():
        rows = store.metrics(record.trial)
        assert rows_of(wandb_server, run_id(record, rows)) == rows
        assert wandb_server.summary[run_id(record, rows)]["status"] == "done"


def test_pushing_twice_leaves_one_set_of_runs(studied, wandb_server):
    store = studied()
    pushed(store, "online")
    before = json.dumps([wandb_server.history, wandb_server.summary], sort_keys=True)
    assert pushed(store, "online") == ["there"] * 4
    assert len(wandb_server.runs) == 4
    assert json.dumps([wandb_server.history, wandb_server.summary], sort_keys=True) == before


@pytest.mark.slow
def test_runs_that_are_written_keep_the_rate_of_the_server(studied, wandb_server):
    store, slept = studied(), []
    for opened in (4, 0):  # the runs that are there are not opened again
        rate = RunRate(is_online=True, clock=lambda: 0.0, sleep=slept.append)
        rate._credit = 4.0
        list(push(destination_of(store, "online"), store, store.records(), rate=rate))
        assert rate._credit == 4 - opened
    assert slept == []


@pytest.mark.slow
def test_a_run_that_was_broken_off_is_written_over(studied, wandb_server):
    store = studied(seeds=1, opts="adam")
    pushed(store, "online")
    (name,) = wandb_server.runs
    wandb_server.history[name] = wandb_server.history[name][:2]
    assert pushed(store, "online") == ["pushed"]
    (record,) = store.records()
    assert list(wandb_server.runs) == [name]
    assert rows_of(wandb_server, name) == store.metrics(record.trial)


def test_a_run_mirrored_while_training_is_not_pushed_again(studied, wandb_server):
    store = studied(seeds=1, opts="adam")
    (record,) = store.records()
    with LiveMirror(WandbSink(destination_of(store, "online")), store) as mirror:
        mirror.begun(record.trial)
        mirror.finished(record)
    assert pushed(store, "online") == ["there"]
    assert len(wandb_server.runs) == 1


def test_a_run_that_a_killed_process_left_over_is_completed_under_its_own_id(studied, wandb_server):
    store = studied(seeds=1, opts="adam")
    (record,) = store.records()
    left_over = {"key": record.trial.key, "run": "abc-def"}
    (store.folder / "mirror-0123.jsonl").write_text(json.dumps(left_over) + "\n")
    assert has_left_over(store.folder)
    assert pushed(store, "online") == ["pushed"]
    assert list(wandb_server.runs) == ["abc-def"]
    assert not has_left_over(store.folder)
    assert list(store.folder.glob("*mirror-*")) == []
    assert pushed(store, "online") == ["there"]


@pytest.mark.slow
def test_a_deleted_run_comes_back_under_the_next_id_every_time(studied, wandb_server):
    store = studied(seeds=1, opts="adam")
    pushed(store, "online")
    (name,) = wandb_server.runs
    wandb_server.delete(name)
    assert pushed(store, "online") == ["pushed"]
    assert list(wandb_server.runs) == [f"{name}-2"]
    assert pushed(store, "online") == ["there"]
    assert list(wandb_server.runs) == [f"{name}-2"]


@pytest.mark.slow
def test_equal_studies_of_two_machines_stay_apart(studied, wandb_server, tmp_path):
    for place, machine in enumerate(("one", "two")):
        store = studied(seeds=1, opts="adam", results=tmp_path / machine, points=4 + place)
        assert pushed(store, "online") == ["pushed"]
    assert len(wandb_server.runs) == 2


def test_offline_runs_hold_the_files_rows_and_are_written_once(studied):
    store = studied()
    assert pushed(store) == ["pushed"] * 4
    first = folders(store)
    assert pushed(store) == ["there"] * 4
    assert folders(store) == first
    assert len(first) == 4
    for folder, record in [(f, r) for r in store.records() for f in first]:
        rows = store.metrics(record.trial)
        if folder.name.endswith(run_id(record, rows)):
            found, summary = read_run(folder)
            assert found == rows
            assert summary["status"] == "done"
            first.remove(folder)
    assert first == []


def test_what_changed_on_disk_replaces_its_offline_run(studied):
    store = studied(seeds=1, opts="adam")
    pushed(store)
    (before,) = folders(store)
    (record,) = store.records()
    path = store.trial_folder(record.trial) / "metrics.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:2]))
    assert pushed(store) == ["pushed"]
    (after,) = folders(store)
    assert after.name.rpartition("-")[2] != before.name.rpartition("-")[2]
    assert read_run(after)[0] == store.metrics(record.trial)


def test_a_broken_offline_run_is_written_again(studied):
    store = studied(seeds=1, opts="adam")
    pushed(store)
    (file,) = folders(store)[0].glob("*.wandb")
    file.write_bytes(file.read_bytes()[:200])
    assert pushed(store) == ["pushed"]


def test_a_failed_trial_says_why(studied):
    store = studied(seeds=1, opts="adam")
    (record,) = store.records()
    store.write(Record(trial=record.trial, status="failed", reason="took too long"))
    pushed(store)
    summary = read_run(folders(store)[0])[1]
    assert (summary["status"], summary["reason"]) == ("failed", "took too long")


def test_a_server_that_does_not_answer_is_an_error_of_one_line(studied, monkeypatch):
    store = studied(seeds=1, opts="adam")
    monkeypatch.setenv("WANDB_API_KEY", WANDB_KEY)

    def gone(*_, **__):
        raise ConnectionError("nobody\nthere")

    monkeypatch.setattr("wandb.Api", gone)
    with pytest.raises(PushError, match="^W&B: ConnectionError: nobody there$"):
        pushed(store, "online")


def test_the_verb_says_what_it_did(studied, wandb_server, capsys):
    store = studied()
    arguments = ["push", "study", "--results", str(store.folder.parent)]
    assert main(arguments) == 0
    assert "4 runs pushed, 0 were there already" in capsys.readouterr().out
    assert main(arguments) == 0
    assert "0 runs pushed, 4 were there already" in capsys.readouterr().out
    assert len(wandb_server.runs) == 4


def test_the_verb_counts_what_is_left(studied, monkeypatch, capsys):
    store = studied()

    def broken(*_, **__):
        raise RuntimeError("broken")

    monkeypatch.setattr("wandb.init", broken)
    assert main(["push", "study", "--results", str(store.folder.parent), "--wandb", "offline"]) == 1
    error = capsys.readouterr().err
    assert "W&B: RuntimeError: broken; 4 runs are left, the same command goes on" in error
