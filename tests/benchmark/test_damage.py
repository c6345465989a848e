"""Damaged results: each such file is one warning and is left out, and nothing else changes."""

import itertools
import json
import shutil
import warnings

import polars as pl
import pytest

from benchmark.__main__ import main
from benchmark.analysis.frame import read
from benchmark.analysis.summary import summarize
from benchmark.archive import compact, restore
from benchmark.report.table import tables_as_json
from benchmark.spec import UsageError
from benchmark.store import FILES, Store
from tests.benchmark.damage import damage

BLOCK = 50  # damaged files per test
QUICK = range(6)
ALL = [pytest.param(i, marks=[] if i in QUICK else pytest.mark.slow) for i in range(40)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Return a study of six trials: done, diverged and failed."""
    return tmp_path_factory.mktemp("whole")


@pytest.fixture
def store(study, log):
    points = [2.0, 1.0, 0.5]
    return study(
        *(log("sgd", points, seed=seed) for seed in range(2)),
        *(log("adam", points, seed=seed, metric="train/running_loss") for seed in range(2)),
        log("lion", points, status="diverged", reason="the training loss was nan at step 3"),
        log("nadam", points, status="failed", reason="RuntimeError: no"),
    )


def copy(store, root):
    shutil.copytree(store.folder, root / "study")
    return Store(root, "study")


def read_all(store):
    """Read a study in every way there is; return what came out."""
    records = store.records()
    frames = read([store])
    assert frames.trials.height == len(records)
    assert set(frames.curves["trial"]) <= set(range(len(records)))
    json.dumps(tables_as_json(records), allow_nan=False)
    summarize(records)
    for record in records:
        assert store.record(record.trial) == record
    if records:
        compact(store, store.folder.with_suffix(".parquet"))
    return records


@pytest.mark.parametrize("block", ALL)
def test_damaged_files_are_left_out_each_with_one_warning(store, tmp_path, block):
    trials = {record.trial.key: record for record in store.records()}
    paths = [f"{key}/{name}" for key in trials for name in FILES]
    for number, file in itertools.islice(
        enumerate(itertools.cycle(paths)), block * BLOCK, (block + 1) * BLOCK
    ):
        damaged = copy(store, tmp_path / "damaged")
        what = damage(damaged.folder / file, number)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            found = read_all(damaged)
        said = [str(warning.message) for warning in caught]
        assert all(file in line and line.isprintable() and len(line) <= 600 for line in said), what
        assert len(said) <= 1, what
        left_out = bool(said) and file.endswith("record.json")
        others = {record.trial.key for record in found} - {file.partition("/")[0]}
        assert others == trials.keys() - {file.partition("/")[0]}, what
        assert len(found) == len(trials) - left_out or not (damaged.folder / file).exists(), what
        shutil.rmtree(tmp_path / "damaged")
