import subprocess
import sys

import polars as pl
import pytest

from benchmark.analysis.cost import num_busy
from benchmark.analysis.curves import lines
from benchmark.analysis.frame import read
from benchmark.errors import UsageError
from benchmark.record import was_busy
from benchmark.store import Store


def test_a_variant_is_what_differs_only_in_its_seed(frames_of, log):
    frames = frames_of(log(seed=0), log(seed=1), log(lr=0.2), log("adam"))
    sizes = frames.trials.group_by("label").agg(pl.col("variant").n_unique(), pl.len())
    assert sorted(sizes.rows()) == [
        ("adam lr=0.1", 1, 1),
        ("sgd lr=0.1", 1, 2),
        ("sgd lr=0.2", 1, 1),
    ]
    assert frames.trials["variant"].n_unique() == 3


def test_an_optimizer_is_its_label_without_the_hyperparameters_it_names(frames_of, log):
    frames = frames_of(log(label="my sgd lr=0.1"), log(lr=0.2, label="plain"))
    assert sorted(frames.trials["optimizer"]) == ["my sgd", "plain"]
    assert sorted(frames.trials["lr"]) == [0.1, 0.2]


def test_only_a_trial_that_is_done_has_final_metrics(frames_of, log):
    frames = frames_of(log(values=[2.0, 1.0]), log("adam", values=[2.0, 9.0], status="diverged"))
    finals = dict(frames.trials.select("optimizer", "val/loss").iter_rows())
    assert finals == {"sgd": 1.0, "adam": None}
    assert dict(frames.trials.select("optimizer", "step").iter_rows()) == {"sgd": 10, "adam": 10}


def test_curves_hold_every_line_in_its_order(frames_of, log):
    rows = [
        {"step": 0, "epoch": 0.0, "samples": 0, "train_seconds": 0.0, "val/loss": 2},
        {"step": 5, "epoch": 0.5, "samples": 640, "train_seconds": 0.1, "train/running_loss": 1.5},
        {"step": 10, "epoch": 1.0, "samples": 1257, "train_seconds": 0.2, "val/loss": 1.25},
    ]
    frames = frames_of(log(rows=rows))
    assert frames.curves.select("step", "samples", "val/loss", "train/running_loss").rows() == [
        (0, 0, 2.0, None),
        (5, 640, None, 1.5),
        (10, 1257, 1.25, None),
    ]
    assert frames.metrics == ("val/loss", "train/running_loss")


def test_studies_are_told_apart_only_where_they_share_an_optimizer(study, log):
    first = study(log("sgd"), log("adam"), name="before")
    second = study(log("sgd"), log("mine"), name="after")
    trials = read([first, second]).trials
    assert trials["optimizer"].to_list() == ["sgd (before)", "adam", "sgd (after)", "mine"]
    assert trials["variant"].n_unique() == 4
    assert trials["trial"].to_list() == [0, 1, 2, 3]


def test_studies_of_one_name_are_refused(study, log):
    store = study(log("sgd"))
    with pytest.raises(UsageError, match="study 'study' is given 2 times"):
        read([store, store])


@pytest.mark.parametrize("tail", ['{"step": 99, "va', '{"step": 99', "\x00\x00"])
def test_a_line_torn_by_a_crash_is_left_out(study, log, tail):
    trial, record, rows = log(values=[3.0, 2.0])
    store = study((trial, record, rows))
    path = store.trial_folder(trial) / "metrics.jsonl"
    path.write_text(path.read_text() + tail)
    assert read([store]).curves["val/loss"].to_list() == [3.0, 2.0]


def test_a_whole_last_line_counts_without_its_end_of_line(study, log):
    trial, record, rows = log(values=[3.0, 2.0])
    store = study((trial, record, rows))
    path = store.trial_folder(trial) / "metrics.jsonl"
    path.write_text(path.read_text().rstrip("\n"))
    assert read([store]).curves["val/loss"].to_list() == [3.0, 2.0]


@pytest.mark.parametrize(
    "line",
    [
        '{"step": 0, "val/loss": oops}',
        '{"step": 0, "val/loss": NaN}',
        '{"step": 0, "val/loss": "1.0"}',
        '{"step": 0, "val/loss": {"a": 1.0}}',
        '{"step": 0, "odd": [1.0]}',
        '{"step": 0.5}',
        '{"step": -1}',
        '{"step": 99999999999999999}',
        '{"samples": true}',
        "[]",
        "[" * 100_000,
    ],
)
def test_a_log_with_a_broken_line_is_left_out_and_the_others_are_read(study, log, line):
    broken, whole = log("sgd", values=[3.0, 2.0]), log("adam", values=[7.0, 6.0])
    store = study(broken, whole)
    path = store.trial_folder(broken[0]) / "metrics.jsonl"
    path.write_text(f"{line}\n" + path.read_text())
    with pytest.warns(UserWarning, match=r"metrics\.jsonl is damaged .* no curves"):
        frames = read([store])
    assert frames.trials.height == 2
    assert frames.curves.select("trial", "val/loss").rows() == [(1, 7.0), (1, 6.0)]


@pytest.mark.parametrize(
    "line", ['{"step":\n0, "val/loss": 5.0}', '\n{"step": 0, "val/loss": 5.0}']
)
def test_rows_in_other_forms_of_json_are_read_as_well(study, log, line):
    odd, plain = log("sgd", values=[3.0]), log("adam", values=[7.0])
    store = study(odd, plain)
    path = store.trial_folder(odd[0]) / "metrics.jsonl"
    path.write_text(f"{line}\n" + path.read_text())
    curves = read([store]).curves
    assert curves.select("trial", "val/loss").rows() == [(0, 5.0), (0, 3.0), (1, 7.0)]


def test_names_that_the_tables_use_themselves_do_not_replace_theirs(study, log):
    rows = [{"step": 0, "trial": 7, "val/loss": 1.0}]
    names = dict.fromkeys(["trial", "study", "seed", "label", "setting"], 3.5)
    frames = read([study(log("sgd", rows=rows, metrics=names))])
    assert frames.trials.select("trial", "study", "seed").rows() == [(0, "study", 0)]
    assert frames.curves["trial"].to_list() == [0]


def test_curves_of_a_failed_trial_are_read_though_its_record_names_no_metric(frames_of, log):
    failed = log("sgd", values=[3.0], metric="odd/loss", status="failed")
    failed = (failed[0], type(failed[1])(trial=failed[0], status="failed"), failed[2])
    frames = frames_of(failed, log("adam", values=[7.0]))
    assert frames.curves.select("trial", "odd/loss").drop_nulls().rows() == [(0, 3.0)]


def test_a_trial_without_a_record_is_not_a_result(study, log):
    store = study(log("sgd"))
    store.begin(log("adam")[0])
    assert read([store]).trials["optimizer"].to_list() == ["sgd"]


def test_no_records_give_empty_tables_with_all_their_columns(study):
    frames = read([study()])
    assert frames.trials.is_empty()
    assert frames.curves.is_empty()
    assert {"variant", "lr", "status"} <= set(frames.trials.columns)
    assert frames.curves.columns == ["trial", "step", "epoch", "samples", "train_seconds"]


def test_the_machine_is_the_gpu_if_there_is_one(frames_of, log):
    on_cpu = log("sgd", environment={"cpu": "EPYC", "device": "cpu"})
    on_gpu = log("adam", environment={"cpu": "EPYC", "device": "H100"})
    frames = frames_of(on_cpu, on_gpu)
    assert dict(frames.trials.select("optimizer", "machine").iter_rows()) == {
        "sgd": "EPYC",
        "adam": "H100",
    }
    devices = {
        optimizer: frames.environments[index].device
        for optimizer, index in frames.trials.select("optimizer", "environment").iter_rows()
    }
    assert devices == {"sgd": "cpu", "adam": "H100"}


def test_each_trial_refers_to_its_hyperparameters_which_stand_once(frames_of, log):
    frames = frames_of(*(log(lr=lr, seed=seed) for lr in (0.1, 0.2) for seed in (0, 1, 2)))
    rows = frames.trials.select("lr", "hyperparameters").rows()
    assert {lr: frames.hyperparameters[index].values for lr, index in rows} == {
        0.1: {"lr": 0.1},
        0.2: {"lr": 0.2},
    }
    assert len(frames.hyperparameters) == 2
    assert len(frames.environments) == 1


@pytest.mark.parametrize(("load", "busy"), [(None, False), (0.5, True), (0.9, False)])
@pytest.mark.parametrize("stacked", [None, 4])
def test_a_trial_is_as_busy_as_its_record_says(frames_of, log, load, busy, stacked):
    seconds = {} if load is None else {"load": load}
    environment = {} if stacked is None else {"stacked": stacked}
    trial = log(seconds=seconds, environment=environment)
    frames = frames_of(trial, log(seed=1))
    is_busy = busy and stacked is None  # a pack's seconds are compared nowhere
    assert was_busy(trial[1]) is is_busy
    assert frames.trials["busy"].to_list() == [is_busy, False]
    assert num_busy(frames) == is_busy


def test_the_log_of_a_real_trial_is_read_as_it_was_written(tmp_path, trials_of, digits):
    from benchmark.context import Context
    from benchmark.runner import run

    store = Store(tmp_path, "real")
    (trial,) = trials_of(epochs=2)
    store.begin(trial)
    record = run(trial, Context(), folder=store.trial_folder(trial))
    store.write(record)
    frames = read([store])
    assert frames.trials["val/loss"].to_list() == [record.metrics["val/loss"]]
    assert frames.curves.height == len(store.metrics(trial)) > 2
    assert set(frames.metrics) >= {"train/running_loss", "val/loss", "test/accuracy"}
    assert lines(frames, "val/loss", "epoch")["x"].to_list() == [i / 10 for i in range(21)]
    assert lines(frames, "test/loss", "epoch")["x"].to_list() == [0.0, 2.0]
    assert lines(frames, "train/running_loss", "step")["x"].to_list() == [10, 20]


def test_reading_loads_no_torch_and_the_terminal_summary_no_polars():
    code = "import sys; {}; print([m for m in ('torch', 'polars', 'numpy') if m in sys.modules])"
    for statement, loaded in (
        ("import benchmark.analysis.frame, benchmark.analysis.ranks", "['polars', 'numpy']"),
        ("import benchmark.analysis.summary", "[]"),
    ):
        done = subprocess.run(
            [sys.executable, "-c", code.format(statement)],
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == loaded


def test_curves_of_a_diverged_trial_are_read_though_its_record_lacks_what_ended_not_finite(
    tmp_path, trials_of, digits
):
    from benchmark.context import Context
    from benchmark.runner import run

    store = Store(tmp_path, "real")
    (trial,) = trials_of("mlp/digits", "sgd:lr=1e30")
    store.begin(trial)
    record = run(trial, Context(), folder=store.trial_folder(trial))
    store.write(record)
    assert record.status == "diverged"
    assert "val/loss" not in record.metrics
    assert read([store]).curves["val/loss"].drop_nulls().len() == 1
