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
from benchmark.errors import UsageError
from benchmark.report.table import tables_as_json
from benchmark.store import FILES, Store
from tests.benchmark.damage import damage

BLOCK = 50  # damaged files per test
QUICK = range(1)
ALL = [pytest.param(i, marks=[] if i in QUICK else pytest.mark.slow) for i in range(40)]


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


@pytest.mark.parametrize("block", ALL)
def test_a_damaged_parquet_file_is_refused_or_restored_as_far_as_it_goes(store, tmp_path, block):
    whole, path = tmp_path / "whole.parquet", tmp_path / "damaged.parquet"
    compact(store, whole)
    for number in range(block * BLOCK // 2, (block + 1) * BLOCK // 2):
        shutil.copy(whole, path)
        what = damage(path, number)
        results = tmp_path / f"results{number}"
        refusal, restored = None, None
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                restored = restore(path, results)
            except UsageError as error:
                refusal = str(error)
            else:
                assert len(read_all(restored.store)) == restored.added > 0, what
        assert restored or refusal.startswith(f"{path}: expected "), what
        assert restored or "\n" not in refusal, what
        assert results.exists() == bool(restored), what
        assert len(caught) <= 1, what
        shutil.rmtree(path) if path.is_dir() else path.unlink()


@pytest.mark.parametrize(
    "change",
    [
        pl.col("record").str.replace("0.5", "NaN", literal=True),
        pl.col("record").str.replace("logreg/digits", "a\\udcffb", literal=True),
        pl.col("record").str.replace("0.5", "9" * 5000, literal=True),
        pl.col("record").str.replace("0.5", "[" * 100_000, literal=True),
        pl.col("key") + "0",
        pl.lit(None, pl.String).alias("record"),
        pl.lit([{"step": "0"}]).alias("curves"),
        pl.lit([{"step": {"a": 0}}]).alias("curves"),
        pl.lit([{"step": float("nan")}]).alias("curves"),
        pl.lit([{"step": 1.5}]).alias("curves"),
        pl.lit([{"step": -1}]).alias("curves"),
    ],
    ids=str,
)
@pytest.mark.parametrize("damaged", [1, 2])
def test_a_damaged_row_is_left_out_with_one_warning(store, tmp_path, change, damaged):
    path = tmp_path / "a.parquet"
    compact(store, path)
    frame = pl.read_parquet(path).head(2).with_columns(curves=None)
    frame = frame.with_columns(curves=pl.lit([], pl.List(pl.Struct({"step": pl.Float64}))))
    column = change.meta.output_name()
    broken = frame.head(damaged).with_columns(change.alias(column))
    if broken.schema == frame.schema:
        broken = pl.concat([broken, frame.tail(2 - damaged)])
    broken.write_parquet(path)
    if broken.height > damaged:
        with pytest.warns(UserWarning, match=r"1 of 2 trials are damaged and left out, as "):
            assert restore(path, tmp_path / "results").added == 1
    else:
        with pytest.raises(UsageError, match=r"a\.parquet: expected a file .*, but trial "):
            restore(path, tmp_path / "results")


RUN = [
    *("run", "--study", "study", "--problem", "logreg/digits", "--opts", "adam,sgd"),
    *("--epochs", "1", "--seeds", "2", "--wandb", "disabled"),
]
VERBS = (
    ["show", "study"],
    ["show", "study", "--json"],
    ["compact", "study"],
    ["report", "study", "--format", "md"],
    ["report", "study"],
    [*RUN, "--dry-run", "--json"],
)


@pytest.mark.slow
@pytest.mark.parametrize(
    "number", [0, *(pytest.param(i, marks=pytest.mark.slow) for i in range(1, 24))]
)
def test_every_verb_reads_a_study_with_damaged_files(studied, tmp_path, capsys, number):
    store = studied(results=tmp_path / "results")
    for place, path in enumerate(sorted(store.folder.glob("*/*.json*"))[number % 3 :: 4]):
        damage(path, 1000 * number + place)
    before = sorted(path.name for path in store.folder.glob("logreg*/*"))
    for verb in VERBS:
        with warnings.catch_warnings():
            warnings.simplefilter("default", UserWarning)
            assert main([*verb, "--results", str(tmp_path / "results")]) == 0
        out, err = capsys.readouterr()
        lines = err.splitlines()
        assert "Traceback" not in err
        warned = [line for line in lines if line.startswith("warning: ")]
        assert len(warned) == len(set(warned)) <= 3 * 4
        if "--json" in verb:
            json.loads(out, parse_constant=pytest.fail)
    assert sorted(path.name for path in store.folder.glob("logreg*/*")) == before


@pytest.mark.slow
@pytest.mark.usefixtures("digits")
@pytest.mark.parametrize("number", range(4))
def test_run_trains_again_what_is_damaged_and_keeps_it(studied, tmp_path, capsys, number):
    store = studied(results=tmp_path / "results")
    kept = {record.trial.key: record for record in store.records()}
    folders = sorted(store.folder.glob("logreg*"))
    for place, folder in enumerate(folders[:2]):
        for name in FILES:
            damage(folder / name, 100 * number + 3 * place + FILES.index(name))
        (folder / "record.json").unlink() if (folder / "record.json").is_file() else None
    (folders[2] / "record.json").write_text("{")
    with warnings.catch_warnings():
        warnings.simplefilter("default", UserWarning)
        assert main([*RUN, "--results", str(tmp_path / "results")]) == 0
    assert "Traceback" not in capsys.readouterr().err
    assert [path.read_text() for path in folders[2].glob("record.json.corrupt-*")] == ["{"]
    found = {record.trial.key: record for record in store.records()}
    assert found.keys() == kept.keys()
    last = folders[3].name
    assert found[last] == kept[last]
    assert all(store.metrics(record.trial) for record in found.values())
