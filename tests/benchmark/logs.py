"""Hand-made logs: a study is a few lines, and the answers are known on paper."""

import json
from dataclasses import replace

import pytest

from benchmark.problems import PROBLEMS
from benchmark.record import Record
from benchmark.spec import Study
from benchmark.store import Store
from optimizers.spec import OptimizerSpec


def record_of(trial, status="done", reason="", *, metrics=(), seconds=(), environment=()):
    """Return a record from the mappings of its form in JSON."""
    data = {"trial": trial.to_json(), "status": status, "reason": reason}
    data |= {"metrics": dict(metrics), "seconds": dict(seconds), "environment": dict(environment)}
    return Record.from_text(json.dumps(data).encode())


@pytest.fixture
def study(tmp_path):
    """Return a function that writes a study's records and logs and returns its store."""

    def write(*logs, name="study"):
        store = Store(tmp_path, name)
        for log in logs:
            trial, record, rows = log
            store.begin(trial)
            path = store.trial_folder(trial) / "metrics.jsonl"
            path.write_text("".join(json.dumps(row) + "\n" for row in rows))
            store.write(record)
        return store

    return write


@pytest.fixture
def log():
    """Return a function that makes one trial's log: trial, record, rows."""

    def make(
        optimizer="sgd",
        values=(),
        *,
        metric="val/loss",
        every=10,
        pace=1.0,
        lr=0.1,
        seed=0,
        status="done",
        rows=None,
        problem="logreg/digits",
        epochs=20,
        label=None,
        **record,
    ):
        spec = OptimizerSpec(
            name=optimizer,
            label=label or f"{optimizer} lr={lr:g}",
            target="torch.optim:SGD",
            hyperparameters={"lr": lr},
        )
        trial = Study(
            name="study",
            workloads=(replace(PROBLEMS[problem].workload, epochs=epochs),),
            optimizers=(spec,),
            seeds=(seed,),
        ).trials()[0]
        if rows is None:
            rows = [
                {"step": i * every, "epoch": i, "samples": i * every * 128}
                | {"train_seconds": i * pace, metric: value}
                for i, value in enumerate(values)
            ]
        last = {name: value for row in rows for name, value in row.items()}
        record = {"metrics": last, "seconds": {"training": 1.0, "per_step": 0.001}} | record
        return trial, record_of(trial, status, **record), rows

    return make
