import polars as pl
import pytest
from pyarrow import parquet

from benchmark.archive import compact, restore
from benchmark.declaration import FILE, write_declaration
from benchmark.errors import UsageError
from benchmark.problems import problems_of
from benchmark.protocols.tuned import Tuned
from benchmark.store import FILES, Store
from benchmark.study import Study
from optimizers.grammar import describe_tunables


def curve(*losses):
    return [{"step": i, "epoch": i / 3, "val/loss": loss} for i, loss in enumerate(losses)]


@pytest.fixture
def store(study, log):
    return study(
        log("sgd", rows=curve(2.0, 1.0, 0.1 + 0.2)),
        log("sgd", seed=1, rows=[{"step": 0, "epoch": 0.0, "samples": 0, "inside/a|b": 1e-300}]),
        log("adam", rows=[], status="failed", reason="RuntimeError: <broken>"),
        log("adam", rows=curve(3.0), seed=1, status="diverged", reason="loss is nan at step 3"),
        log("lion", rows=curve(1.0), status="skipped", label="a label\nof 'two' lines, ε"),
    )


def texts(store):
    return {
        (record.trial.key, name): (store.trial_folder(record.trial) / name).read_text()
        for record in store.records()
        for name in FILES
    }


def test_a_study_comes_back_byte_by_byte(store, tmp_path):
    assert compact(store, tmp_path / "a.parquet") == 5
    restored = restore(tmp_path / "a.parquet", tmp_path / "elsewhere")
    assert (restored.added, restored.kept) == (5, 0)
    assert restored.store.study == "study"
    before = texts(store)
    assert len(before) == 15
    assert texts(restored.store) == before


def test_what_is_finished_is_kept_and_what_is_not_is_replaced(store, tmp_path):
    compact(store, tmp_path / "a.parquet")
    before = texts(store)
    for record in store.records():
        (store.trial_folder(record.trial) / "metrics.jsonl").write_text("")
    restored = restore(tmp_path / "a.parquet", tmp_path)
    assert (restored.added, restored.kept) == (2, 3)
    statuses = {record.trial.key: record.status for record in store.records()}
    for (key, name), text in texts(store).items():
        kept = name == "metrics.jsonl" and statuses[key] in ("done", "diverged")
        assert text == ("" if kept else before[key, name])


def test_the_file_reads_without_the_suite(store, tmp_path):
    compact(store, tmp_path / "a.parquet")
    frame = pl.read_parquet(tmp_path / "a.parquet")
    losses = (
        frame.filter(label="sgd lr=0.1", seed=0)
        .explode("curves")
        .select(pl.col("curves").struct.field("val/loss"))["val/loss"]
    )
    assert losses.to_list() == [2.0, 1.0, 0.1 + 0.2]
    assert frame["status"].to_list().count("diverged") == 1


def test_trials_without_a_record_are_left_out(store, tmp_path):
    trial = store.records()[0].trial
    (store.trial_folder(trial) / "record.json").unlink()
    assert compact(store, tmp_path / "a.parquet") == 4
    keys = pl.read_parquet(tmp_path / "a.parquet")["key"]
    assert trial.key not in keys.to_list()


def test_an_empty_study_is_refused_and_leaves_no_file(tmp_path):
    with pytest.raises(UsageError, match="study 'none' has no records yet"):
        compact(Store(tmp_path, "none"), tmp_path / "a.parquet")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PAR1 no",
        pl.DataFrame({"a": [1]}),
        pl.DataFrame({"study": ["s"], "key": ["k"], "record": ["{"], "curves": [[{"step": 1}]]}),
        pl.DataFrame({"study": ["s"], "key": ["k"], "record": ["[]"], "curves": [[{"step": 1}]]}),
        pl.DataFrame({"study": [None], "key": ["k"], "record": ["{}"], "curves": ["text"]}),
        pl.DataFrame(schema=dict.fromkeys(["study", "key", "record", "curves"], pl.String)),
    ],
)
def test_another_file_is_refused_in_one_line_and_nothing_is_written(content, tmp_path):
    path = tmp_path / "a.parquet"
    path.write_bytes(content) if isinstance(content, bytes) else content.write_parquet(path)
    with pytest.raises(UsageError, match=r"^[^\n]*a\.parquet: expected [^\n]*$"):
        restore(path, tmp_path / "results")
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (pl.lit(None).alias("curves"), "Expected `array`, got `null`"),
        (pl.lit("text").alias("curves"), "Expected `array`, got `str`"),
        (pl.int_range(pl.len()).cast(pl.String).alias("study"), "one study, got 0, 1, 2, 3, 4"),
    ],
)
def test_a_file_that_is_almost_right_is_refused_in_one_line(store, tmp_path, column, message):
    path = tmp_path / "a.parquet"
    compact(store, path)
    pl.read_parquet(path).with_columns(column).write_parquet(path)
    with pytest.raises(UsageError, match=rf"^[^\n]*a\.parquet: expected [^\n]*{message}[^\n]*$"):
        restore(path, tmp_path / "results")


def test_a_study_without_any_curve_comes_back_too(study, log, tmp_path):
    compact(study(log(rows=[], status="failed")), tmp_path / "a.parquet")
    restored = restore(tmp_path / "a.parquet", tmp_path / "elsewhere")
    assert restored.added == 1
    assert restored.store.metrics(restored.store.records()[0].trial) == []


def test_a_trial_that_another_version_would_train_differently_is_refused(store, tmp_path):
    path = tmp_path / "a.parquet"
    compact(store, path)
    frame = pl.read_parquet(path).with_columns(key=pl.col("key") + "0")
    frame.write_parquet(path)
    with pytest.raises(UsageError, match="in this version, which trains it differently"):
        restore(path, tmp_path / "results")


def test_a_study_name_that_leads_out_of_the_folder_is_refused(store, tmp_path):
    path = tmp_path / "a.parquet"
    compact(store, path)
    pl.read_parquet(path).with_columns(study=pl.lit("../x")).write_parquet(path)
    with pytest.raises(UsageError, match="study name"):
        restore(path, tmp_path / "results")


def declare(folder, opts="adam,sgd"):
    tuned = Tuned(tunables=tuple(describe_tunables(opts)), budget=4, seeds=(0, 1))
    workload = problems_of("mlp", "digits").workload
    declaration = Study(name="study", workloads=(workload,), tuned=tuned).declaration("adam")
    write_declaration(folder, declaration)
    return (folder / FILE).read_bytes()


def test_a_declaration_comes_back_byte_by_byte(store, tmp_path):
    text = declare(store.folder, opts="adam@ö|'x' y:lr=1e-4..1e-1,sgd")
    compact(store, tmp_path / "a.parquet")
    restored = restore(tmp_path / "a.parquet", tmp_path / "elsewhere")
    assert (restored.store.folder / FILE).read_bytes() == text


def test_a_study_without_a_declaration_comes_back_without_one(store, tmp_path):
    compact(store, tmp_path / "a.parquet")
    restored = restore(tmp_path / "a.parquet", tmp_path / "elsewhere")
    assert not (restored.store.folder / FILE).exists()


def test_the_declaration_in_the_folder_is_kept_and_a_difference_is_said(store, tmp_path):
    declare(store.folder)
    compact(store, tmp_path / "a.parquet")
    restore(tmp_path / "a.parquet", tmp_path)  # the same one needs no word
    other = declare(store.folder, opts="adam,lion")
    with pytest.warns(UserWarning, match=r"study\.toml is left out: .* is another one"):
        restore(tmp_path / "a.parquet", tmp_path)
    assert (store.folder / FILE).read_bytes() == other


@pytest.mark.parametrize("text", ["", "= 3", "at = 3\n", "\x00", 'at = "x"\nnew = 1\n', b"\xff["])
def test_a_damaged_declaration_is_left_out_in_one_line_and_the_trials_are_restored(
    store, tmp_path, text
):
    compact(store, tmp_path / "a.parquet")
    table = parquet.read_table(tmp_path / "a.parquet").replace_schema_metadata({FILE: text})
    parquet.write_table(table, tmp_path / "b.parquet")
    with pytest.warns(UserWarning, match=r"study\.toml is left out: it is damaged") as found:
        restored = restore(tmp_path / "b.parquet", tmp_path / "elsewhere")
    assert restored.added == 5
    assert "\n" not in str(found[0].message)
    assert not (restored.store.folder / FILE).exists()


def test_a_study_whose_declaration_is_damaged_is_not_compacted_without_it(store, tmp_path):
    (store.folder / FILE).write_text("= 3")
    with pytest.raises(UsageError, match=r"study\.toml is damaged"):
        compact(store, tmp_path / "a.parquet")
    assert not (tmp_path / "a.parquet").exists()
