"""The real wandb, whose service dies, hangs or is refused by its server, costs a study nothing."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import warnings
from contextlib import suppress
from pathlib import Path

import pytest

from benchmark.__main__ import main
from benchmark.mirror import wandb_run
from benchmark.mirror.destination import Destination
from benchmark.mirror.ledger import has_left_over
from benchmark.mirror.live import LiveMirror, Patience
from benchmark.mirror.wandb_private import read_run
from benchmark.mirror.wandb_run import WandbSink
from benchmark.record import Record
from benchmark.store import Store
from tests.benchmark.conftest import WANDB_KEY

pytestmark = [
    pytest.mark.usefixtures("wandb_home"),
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks into /proc"),
]


def cores(parent):
    """Return the ids of the living wandb-cores below a process."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            pid, name, state, above = re.match(
                r"(\d+) \((.*)\) (\S) (\d+)", path.read_text(), re.DOTALL
            ).groups()
            if name == "wandb-core" and int(above) == parent and state != "Z":
                found.append(int(pid))
    return found


class Attacked(WandbSink):
    """Sends a signal to its service whenever a run has been opened, so often."""

    def __init__(self, destination, signum, times):
        super().__init__(destination)
        self.signum, self.times = signum, times

    def open(self, trial, run_id):
        run = super().open(trial, run_id)
        if self.times > 0:
            self.times -= 1
            for pid in cores(os.getpid()):
                os.kill(pid, self.signum)
        return run


def mirrored(sink, store, patience=None):
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        with LiveMirror(sink, store, patience) as mirror:
            for record in store.records():
                mirror.begun(record.trial)
                mirror.finished(record)
    return [str(each.message) for each in told]


def destination_of(store, mode="offline"):
    return Destination(
        mode=mode, project="suite", entity=None, folder=store.folder, study=store.study
    )


def check_offline_runs(store):
    for record in store.records():
        digest = record.trial.key.rpartition("-")[2]
        (folder,) = (store.folder / "wandb").glob(f"*-{digest}-*")
        rows, summary = read_run(folder)
        assert rows == store.metrics(record.trial)
        assert summary["status"] == record.status
    assert not has_left_over(store.folder)


@pytest.mark.slow
def test_a_service_that_dies_once_is_replaced(studied, capfd):
    store = studied()
    assert mirrored(Attacked(destination_of(store), signal.SIGKILL, 1), store) == []
    check_offline_runs(store)
    assert cores(os.getpid()) == []
    assert capfd.readouterr().out == ""


@pytest.mark.slow
def test_a_service_that_always_dies_is_one_warning(studied, capfd):
    store = studied()
    [told] = mirrored(Attacked(destination_of(store), signal.SIGKILL, 1_000), store)
    assert told.startswith("W&B: ")
    assert "the next `run` or `push` of this study completes them" in told
    assert cores(os.getpid()) == []
    assert mirrored(WandbSink(destination_of(store)), store) == []
    check_offline_runs(store)
    assert capfd.readouterr().out == ""


def test_a_service_that_hangs_is_one_warning_and_is_ended(studied):
    store = studied(opts="adam")
    patience = Patience(silent=2.0, in_all=10.0)
    [told] = mirrored(Attacked(destination_of(store), signal.SIGSTOP, 1_000), store, patience)
    assert "runs that are not complete: 2" in told
    assert cores(os.getpid()) == []


@pytest.mark.parametrize("program", ["false", "nowhere"])
def test_a_service_that_does_not_start_is_one_warning(studied, monkeypatch, tmp_path, program):
    core = shutil.which(program) or str(tmp_path / program)
    store = studied(opts="adam")
    with monkeypatch.context() as broken:
        broken.setattr("wandb.sdk.lib.service.service_process.get_core_path", lambda: core)
        [told] = mirrored(WandbSink(destination_of(store)), store)
    assert "exited with code 1" in told or "No such file" in told
    assert "the next `run` or `push` of this study completes them" in told
    assert mirrored(WandbSink(destination_of(store)), store) == []
    check_offline_runs(store)


def test_a_server_that_is_gone_makes_runs_offline_with_one_warning(studied, monkeypatch):
    monkeypatch.setattr(wandb_run, "INIT_SECONDS", 1.0)
    monkeypatch.setenv("WANDB_API_KEY", WANDB_KEY)
    store = studied(opts="adam")
    with socket.socket() as taken:  # bound and not listening: connections are refused
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("WANDB_BASE_URL", f"http://127.0.0.1:{taken.getsockname()[1]}")
        [told] = mirrored(WandbSink(destination_of(store, "online")), store)
    assert told.startswith("W&B: ")
    assert "runs are written offline (upload: wandb sync " in told
    check_offline_runs(store)


def test_several_runs_are_open_side_by_side_on_the_server(trials_of, tmp_path, wandb_server):
    store, trials = Store(tmp_path, "study"), trials_of(opts="adam,sgd", seeds=2)
    sink = WandbSink(destination_of(store, "online"))
    opened, all_opened = [], threading.Event()
    open_run = sink.open

    def noted(trial, run_id):
        run = open_run(trial, run_id)
        opened.append(run_id)
        if len(opened) == len(trials):
            all_opened.set()
        return run

    sink.open = noted
    with LiveMirror(sink, store) as mirror:
        for trial in trials:
            store.begin(trial)
            rows = [{"step": i, "val/loss": trial.seed + i / 8} for i in range(5)]
            text = "".join(json.dumps(row) + "\n" for row in rows)
            (store.trial_folder(trial) / "metrics.jsonl").write_text(text)
            mirror.begun(trial)
        assert all_opened.wait(60)
        assert wandb_server.exit_codes == {}
        for trial in trials:
            store.write(Record(trial=trial, status="done"))
            mirror.finished(store.record(trial))
    assert set(wandb_server.exit_codes.values()) == {0}
    assert len(wandb_server.runs) == len(trials)


def test_rate_limits_are_kept_online_alone(studied):
    store = studied(opts="adam", seeds=1)
    online, offline = (WandbSink(destination_of(store, mode)) for mode in ("online", "offline"))
    assert not all(online.may_open() for _ in range(500))
    assert all(offline.may_open() for _ in range(500))


STUDY = ["--problem", "logreg/digits", "--opts", "adam", "--seeds", "2", "--epochs", "2"]


def untimed(output):
    """Return the rows of a table but for seconds and load, in which two runs of a study differ."""
    return [
        {
            name: value
            for name, value in row.items()
            if not name.endswith("_seconds") and name != "busy_seeds"
        }
        for row in json.loads(output)
    ]


@pytest.mark.slow
def test_a_study_whose_service_is_killed_all_the_time_ends_as_without_it(tmp_path, digits, capfd):
    outputs = []
    for mode in ("disabled", "offline"):
        command = [sys.executable, "-m", "benchmark", *STUDY, "--wandb", mode]
        command += ["--results", str(tmp_path / mode), "--json"]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        over = threading.Event()

        def kill(process=process, over=over):
            while not over.wait(0.02):
                for pid in cores(process.pid):
                    with suppress(OSError):
                        os.kill(pid, signal.SIGKILL)

        killer = threading.Thread(target=kill)
        killer.start()
        out, err = process.communicate(timeout=200)
        over.set()
        killer.join()
        assert process.returncode == 0, err
        assert "Traceback" not in err
        assert sum("W&B: " in line and "warning" in line for line in err.splitlines()) == (
            mode == "offline"
        )
        store = Store(tmp_path / mode, "default")
        digests = [record.weights_sha256 for record in store.records()]
        assert len(digests) == 2
        outputs.append((untimed(out), digests))
    assert outputs[0] == outputs[1]
    # The next command, which has nothing to train, completes the runs.
    assert has_left_over(store.folder)
    arguments = [*STUDY, "--wandb", "offline", "--results", str(tmp_path / "offline")]
    assert main(arguments) == 0
    check_offline_runs(store)


@pytest.mark.slow
def test_after_a_kill_in_the_middle_the_same_command_completes_the_runs(
    tmp_path, digits, wandb_server
):
    long = [*STUDY[:-1], "300", "--workers", "1", "--wandb", "online"]
    command = [sys.executable, "-m", "benchmark", *long, "--results", str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    while not list(tmp_path.glob("default/*/record.json")):
        assert process.poll() is None
    process.kill()
    process.communicate()
    assert main([*long, "--results", str(tmp_path)]) == 0
    store = Store(tmp_path, "default")
    assert len(wandb_server.runs) == len(store.records()) == 2  # no run is left behind
    rows = {len(store.metrics(record.trial)) for record in store.records()}
    assert {len(found) for found in wandb_server.history.values()} == rows
    assert {found["status"] for found in wandb_server.summary.values()} == {"done"}
    assert not has_left_over(store.folder)
