"""Workers that other commands start: they share a study, survive each other, and keep no claim."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from benchmark.__main__ import main
from benchmark.claims import FILE
from benchmark.context import Context
from benchmark.jobs import Job, write_job
from benchmark.launchers.job import run_job
from benchmark.launchers.local import LocalLauncher
from benchmark.launchers.watchers import Together
from benchmark.store import Store
from tests.plugins.attempts import attempts

pytestmark = pytest.mark.forks

SLURM = {
    "SLURM_JOB_ID": "7",
    "SLURM_JOB_NAME": "study",
    "SLURM_NTASKS": "2",
    "SLURM_NTASKS_PER_NODE": "2",
    "SLURM_PROCID": "1",
    "SLURM_LOCALID": "1",
    "SLURM_NODEID": "0",
    "SLURM_NODELIST": "node[1-2]",
    "RANK": "1",
    "LOCAL_RANK": "1",
    "WORLD_SIZE": "2",
}
_ROOT = str(Path(__file__).parents[3])


@pytest.fixture(autouse=True)
def _digits_are_prepared(digits):
    pass


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "results", "study")


@pytest.fixture
def planned(store, trials_of):
    """Return a function that plans trials, as a launcher does before it starts workers."""

    def plan(*, stack="off", **wishes):
        trials = trials_of(**wishes)
        store.plan(trials)
        write_job(store.folder, Context(stack=stack))
        return trials

    return plan


@pytest.fixture
def start(store, tmp_path):
    """Return a function that starts a worker in a process; all are killed at the end."""
    with ExitStack() as stack:

        def run(*words, cwd=tmp_path, **variables):
            environment = os.environ | {"PYTHONPATH": _ROOT} | variables
            command = [sys.executable, "-m", "benchmark", "worker", "study", *words]
            process = subprocess.Popen(
                [*command, "--results", str(store.folder.parent)],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                cwd=cwd,
                env=environment,
            )
            stack.callback(process.stdout.close)
            stack.callback(process.wait)
            stack.callback(process.kill)
            return process

        yield run


def wait_for(path, process):
    """Wait until there is text in the file at `path`, and return it."""
    while process.poll() is None:
        with suppress(OSError):
            if text := path.read_text():
                return text
        time.sleep(0.02)
    raise AssertionError(process.stdout.read())


def files_left(store):
    """Return the names of all files in folders of trials that should not be left there."""
    usual = {"trial.json", "metrics.jsonl", "record.json", "log.txt"}
    return [path.name for path in store.folder.glob("*-*/*") if path.name not in usual]


@pytest.mark.slow
def test_two_workers_share_a_study_and_run_each_trial_once(planned, store, start, tmp_path):
    note = tmp_path / "note"
    trials = planned(opts=f"tests.plugins.attempts.Notes:note={note}", seeds=12)
    keys = tmp_path / "keys"
    keys.write_text("".join(trial.key + "\n" for trial in trials))
    workers = [start(f"@{keys}"), start("--keys", str(keys))]
    outputs = [worker.communicate()[0] for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0], outputs
    assert [record.status for record in store.records()] == ["done"] * 12
    found = attempts(note)
    assert len(found) == found.total() == 12, outputs  # each trial began once
    assert files_left(store) == []


@pytest.mark.slow
def test_workers_give_the_bits_of_the_local_launcher_even_under_slurm(planned, store, start):
    trials = planned(opts="adam,sgd:lr=0.1", dropout=False, seeds=2)
    local = Store(store.folder.parent / "local", "study")
    LocalLauncher()(trials, local, Context(), Together())
    worker = start(*[trial.key for trial in trials], **SLURM)
    output, _ = worker.communicate(timeout=120)
    assert worker.returncode == 0, output
    for trial in trials:
        ours, theirs = store.record(trial), local.record(trial)
        assert ours.weights_sha256 == theirs.weights_sha256
        assert ours.metrics == theirs.metrics


def stacked(store, trials):
    return [store.record(trial).environment.stacked for trial in trials]


def test_a_worker_makes_packs_of_its_trials_if_the_job_says_so(planned, store, capfd):
    trials = planned(stack="auto", opts="sgd:lr=0.1,adam,torch.optim.NAdam", seeds=3)
    begun = trials[0]
    store.begin(begun)
    (store.trial_folder(begun) / "metrics.jsonl").touch()  # an earlier attempt died
    words = ["worker", "study", *[trial.key for trial in trials]]
    assert main([*words, "--results", str(store.folder.parent)]) == 0
    assert stacked(store, trials) == [None, *[8] * 8]


@pytest.mark.one_in(2)
@pytest.mark.parametrize("kind", ["CountsInItsClass", "TurnsSwitches"])
def test_what_a_trial_leaves_in_its_process_does_not_reach_the_next(planned, store, kind):
    trials = planned(opts=f"tests.plugins.leftovers.{kind}:lr=0.1|0.2,sgd:lr=0.1")
    local = Store(store.folder.parent / "local", "study")
    LocalLauncher()(trials, local, Context(), Together())
    run_job(trials, store, Job.here(Context()), Together())
    for trial in trials:
        ours, theirs = store.record(trial), local.record(trial)
        assert (ours.status, ours.weights_sha256) == (theirs.status, theirs.weights_sha256)
    [usual] = [trial for trial in trials if trial.optimizer.name == "sgd"]
    assert store.record(usual).status == "done"


@pytest.mark.slow
def test_a_trial_that_takes_too_long_is_failed_and_the_next_one_runs(
    planned, store, tmp_path, capfd
):
    sleeps = f"tests.plugins.leftovers.Sleeps:note={tmp_path / 'note'}"
    trials = planned(opts=f"{sleeps},sgd:lr=0.1")
    words = ["worker", "study", *[trial.key for trial in trials], "--timeout", "4"]
    assert main([*words, "--results", str(store.folder.parent)]) == 1
    assert [store.record(trial).status for trial in trials] == ["failed", "done"]
    assert "took longer than the 4 s of --timeout" in store.record(trials[0]).reason


@pytest.mark.slow
@pytest.mark.parametrize(
    ("signum", "code"), [(signal.SIGTERM, 130), (signal.SIGINT, 130), (signal.SIGKILL, -9)]
)
def test_a_worker_that_is_ended_leaves_no_record_and_another_takes_over(
    planned, store, start, tmp_path, signum, code
):
    note = tmp_path / "note"
    [trial] = planned(opts=f"tests.plugins.attempts.SleepsOnce:note={note}")
    first = start(trial.key)
    wait_for(note, first)
    second = start(trial.key)
    assert "has it" in second.stdout.readline()
    first.send_signal(signum)
    assert first.wait(30) == code
    output, _ = second.communicate(timeout=60)
    assert second.returncode == 0, output
    assert store.record(trial).status == "done"
    assert files_left(store) == []


@pytest.mark.slow
def test_a_claim_is_released_on_sigterm_and_the_trial_has_no_record(
    planned, store, start, tmp_path
):
    note = tmp_path / "note"
    first, second = planned(opts=f"tests.plugins.leftovers.Sleeps:note={note}", seeds=2)
    worker = start(first.key, second.key)
    wait_for(note, worker)
    assert (store.trial_folder(first) / FILE).exists()
    worker.terminate()
    output, _ = worker.communicate(timeout=30)
    assert "interrupted; the same command goes on" in output
    assert store.records() == []
    assert files_left(store) == []


def test_a_trial_that_raises_is_failed_and_the_next_one_runs(planned, store, tmp_path, capfd):
    trials = planned(opts="tests.plugins.leftovers.Exits,sgd:lr=0.1")
    command = ["worker", "study", *[t.key for t in trials], "--results", str(store.folder.parent)]
    assert main(command) == 1
    assert [store.record(trial).status for trial in trials] == ["failed", "done"]
    out, _ = capfd.readouterr()
    assert "[1/2]" in out
    assert "failed (SystemExit: bye" in out
    assert "[2/2]" in out
    assert main(["worker", "study", trials[1].key, "--results", str(store.folder.parent)]) == 0
    assert capfd.readouterr().out == f"{trials[1].key}: has a record already\n"


def test_a_plug_in_is_found_from_any_folder_and_refused_once_edited(
    trials_of, store, tmp_path, monkeypatch, capsys
):
    project = tmp_path / "project"
    project.mkdir()
    file = project / "own_rule_of_test_job.py"
    file.write_text("import torch\n\n\nclass Own(torch.optim.SGD):\n    pass\n")
    monkeypatch.setattr(sys, "path", [str(project), *sys.path])
    [trial] = trials_of(opts="own_rule_of_test_job.Own:lr=0.1")
    assert trial.optimizer.source
    store.plan([trial])
    write_job(store.folder, Context())
    monkeypatch.setattr(sys, "path", [p for p in sys.path if p != str(project)])
    command = ["worker", "study", trial.key, "--results", str(store.folder.parent)]
    text = file.read_text()
    file.write_text(text + "\n")
    assert main(command) == 2
    assert "has changed since the trial was planned" in capsys.readouterr().err
    file.write_text(text)
    assert main(command) == 0
    assert store.record(trial).status == "done"


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ([], "no key: give keys of trials"),
        (["cnn"], "no trial 'cnn'"),
        (["logreg"], "is the beginning of 2 trials"),
        (["@nowhere"], "there is no file 'nowhere' of keys"),
        (["logreg", "--chunk", "2/2"], "expected I/N with I from 0 to N-1"),
        (["logreg", "--chunk", "x"], "expected I/N"),
        (["--keys", "nowhere"], "nowhere"),
    ],
)
def test_mistakes_are_answered_in_one_line(planned, store, capsys, words, error):
    planned(opts="adam,sgd")
    assert main(["worker", "study", *words, "--results", str(store.folder.parent)]) == 2
    err = capsys.readouterr().err
    assert error in err
    assert err.count("\n") == 1


def test_chunks_of_a_file_of_keys_are_disjoint_and_whole(planned, store, tmp_path, monkeypatch):
    trials = planned(seeds=5)
    keys = tmp_path / "keys"
    keys.write_text("\n".join(trial.key for trial in trials))
    seen = []

    def note(trials, *_, **__):
        seen.extend(trial.key for trial in trials)

    monkeypatch.setattr("benchmark.launchers.job.run_job", note)
    for place in range(3):
        words = ["--keys", str(keys), "--chunk", f"{place}/3"]
        assert main(["worker", "study", *words, "--results", str(store.folder.parent)]) == 1
    assert sorted(seen) == sorted(trial.key for trial in trials)


def test_other_data_than_where_the_trials_were_planned_are_refused(planned, store, capsys):
    [trial] = planned()
    path = write_job(store.folder, Context(checksums={"digits": "f" * 64}))
    assert json.loads(path.read_text())["checksums"]
    assert main(["worker", "study", trial.key, "--results", str(store.folder.parent)]) == 2
    assert "are others here than where the trials were planned" in capsys.readouterr().err
