"""Trials end, and so does all that they leave behind; a lost fork server is started again."""

import json
import os
import signal
import time
from pathlib import Path

import pytest

from benchmark.context import Context
from benchmark.errors import UsageError
from benchmark.launchers import Limits, server
from benchmark.launchers.family import children, descendants
from benchmark.launchers.local import LocalLauncher
from benchmark.launchers.prepare import prepare
from benchmark.prepared import Preparation
from benchmark.store import Store
from datamodules.errors import DataError

pytestmark = pytest.mark.forks

LEFTOVERS = "tests.plugins.leftovers"


class Watcher:
    def __init__(self):
        self.records, self.handed_out = [], []

    def started(self, trial):
        self.handed_out.append(trial.key)

    def begun(self, trial):
        pass

    def progressed(self, trial, step, loss):
        pass

    def finished(self, record):
        self.records.append(record)


@pytest.fixture(autouse=True)
def _digits_are_prepared(digits):
    pass


@pytest.fixture
def launch(tmp_path):
    def run(trials, *, watcher=None, workers=2, timeout=None):
        store = Store(tmp_path, "study")
        limits = Limits(workers=workers, timeout_seconds=timeout)
        LocalLauncher(limits)(trials, store, Context(), watcher or Watcher())
        return [store.record(trial) for trial in trials]

    return run


def is_gone(pid):
    """Return whether a process ends soon, or is a zombie."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state in "ZX":
            return True
        time.sleep(0.05)
    return False


def test_files_that_cannot_be_written_are_an_error_and_no_traceback(
    trials_of, launch, tmp_path, capfd
):
    (trial,) = trials_of()
    path = Store(tmp_path, "study").trial_folder(trial)
    path.parent.mkdir(parents=True)
    path.write_text("a file in the place of the trial's folder")
    with pytest.raises(OSError, match=trial.key):
        launch([trial])
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize("kind", ["Thread", "AtExit", "Child", "Daemon", "ReturnsTwice"])
@pytest.mark.one_in(2)
def test_a_trial_is_done_whatever_it_leaves_behind(trials_of, launch, tmp_path, kind):
    trials = trials_of(opts=f"{LEFTOVERS}.{kind}:note={tmp_path / 'note'}")
    [record] = launch(trials)
    assert record.status == "done"
    if kind in ("Child", "Daemon"):
        assert is_gone(int((tmp_path / "note").read_text()))
    lines = (tmp_path / "study" / trials[0].key / "metrics.jsonl").read_text().splitlines()
    steps = [json.loads(line)["step"] for line in lines]
    assert len(lines) == len(set(lines))  # none of them twice
    assert steps == sorted(steps)
    assert (steps[0], steps[-1]) == (0, record.progress.step)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("ChildThenCrash", "ended with exit code 3"),
        ("ChildThenHang", "took longer than the 2 s of --timeout"),
        ("Exits", "SystemExit: bye"),
        ("Interrupts", "SystemExit: 1"),
        ("RaisesTwice", "ArithmeticError: in both processes"),
    ],
)
@pytest.mark.one_in(2)
def test_a_trial_that_ends_badly_takes_its_children_along(trials_of, launch, tmp_path, kind, words):
    note = tmp_path / "note"
    [record] = launch(trials_of(opts=f"{LEFTOVERS}.{kind}:note={note}"), timeout=2.0)
    assert record.status == "failed"
    assert words in record.reason
    if note.exists():
        assert is_gone(int(note.read_text()))


def test_a_forked_child_neither_holds_a_claim_nor_releases_it(trials_of, tmp_path):
    [trial] = trials_of()
    store = Store(tmp_path, "study")
    ours, theirs = os.pipe()
    with store.claim(trial):
        if (pid := os.fork()) == 0:
            os.read(ours, 1)  # until the test lets go
            os._exit(0)
        with pytest.raises(BlockingIOError), Store(tmp_path, "study").claim(trial, wait=False):
            pass
    with store.claim(trial, wait=False):
        pass  # although the child lives
    os.write(theirs, b"x")
    os.waitpid(pid, 0)
    os.close(ours)
    os.close(theirs)


def test_a_trial_that_another_process_keeps_is_given_up_after_the_timeout(
    trials_of, launch, tmp_path
):
    [trial] = trials_of()
    watcher = Watcher()
    with Store(tmp_path, "study").claim(trial):
        [record] = launch([trial], watcher=watcher, timeout=1.0)
    assert record is None
    assert "another process has had it for longer than the 1 s" in watcher.records[0].reason


def test_a_watcher_that_raises_is_told_no_more_and_changes_nothing(trials_of, launch):
    class Broken(Watcher):
        def started(self, trial):
            super().started(trial)
            raise BrokenPipeError("gone")

    watcher = Broken()
    with pytest.warns(UserWarning, match="progress is shown no more"):
        records = launch(trials_of(opts="adam,sgd"), watcher=watcher, workers=1)
    assert [record.status for record in records] == ["done", "done"]
    assert len(watcher.handed_out) == 1
    assert not watcher.records


def test_sigterm_ends_a_worker_in_the_middle_of_a_step(trials_of, launch, tmp_path):
    note = tmp_path / "note"
    seen = []

    class Terminates(Watcher):
        def started(self, trial):
            while not note.exists() or not note.read_text():
                time.sleep(0.05)
            pid = int(note.read_text())
            note.unlink()
            os.kill(pid, signal.SIGTERM)
            seen.append(is_gone(pid))

    [record] = launch(
        trials_of(opts=f"{LEFTOVERS}.Sleeps:note={note}"), watcher=Terminates(), timeout=60.0
    )
    assert seen == [True, True]
    assert "killed by signal 15" in record.reason


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_lost_server_is_started_again_and_costs_no_trial_a_try(trials_of, launch):
    class KillsServer(Watcher):
        def __init__(self):
            super().__init__()
            self.killed = None

        def started(self, trial):
            super().started(trial)
            if self.killed is None:
                self.killed = server.server_pid()
                os.kill(self.killed, signal.SIGKILL)

    trials = trials_of(opts="tests.plugins.optimizers.Slow:seconds=0.1", seeds=3)
    watcher = KillsServer()
    records = launch(trials, watcher=watcher)
    assert [record.status for record in records] == ["done"] * 3
    assert server.server_pid() not in (None, watcher.killed)


@pytest.mark.slow
def test_a_start_that_loses_its_server_is_tried_again(monkeypatch):
    outcomes = [EOFError(), ConnectionRefusedError(), None]
    monkeypatch.setattr(server, "_start_once", lambda process: outcomes.pop(0))
    server.start(None)
    assert not outcomes
    monkeypatch.setattr(server, "_start_once", lambda process: EOFError())
    with pytest.raises(OSError, match="was lost 4 times"):
        server.start(None)


@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("Hangs", DataError, "took longer than the 1 s of --timeout"),
        ("Dies", DataError, "killed by signal 9"),
        ("Interrupted", UsageError, "KeyboardInterrupt"),
    ],
)
def test_preparing_ends_too(name, error, words):
    with pytest.raises(error, match=words):
        data = f"tests.plugins.ending_data.{name}"
        prepare([Preparation(dataset=data, model="logreg", dropout=False)], Context(), 1.0)


def test_families_are_read_from_proc():
    if (pid := os.fork()) == 0:
        time.sleep(60)
        os._exit(0)
    assert pid in children(os.getpid())
    assert pid in descendants(os.getpid())
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    assert pid not in descendants(os.getpid())
