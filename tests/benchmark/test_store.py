import errno
import json
import math
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmark.claims import FILE
from benchmark.errors import ClaimedError, UsageError
from benchmark.record import Clocks, Record
from benchmark.store import Store, open_study, write_json


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path, "study")


@pytest.fixture
def trial(trials_of):
    return trials_of()[0]


def test_record_survives_the_disk(store, trial):
    record = Record(trial=trial, status="done", metrics={"val/loss": 0.1}, clocks=Clocks(total=1.0))
    store.write(record)
    assert store.record(trial).to_json() == record.to_json()
    assert [r.trial.key for r in store.records()] == [trial.key]


@pytest.mark.parametrize(
    "value",
    [1e-8, 1e22, -0.0, 10**30, math.inf, math.nan, "é\n", "\ud83d", [], {}, [[1], {"b": None}]],
)
def test_files_have_a_line_for_each_value(tmp_path, value):
    write_json(tmp_path / "a.json", {"a": value, "c": True})
    assert (tmp_path / "a.json").read_text() == json.dumps({"a": value, "c": True}, indent=1) + "\n"


@pytest.mark.parametrize(
    ("status", "is_missing"),
    [("done", False), ("diverged", False), ("failed", True), ("skipped", True)],
)
def test_only_results_count_as_run(store, trial, status, is_missing):
    store.write(Record(trial=trial, status=status))
    assert bool(store.missing([trial])) is is_missing


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"status": "odd"}', '{"status": "done"}'])
def test_damaged_record_counts_as_not_run_and_stays_until_its_trial_begins(store, trial, text):
    folder = store.trial_folder(trial)
    folder.mkdir(parents=True)
    (folder / "record.json").write_text(text)
    with pytest.warns(UserWarning, match=r"record\.json is damaged .* counts as not run"):
        assert store.missing([trial]) == [trial]
    assert [path.name for path in folder.iterdir()] == ["record.json"]
    store.begin(trial)
    assert [path.read_text() for path in folder.glob("record.json.corrupt-*")] == [text]
    assert not (folder / "record.json").exists()


@pytest.mark.parametrize(
    ("field", "value"), [("metrics", None), ("metrics", {"val/loss": "x"}), ("optimizer", {})]
)
def test_a_record_that_is_wrong_inside_is_left_out_by_readers_and_kept(store, trial, field, value):
    data = Record(trial=trial, status="done").to_json()
    (data["trial"] if field == "optimizer" else data)[field] = value
    store.begin(trial)
    write_json(store.trial_folder(trial) / "record.json", data)
    with pytest.warns(UserWarning, match=r"record\.json is damaged .* left out"):
        assert store.records() == []
    assert (store.trial_folder(trial) / "record.json").exists()


def test_a_record_in_the_folder_of_another_trial_is_left_out(store, trials_of):
    first, second = trials_of(seeds=2)
    store.write(Record(trial=first, status="done"))
    store.trial_folder(first).rename(store.trial_folder(second))
    with pytest.warns(UserWarning, match=f"it is the record of {first.key}"):
        assert store.records() == []
    assert store.missing([first]) == [first]


def test_a_damaged_file_is_named_once(store, trial):
    store.begin(trial)
    for name in ("record.json", "metrics.jsonl"):
        (store.trial_folder(trial) / name).write_text("no\n")
    with pytest.warns(UserWarning, match=r"record\.json is damaged"):
        store.records()
    with pytest.warns(UserWarning, match=r"metrics\.jsonl is damaged"):
        store.metrics(trial)
    assert (store.records(), store.record(trial), store.metrics(trial)) == ([], None, [])


def test_a_record_is_committed_where_something_else_was(store, trial):
    for count in (1, 2):
        (store.trial_folder(trial) / "record.json" / "inside").mkdir(parents=True)
        store.write(Record(trial=trial, status="done"))
        assert store.record(trial).status == "done"
        aside = store.trial_folder(trial).glob("record.json.corrupt-*/inside")
        assert len(list(aside)) == count
        (store.trial_folder(trial) / "record.json").unlink()


def test_a_reason_is_kept_as_one_short_line_of_plain_text(store, trial):
    reason = "it\nbroke \x1b[31m\udcff \u202e" + "x" * 1_000_000 + " (traceback in log.txt)"
    store.write(Record(trial=trial, status="failed", reason=reason))
    kept = store.record(trial).reason
    assert len(kept) == 300
    assert kept.isprintable()
    assert kept.startswith("it broke �[31m� �xxx")
    assert kept.endswith("(traceback in log.txt)")


def test_a_claim_that_does_not_wait_is_refused_while_another_process_has_it(store, trial):
    with store.claim(trial), pytest.raises(BlockingIOError), store.claim(trial, wait=False):
        pass


def test_torn_last_line_of_metrics_is_left_out(store, trial):
    store.begin(trial)
    path = store.trial_folder(trial) / "metrics.jsonl"
    path.write_text('{"step": 1}\n{"step": 2}\n{"ste')
    assert store.metrics(trial) == [{"step": 1}, {"step": 2}]


def test_begin_clears_what_an_interrupted_attempt_left(store, trial):
    store.begin(trial)
    (store.trial_folder(trial) / "metrics.jsonl").write_text('{"step": 1}\n')
    store.begin(trial)
    assert store.metrics(trial) == []
    assert json.loads((store.trial_folder(trial) / "trial.json").read_text()) == trial.to_json()


def test_begin_clears_what_a_killed_writer_left_half_written(store, trial):
    store.begin(trial)
    left = store.trial_folder(trial) / "record.json.4711.tmp"
    left.write_text('{"half":')
    store.begin(trial)
    assert not left.exists()


def test_full_disk_leaves_the_old_file_and_no_half_of_the_new(tmp_path, monkeypatch):
    path = tmp_path / "record.json"
    write_json(path, {"old": 1})

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_json(path, {"new": 2})
    assert json.loads(path.read_text()) == {"old": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_unknown_study_lists_the_known_ones(store, trial, tmp_path):
    store.write(Record(trial=trial, status="done"))
    with pytest.raises(UsageError, match="no study 'other'.*Known: study"):
        open_study(tmp_path, "other")


_HOLDER = """
import sys, time
from benchmark.spec import Trial
from benchmark.store import Store
import json
with Store(sys.argv[1], "study").claim(Trial.from_json(json.loads(sys.argv[2]))):
    print("held", flush=True)
    time.sleep(60)
"""


def test_claim_excludes_other_processes_and_ends_with_them(store, trial, tmp_path):
    arguments = [sys.executable, "-c", _HOLDER, str(tmp_path), json.dumps(trial.to_json())]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(ClaimedError, match=str(holder.pid)), store.claim(trial, wait=False):
            pass
        holder.kill()
    with store.claim(trial) as folder:  # would wait for ever if the claim were still held
        assert folder == store.trial_folder(trial)


def test_the_second_record_of_a_trial_loses(store, trial):
    first, second = (
        Record(trial=trial, status="done", reason=text) for text in ("first", "second")
    )
    with store.claim(trial):
        assert store.commit(first)
        assert not store.commit(second)
    assert store.record(trial).reason == "first"


@pytest.mark.parametrize("loss", ["taken over", "released"])
def test_a_process_that_has_lost_its_claim_commits_nothing(store, trial, loss):
    with store.claim(trial) as folder:
        claim = folder / FILE
        holder = json.loads(claim.read_text())
        if loss == "released":
            claim.unlink()
        else:
            claim.write_text(json.dumps(holder | {"place": "elsewhere", "token": "theirs"}))
        assert not store.commit(Record(trial=trial, status="done"))
    assert store.record(trial) is None
    assert claim.exists() == (loss == "taken over")  # nobody removes the claim of another


def test_a_file_that_another_machine_replaces_meanwhile_is_read_again(store, trial, monkeypatch):
    store.write(Record(trial=trial, status="done"))
    errors = [OSError(errno.ESTALE, "Stale file handle")] * 3
    really_open = Path.open

    def open_later(path, *arguments, **options):
        if path.name == "record.json" and errors:
            raise errors.pop()
        return really_open(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", open_later)
    assert store.missing([trial]) == []
    assert not errors


def test_planned_trials_are_found_by_key_and_by_an_unambiguous_beginning(store, trials_of):
    trials = trials_of(opts="adam,sgd", seeds=2)
    store.plan(trials)
    assert [store.planned(trial.key) for trial in trials] == trials
    adam = trials[0]
    assert store.planned(adam.key[:-1]) == adam
    with pytest.raises(UsageError, match="beginning of 4 trials"):
        store.planned("logreg")
    for key in ("", "cnn", "*", "..", "../study", f"../study/{adam.key}", "/", "[a-z]"):
        with pytest.raises(UsageError, match="no trial"):
            store.planned(key)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"problem": 1}'])
def test_a_damaged_trial_is_named_and_planned_again(store, trial, text):
    store.plan([trial])
    path = store.trial_folder(trial) / "trial.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"trial\.json is damaged .* run the command"):
        store.planned(trial.key)
    store.plan([trial])
    assert store.planned(trial.key) == trial


def test_a_trial_that_is_planned_already_is_not_written_again(store, trial):
    store.plan([trial])
    path = store.trial_folder(trial) / "trial.json"
    before = path.stat().st_ino
    store.plan([trial])
    assert path.stat().st_ino == before


def test_a_trial_with_hyperparameters_that_are_not_finite_can_be_planned(store, trials_of):
    [finite] = trials_of(opts="tests.plugins.optimizers.Slow:seconds=1")
    # the grammar has no such number, but a default of a class may be one
    spec = replace(finite.optimizer, hyperparameters={"lr": 0.1, "seconds": math.inf})
    trial = replace(finite, optimizer=spec)
    store.plan([trial])
    assert store.planned(trial.key) == trial
