import json
import os
from dataclasses import replace

import pytest

from benchmark.problems import problems_of
from benchmark.store import Store
from benchmark.study import Study
from optimizers.grammar import parse
from tests.benchmark.logs import log, record_of, study  # noqa: F401 (fixtures for every test)
from tests.benchmark.mirror.wandb_server import serve
from tests.benchmark.tuned_studies import tuned  # noqa: F401 (a fixture for every test)

WANDB_KEY = "notakey0" * 5  # 40 characters, as wandb wants them
_METRICS = ("train/loss", "val/loss", "test/loss", "val/accuracy", "test/accuracy")


@pytest.fixture(scope="session")
def trials_of():
    """Return a function that makes the trials of one problem with few epochs."""

    def make(problem="logreg/digits", opts="adam", *, seeds=1, epochs=1, **overrides):
        workload_names = ("dropout", "l2", "batch_size")
        changes = {n: overrides.pop(n) for n in workload_names if n in overrides}
        model, dataset = problem.split("/")
        workload = replace(problems_of(model, dataset).workload, epochs=epochs, **changes)
        return Study(
            name="study",
            workloads=(workload,),
            optimizers=tuple(parse(opts)),
            seeds=tuple(range(seeds)),
            **overrides,
        ).trials()

    return make


@pytest.fixture
def studied(trials_of, tmp_path):
    """Return a function that writes a study on disk: a curve per trial, falling to `final`."""
    return _writer(trials_of, tmp_path)


@pytest.fixture(scope="module")
def studied_once(trials_of, tmp_path_factory):
    """Return the same, for studies that the tests of a module only read."""
    return _writer(trials_of, tmp_path_factory.mktemp("studies"))


def _writer(trials_of, folder):
    def write(
        opts="adam,sgd",
        *,
        seeds=2,
        points=4,
        name="study",
        results=None,
        final=None,
        metrics=_METRICS,  # a page of fewer is made faster
        **more,
    ):
        store = Store(results or folder / "results", name)
        for place, trial in enumerate(trials_of(opts=opts, seeds=seeds, **more)):
            end = (final or (lambda trial: 0.5))(trial) + 0.01 * trial.seed
            rows = [_row(i, points, end, metrics) for i in range(points)]
            store.begin(trial)
            path = store.trial_folder(trial) / "metrics.jsonl"
            path.write_text("".join(json.dumps(row) + "\n" for row in rows))
            seconds = {"training": 1.0 + place, "per_step": 0.001, "total": 2.0 + place}
            last = {name: value for row in rows for name, value in row.items()}
            store.write(record_of(trial, metrics=last, seconds=seconds))
        return store

    return write


def _row(i, points, end, metrics):
    loss = 2.0 + (end - 2.0) * i / (points - 1)
    row = {"step": 10 * i, "epoch": float(i), "samples": 1280 * i, "train_seconds": i / 8}
    return row | {name: loss if name.endswith("/loss") else 1 - loss / 4 for name in metrics}


@pytest.fixture
def wandb_home(tmp_path, monkeypatch):
    """No account, no settings, no telemetry: only what a test sets itself."""
    import wandb

    for name in [name for name in os.environ if name.startswith("WANDB_")]:
        monkeypatch.delenv(name)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NETRC", str(tmp_path / "home" / "netrc"))
    monkeypatch.setenv("WANDB_ERROR_REPORTING", "false")
    wandb.teardown()
    yield
    wandb.teardown()
    os.environ.pop("WANDB_SERVICE", None)


@pytest.fixture
def wandb_server(wandb_home, monkeypatch):
    """Yield what a stand-in for the W&B server receives, to which an account exists."""
    with serve() as received:
        monkeypatch.setenv("WANDB_BASE_URL", received.url)
        monkeypatch.setenv("WANDB_API_KEY", WANDB_KEY)
        yield received
