import base64
import json
import os
import re
import subprocess
import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from benchmark.metrics import METRICS
from benchmark.mirror import wandb_run
from benchmark.mirror.destination import Destination
from benchmark.mirror.wandb_run import (
    WandbRun,
    attempt_id,
    config_of,
    open_run,
    service,
)
from optimizers.spec import OptimizerSpec
from tests.benchmark.conftest import WANDB_KEY as KEY
from tests.benchmark.logs import record_of

ROWS = [
    {"step": 0, "epoch": 0.0, "samples": 0, "train_seconds": 0.0}
    | {"val/loss": 2.3, "val/accuracy": 0.1, "train/loss": 2.4},
    *(
        {"step": 10 * i, "epoch": i / 3, "samples": 1280 * i, "train_seconds": i / 8}
        | {"train/running_loss": 2 - i / 2, "lr": 1e-3}
        for i in range(1, 4)
    ),
    {"step": 30, "epoch": 1.0, "samples": 3840, "train_seconds": 0.375}
    | {"val/loss": 0.9, "val/accuracy": 0.8, "train/loss": 0.8},
    {"step": 60, "epoch": 2.0, "samples": 7680, "train_seconds": 0.75}
    | {"val/loss": 1.1, "val/accuracy": 0.7, "train/loss": 0.4},
]


pytestmark = pytest.mark.usefixtures("wandb_home")


@pytest.fixture
def trial(trials_of):
    return trials_of(opts="adam:lr=0.003:schedule=cosine:warmup=5")[0]


@pytest.fixture
def destination(tmp_path):
    return Destination(
        mode="offline", project="suite", entity=None, folder=tmp_path / "study", study="study"
    )


@pytest.fixture
def server(wandb_server):
    return wandb_server


def online(destination):
    return replace(destination, mode="online")


def finished(trial, status="done", reason=""):
    metrics = {**ROWS[-1], "train/running_loss": 0.5, "lr": 1e-3}
    seconds = {"training": 0.75, "total": 1.5}
    return record_of(trial, status, reason, metrics=metrics, seconds=seconds)


def mirrored(destination, trial, status="done", reason=""):
    """Mirror ROWS as one run from its start to its end."""
    with service(destination):
        run = WandbRun(open_run(destination, trial, attempt_id(trial)))
        for row in ROWS:
            run.log(row)
        run.finish(finished(trial, status, reason))


def run_folders(destination):
    return sorted((destination.folder / "wandb").glob("*run-*"))


def inspect(folder):
    """Return what the official reader says of the run in `folder`."""
    from wandb.util import get_core_path

    (file,) = folder.glob("*.wandb")
    command = [get_core_path(), "leet", "inspect", "--json", "--no-observability"]
    command += ["--run-file", str(file), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    records = [json.loads(line) for line in done.stdout.splitlines()]
    summary = {}
    for record in records:
        if record["type"] == "summary":
            summary |= record["summary"]["update"]
    metrics = [record["metric"] for record in records if record["type"] == "metric"]
    exits = [record["exit"].get("exit_code", 0) for record in records if record["type"] == "exit"]
    return {
        "run": next(record["run"] for record in records if record["type"] == "run"),
        "rows": without_own([r["history"]["item"] for r in records if r["type"] == "history"]),
        "metrics": {m.get("name") or m["glob_name"]: m for m in metrics},
        "summary": summary,
        "order": [n for r in records if r["type"] == "summary" for n in r["summary"]["update"]],
        "exit_codes": exits,
    }


def without_own(rows):
    """Return `rows` without the columns that wandb adds."""
    return [{name: v for name, v in row.items() if not name.startswith("_")} for row in rows]


def check_summary(summary):
    assert summary["val/loss"] == {"min": 0.9, "last": 1.1}
    assert summary["val/accuracy"] == {"max": 0.8, "last": 0.7}
    assert summary["train/running_loss"] == {"min": 0.5, "last": 0.5}
    assert summary["final/val/loss"] == 1.1
    assert "final/step" not in summary
    assert summary["seconds/training"] == 0.75
    assert summary["status"] == "done"


def test_an_offline_run_reads_back_as_it_was_logged(destination, trial, capfd):
    mirrored(destination, trial)
    (folder,) = run_folders(destination)
    found = inspect(folder)
    assert found["rows"] == ROWS
    assert found["exit_codes"] == [0]
    check_summary(found["summary"])
    assert [name for name in found["order"] if not name.startswith("_")][-1] == "status"
    assert capfd.readouterr() == ("", "")


def test_a_run_carries_what_tables_group_by(destination, trial):
    mirrored(destination, trial)
    run = inspect(run_folders(destination)[0])["run"]
    config = run["config"]["update"]
    expected = trial.to_json() | trial.optimizer.to_json()["hyperparameters"]
    expected |= {"schedule": "cosine", "warmup": 5, "optimizer": "adam", "label": trial.label}
    expected["purpose"] = "evaluation"
    expected |= {"study": "study", "key": trial.key, "lr": 0.003}
    expected |= {"hyperparameters": trial.optimizer.to_json()["hyperparameters"]}
    assert {name: value for name, value in config.items() if name != "_wandb"} == json.loads(
        json.dumps(expected)
    )
    assert run["display_name"] == f"{trial.label} s0"
    assert run["run_group"] == f"study/{trial.problem}"
    assert run["job_type"] == "trial"
    assert {"digits", "cpu"} < set(run["tags"])


def test_an_optimizers_argument_called_like_a_field_of_the_suite_is_there_too(trial):
    fields = {**trial.to_json(), **config_of(trial, "study")}
    clash = dict.fromkeys([*fields, "optimizer", "study"], "its own")
    rest = OptimizerSpec(name="adamw", label="adamw", target="optimizers.adamw:AdamW")
    optimizer = replace(trial.optimizer, hyperparameters=clash, rest=rest)
    theirs = replace(trial, optimizer=optimizer)
    config = config_of(theirs, "study")
    assert config["hyperparameters"] == clash
    assert config["rest"] == rest.to_json()
    suite = {name: config[name] for name in ("schedule", "warmup", "seed", "label", "threads")}
    assert suite == {
        **{name: getattr(trial, name) for name in ("seed", "label", "threads")},
        "schedule": "cosine",
        "warmup": 5,
    }


def test_losses_are_drawn_over_steps_and_evaluations_over_epochs(destination, trial):
    mirrored(destination, trial)
    metrics = inspect(run_folders(destination)[0])["metrics"]
    assert metrics["train/running_loss"]["step_metric"] == "step"
    assert {metrics[f"{s}/loss"]["step_metric"] for s in ("train", "val", "test")} == {"epoch"}
    assert metrics["inside/*"]["step_metric"] == "step"
    assert {"step", "epoch", "samples", "train_seconds"} < set(metrics)


def test_a_metric_without_a_better_direction_keeps_its_last_value(destination, trial, monkeypatch):
    row = replace(METRICS["loss"], name="odd", better=None)
    monkeypatch.setitem(METRICS, "odd", row)
    mirrored(destination, trial)
    assert "val/odd" in inspect(run_folders(destination)[0])["metrics"]


def test_a_server_receives_the_whole_run(destination, trial, server):
    mirrored(online(destination), trial)
    ((name, run),) = server.runs.items()
    assert without_own(server.history[name]) == ROWS
    config = {key: entry["value"] for key, entry in json.loads(run["config"]).items()}
    assert config["key"] == trial.key
    assert config["lr"] == 0.003
    assert run["groupName"] == f"study/{trial.problem}"
    assert run["jobType"] == "trial"
    assert {"digits", "cpu"} < set(run["tags"])
    assert run["project"] == "suite"
    assert server.exit_codes == {name: 0}
    check_summary(server.summary[name])
    check_summary(json.loads(server.uploads["wandb-summary.json"]))


def test_the_api_key_is_in_no_file(destination, trial, server):
    mirrored(online(destination), trial)
    mirrored(destination, trial, "failed")
    secret = base64.b64encode(f"api:{KEY}".encode())
    assert f"Basic {secret.decode()}" in server.keys  # it was sent; uploads of files go without
    files = [path for path in destination.folder.rglob("*") if path.is_file()]
    assert len(files) >= 3
    for path in files:
        assert KEY.encode() not in path.read_bytes(), path
        assert secret not in path.read_bytes(), path


@pytest.mark.parametrize(("status", "code"), [("done", 0), ("diverged", 0), ("failed", 1)])
def test_the_exit_code_says_whether_there_is_a_result(destination, trial, status, code):
    mirrored(destination, trial, status, "why")
    found = inspect(run_folders(destination)[0])
    assert found["exit_codes"] == [code]
    assert found["summary"]["status"] == status
    assert found["summary"]["reason"] == "why"


def test_another_attempt_replaces_the_run_under_another_id(destination, trial):
    mirrored(destination, trial, "failed")
    (first,) = run_folders(destination)
    mirrored(destination, trial)
    (second,) = run_folders(destination)
    ids = [first.name.split("-", 3)[3], inspect(second)["run"]["run_id"]]
    assert ids[0] != ids[1]
    assert ids[0].split("-")[0] == ids[1].split("-")[0] == trial.key.rpartition("-")[2]


def test_runs_of_other_trials_stay(destination, trials_of):
    for trial in trials_of(seeds=2):
        mirrored(destination, trial)
    found = [
        inspect(folder)["run"]["config"]["update"]["seed"] for folder in run_folders(destination)
    ]
    assert sorted(found) == [0, 1]


def test_finish_does_not_hang(destination, trial, monkeypatch):
    monkeypatch.setattr(wandb_run, "FINISH_SECONDS", 0.0)
    monkeypatch.setattr(wandb_run, "_GRACE_SECONDS", 0.05)
    released = threading.Event()
    monkeypatch.setattr("wandb.Run.finish", lambda *_, **__: released.wait(60))
    with pytest.raises(TimeoutError):
        mirrored(destination, trial)
    released.set()


def cores():
    """Return the ids of the wandb-cores below this process."""
    ended = "Z"
    stats = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            stats.append(path.read_text())
    found = [
        re.fullmatch(r"(\d+) \((.*)\) (\S) (\d+) .*\n", stat, re.DOTALL).groups() for stat in stats
    ]
    own = [f for f in found if f[1] == "wandb-core" and int(f[3]) == os.getpid()]
    return [pid for pid, _, state, _ in own if state != ended]


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks into /proc")
def test_no_core_is_left_running(destination, trial):
    with service(destination):
        assert len(cores()) == 1
    assert cores() == []
