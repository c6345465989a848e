import io
import json
import re
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from benchmark.analysis.intervals import Shares, mean_interval, share_bounds
from benchmark.metrics import metric_of
from benchmark.record import Clocks, Cost, Environment, Record
from benchmark.report.evidence import gather
from benchmark.report.table import print_tables, tables_as_json
from datamodules.registry import DATASETS

METRICS = ("train/loss", "val/loss", "val/accuracy", "test/loss", "test/accuracy")


@pytest.fixture
def record_of(trials_of):
    def make(opts="adam", seed=0, status="done", value=0.5, problem="logreg/digits", **changes):
        trial = replace(trials_of(problem, opts)[0], seed=seed)
        metrics = dict.fromkeys(METRICS, value) if status == "done" else {}
        clocks = Clocks(training=2.0, per_step=0.001) if status == "done" else Clocks()
        return Record(trial=trial, status=status, metrics=metrics, clocks=clocks, **changes)

    return make


def printed(records, width=100):
    console = Console(file=io.StringIO(), width=width, highlight=False)
    print_tables(console, records)
    return console.file.getvalue()


def test_a_row_has_means_with_their_intervals_and_the_best_is_marked(record_of):
    records = [record_of("adam", seed, value=v) for seed, v in enumerate((0.80, 0.82, 0.84))]
    records += [record_of("sgd", seed, value=0.9) for seed in range(3)]
    text = printed(records)  # lower is better here for loss and accuracy
    best = next(line for line in text.splitlines() if "★" in line)
    assert "adam" in best
    assert "82.00" in best
    low, high = share_bounds(np.array([[0.80, 0.82, 0.84]]), DATASETS["digits"].sizes[1])
    assert f"{100 * low[0]:.2f}" in text
    assert f"…{100 * high[0]:.2f}" in text
    assert "±0.0497" in text  # of the loss: Student's quantile 4.303 × 0.02 / √3
    assert "3 done" in best


def test_the_title_names_setting_and_data_set(record_of):
    text = printed([record_of()])
    assert "logreg/digits, 1 epoch of batches of 128, cpu 32-true" in text
    assert "scikit-learn's 1,797 handwritten digits" in text


def test_synthetic_data_are_called_so(record_of):
    records = [record_of(problem="logreg/reviews")]
    assert "SYNTHETIC" in printed(records)
    assert tables_as_json(records)[0]["synthetic"] is True


def test_what_did_not_finish_is_counted_with_its_reason(record_of):
    records = [
        record_of("adam", 0),
        record_of("adam", 1, status="diverged", reason="loss is nan in step 7"),
        record_of("sgd", 0, status="failed", reason="took too long"),
    ]
    text = printed(records)
    assert "1 done" in text
    assert "1 div." in text
    assert "adam: seed 1: loss is nan in step 7" in text
    assert "sgd: seed 0: took too long" in text
    assert "★" not in text  # adam diverged once, sgd has no result


def test_names_of_optimizers_stay_text(record_of):
    text = printed([record_of("adam@[red]boo[/red]")])
    assert "[red]boo[/red]" in text


def test_hyperparameters_are_those_really_used(record_of):
    text = printed([record_of("adam:lr=0.1:schedule=cosine:warmup=0.1")])
    assert "  adam lr=0.1 schedule=cosine warmup=0.1: betas=(0.9,0.999)" in text
    assert "schedule=cosine warmup=0.1" in text
    assert "maximize" not in text


def test_json_has_the_numbers_of_the_table(record_of):
    records = [record_of("adam", seed, value=v) for seed, v in enumerate((0.80, 0.82, 0.84))]
    (row,) = tables_as_json(records)
    assert row["metrics"]["val/accuracy"]["mean"] == pytest.approx(0.82)
    low, high = share_bounds(np.array([[0.80, 0.82, 0.84]]), DATASETS["digits"].sizes[1])
    assert row["metrics"]["val/accuracy"]["low_95"] == pytest.approx(low[0])
    assert row["metrics"]["val/accuracy"]["high_95"] == pytest.approx(high[0])
    assert row["metrics"]["val/accuracy"]["interval"] == "Student's t of logits"
    assert row["seeds"] == {"done": 3}
    assert row["best"] is True
    assert row["training_seconds"] == 2.0
    assert (row["optimizer_step_seconds"], row["state_bytes_per_parameter"]) == (None, None)


def test_json_has_the_optimizers_own_cost_where_records_have_it(record_of):
    records = []
    for seed, milliseconds in enumerate((1, 2, 9)):
        record = record_of(seed=seed)
        clocks = replace(record.clocks, optimizer_step=milliseconds / 1000)
        cost = Cost(state_bytes=808, parameters=100)
        records.append(replace(record, clocks=clocks, cost=cost))
    (row,) = tables_as_json(records)
    assert row["optimizer_step_seconds"] == 0.002
    assert row["state_bytes_per_parameter"] == 8.08


def test_trials_with_diagnostics_have_a_table_of_their_own(record_of):
    plain = record_of()
    looked = replace(plain, trial=replace(plain.trial, diagnostics_every=20))
    settings = [row["setting"] for row in tables_as_json([plain, looked])]
    assert settings[1] == f"{settings[0]}, diagnostics every 20 steps"
    always = replace(plain, trial=replace(plain.trial, diagnostics_every=1, log_every=1))
    (row,) = tables_as_json([always])
    assert row["setting"] == f"{settings[0]}, a loss every step, diagnostics every step"


def test_one_seed_has_no_interval(record_of):
    records = [record_of()]
    assert tables_as_json(records)[0]["metrics"]["val/loss"]["low_95"] is None
    assert "±" not in printed(records)


def test_an_interval_of_accuracies_runs_from_low_to_high_where_it_leans(record_of):
    values = [0.05 * 1.3**seed for seed in range(10)]
    records = [record_of(seed=seed, value=value) for seed, value in enumerate(values)]
    shares = Shares(examples=DATASETS["digits"].sizes[1])
    found = mean_interval([round(value, 7) for value in values], shares)
    (row,) = tables_as_json(records)
    assert row["metrics"]["val/accuracy"] == {
        "mean": found.estimate,
        "low_95": found.low,
        "high_95": found.high,
        "interval": "Student's t of logits",
    }
    text = printed(records)
    assert f"{100 * found.low:.2f}" in text
    assert f"…{100 * found.high:.2f}" in text
    assert "Student's on the logit scale" in " ".join(text.split())


def test_rows_of_different_numbers_of_seeds_are_pointed_at(record_of):
    records = [record_of("adam", seed) for seed in range(3)] + [record_of("sgd")]
    assert "Rows rest on 1 to 3 seeds" in printed(records)
    records += [record_of("sgd", 1), record_of("sgd", 2, status="diverged")]
    assert "Rows rest on" not in printed(records)


def test_equally_many_right_examples_share_the_star(record_of):
    # 150 + 154 and 151 + 153 of 180, in single precision: the sums differ in the eighth digit.
    shares = {"adam": (0.8333333134651184, 0.855555534362793)}
    shares["sgd"] = (0.8388888835906982, 0.8500000238418579)
    records = [
        replace(record, metrics={"val/accuracy": share})
        for name in shares
        for seed, share in enumerate(shares[name])
        for record in [record_of(name, seed)]
    ]
    assert [row["best"] for row in tables_as_json(records)] == [True, True]


def test_nothing_prints_nothing():
    assert printed([]) == ""


def test_evidence_adds_curves_and_verdicts(studied):
    store = studied(seeds=8, final=lambda trial: {"adam": 0.2, "sgd": 0.6}[trial.label])
    console = Console(file=io.StringIO(), width=80, highlight=False)
    print_tables(console, store.records(), gather(store))
    text = console.file.getvalue()
    adam, adam_below, adam_curve, sgd, sgd_below, sgd_curve = text.splitlines()[6:12]
    assert adam.startswith("★ adam")
    assert "ref." in adam
    assert "+170 %" in sgd  # 0.635 against 0.235
    assert not set("▲▼") & set(text)
    assert adam_below.split()[:2] == sgd_below.split()[:2] == ["as", "given"]
    assert "Nothing here is a verdict" in text
    assert "--tune 16" in text
    # From 2.0 evenly down to 0.235 and 0.635, on a logarithmic scale from 2.0 to 0.235.
    assert adam_curve.split()[0] == "█▇▅▁"
    assert sgd_curve.split()[0] == "██▆▄"


def shown(store, reference=None):
    console = Console(file=io.StringIO(), width=200, highlight=False)
    print_tables(console, store.records(), gather(store, reference))
    return console.file.getvalue()


def set_status(store, label, status, seeds=None):
    for record in store.records():
        if record.trial.label == label and record.trial.seed in (seeds or range(100)):
            store.write(Record(trial=record.trial, status=status, reason="loss is nan"))


def test_a_named_reference_of_which_a_seed_diverged_loses_that_pair(studied):
    store = studied(seeds=6, final=lambda trial: {"adam": 0.2, "sgd": 0.6}[trial.label])
    set_status(store, "adam", "diverged", seeds=[3])
    text = shown(store, "adam")
    assert "ref." in text
    comparison = tables_as_json(store.records(), gather(store, "adam"))[0]["comparison"]
    assert (comparison["pairs"], comparison["wins"]) == (6, 1)
    assert "final validation loss from adam" in " ".join(text.split())


def test_a_named_reference_without_a_result_is_said_to_be_missing(studied):
    store = studied(seeds=2)
    set_status(store, "adam", "failed")
    text = shown(store, "adam")
    assert "adam has no trial here that is done or diverged: nothing is compared" in text
    assert "vs:" not in text


def test_signs_are_explained_where_they_occur(studied):
    text = shown(studied("adam", seeds=2))
    assert "verdict" not in text
    assert "vs:" not in text  # a single optimizer has no comparison
    assert "div." not in text
    assert "★ lowest" in text


def test_a_table_with_evidence_fits_80_columns_and_cuts_nothing(studied):
    def final(trial):
        return {"adam": 1e-4, "sgd": 1.5, "momentum": 1.1}[trial.optimizer.name]

    store = studied("adam@a-long-name-that-folds,sgd,momentum", seeds=13, final=final)
    failing = store.records()[0]
    store.write(Record(trial=failing.trial, status="diverged", reason="loss is nan"))
    console = Console(file=io.StringIO(), width=80, highlight=False)
    print_tables(console, store.records(), gather(store, "momentum"))
    table = console.file.getvalue().split("handwritten digits\n")[1].split("\n  sgd: ")[0]
    assert max(len(line) for line in table.splitlines()) <= 80
    assert not re.search(r"…(\s|$)", table)  # rich's mark of a cut; before a number … means "to"
    assert "+34 %" in table, table
    assert "12 done" in table
    assert "1 div." in table


def test_json_has_the_whole_comparison(studied):
    store = studied(seeds=3, final=lambda trial: {"adam": 0.2, "sgd": 0.6}[trial.label])
    rows = tables_as_json(store.records(), gather(store))
    by_label = {row["optimizer"]: row["comparison"] for row in rows}
    assert by_label["adam"] is None
    assert "verdict" not in by_label["sgd"]
    assert by_label["sgd"]["wins"] == 0
    assert by_label["sgd"]["difference"]["estimate"] == pytest.approx(0.4)


def test_evidence_of_nothing_done_is_empty(studied):
    store = studied(seeds=1)
    for record in store.records():
        store.write(Record(trial=record.trial, status="failed", reason="took too long"))
    console = Console(file=io.StringIO(), width=80, highlight=False)
    print_tables(console, store.records(), gather(store))
    assert "1 fail" in console.file.getvalue()


def relabelled(record, label, **changes):
    optimizer = replace(record.trial.optimizer, label=label)
    return replace(record, trial=replace(record.trial, optimizer=optimizer, **changes))


ESCAPES = "\x1b[31m[red]RED[/red]\x1b]0;title\x07\x9b2J\r\n# x"


def test_a_label_neither_moves_the_cursor_nor_is_markup(record_of):
    text = printed([relabelled(record_of(), ESCAPES)], width=200)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", text)
    assert "�[31m[red]RED[/red]�]0;title��2J # x" in text


def test_the_line_of_hyperparameters_does_not_repeat_the_label(record_of):
    text = printed([record_of("sgd:lr=0.01")])
    assert "  sgd lr=0.01: weight_decay=0\n" in text


def test_files_of_model_and_data_are_named_once_above_the_table(record_of):
    digest = "0123456789ab"
    records = [relabelled(record_of(opts), opts, source=digest * 2) for opts in ("adam", "sgd")]
    text = printed(records)
    assert text.count(digest) == 1
    assert "source=" not in text


def test_a_reason_that_seeds_share_stands_once_with_a_short_path(record_of):
    reason = "ValueError: no (traceback in /a/long/way/study/key-{}/log.txt)"
    records = [
        record_of("sgd", seed, status="failed", reason=reason.format(seed)) for seed in range(3)
    ]
    text = printed(records)
    assert text.count("ValueError") == 1
    assert "sgd: seeds 0, 1, 2: ValueError: no (traceback in key-0/log.txt)" in text
    assert "/a/long" not in text


def test_json_has_no_nan_and_no_half_of_a_character(record_of):
    record = record_of(status="failed", reason="bad \udcff")
    optimizer = replace(record.trial.optimizer, hyperparameters={"lr": float("nan")})
    record = replace(record, trial=replace(record.trial, optimizer=optimizer))
    text = json.dumps(tables_as_json([record]), allow_nan=False)
    json.loads(text)
    assert "udcff" not in text


@pytest.mark.parametrize(
    ("load", "accelerator", "busy"),
    [(0.79, "cpu", 1), (0.8, "cpu", 0), (3.9, "cpu", 0), (0.1, "gpu", 0), (None, "cpu", 0)],
)
def test_seconds_of_a_busy_machine_are_pointed_at(record_of, load, accelerator, busy):
    records = [record_of(seed=seed) for seed in range(3)]
    trial = replace(records[1].trial, accelerator=accelerator)
    clocks = replace(records[1].clocks, load=load)
    records = [replace(each, trial=replace(trial, seed=each.trial.seed)) for each in records]
    records[1] = replace(records[1], clocks=clocks)
    words = "The machine was busy during 1 of 3 trials: their seconds are too long."
    assert (words in printed(records)) == bool(busy)
    (row,) = tables_as_json(records)
    assert row["busy_seeds"] == busy


def made_by(commit, **others):
    return Environment(commit=commit, **others)


@pytest.mark.parametrize(
    ("first", "second", "is_said"),
    [
        (made_by("a", cores=1), made_by("a", cores=2), False),
        (made_by("a"), made_by("b"), True),
        (made_by("a"), made_by("a", cpu="another"), True),
        (made_by("a"), made_by("b", stacked=4), False),  # a pack's seconds are in no table
    ],
)
def test_times_from_several_versions_are_pointed_at(record_of, first, second, is_said):
    adam, sgd = record_of("adam", environment=first), record_of("sgd", environment=second)
    assert ("Times are from several versions" in printed([adam, sgd])) == is_said
    elsewhere = replace(sgd, trial=replace(sgd.trial, problem="mlp/digits"))
    assert "Times are from" not in printed([adam, elsewhere])  # each table has one version


ERRORS = ("psnr", "rmse", "mae", "r2")


@pytest.mark.parametrize(
    ("width", "number"), [(60, 1), (80, 1), (95, 1), (96, 2), (112, 3), (127, 3), (128, 4)]
)
def test_a_table_has_the_first_metrics_that_fit_and_a_line_names_the_others(
    record_of, width, number
):
    names = [f"{split}/{name}" for split in ("val", "test") for name in ("loss", *ERRORS)]
    values = dict.fromkeys(["train/loss", *names], 0.5)
    records = [replace(record_of(seed=seed), metrics=values) for seed in range(2)]
    text = printed(records, width=width)
    head = text.partition("loss")[2].partition("★")[0]
    headings = [metric_of(name).heading for name in ERRORS]
    assert [heading for heading in headings if heading in head] == headings[:number]
    missing = ", ".join(headings[number:])
    words = f"This terminal has no room for {missing}: a wider one and `show --json` do."
    assert (words in " ".join(text.split())) is bool(missing)
    assert ("no room" in text) is bool(missing)


def test_five_columns_of_metrics_are_shown_at_any_width(record_of):
    for width in (60, 80, 100):
        text = printed([record_of(seed=seed) for seed in range(2)], width=width)
        assert "no room" not in text


@pytest.mark.parametrize("width", range(80, 131, 5))
def test_long_units_in_headings_cut_off_no_column(record_of, width):
    names = ("loss", "reconstruction", "kl_divergence")
    values = {f"{split}/{name}": 123.45 for split in ("val", "test") for name in names}
    records = [replace(record_of(seed=s), metrics=values | {"train/loss": 1.0}) for s in range(2)]
    row = next(line for line in printed(records, width=width).splitlines() if line[:1] == "★")
    assert row.rstrip().endswith("2 done")


@pytest.mark.parametrize("loss", [4e-4, 1.2e-5, 3e-9])
def test_a_small_loss_keeps_digits(studied, loss):
    def final(trial):
        return loss * (1 + trial.seed / 100) - 0.01 * trial.seed  # to which `studied` adds as much

    store = studied("sgd", seeds=3, final=final)
    console = Console(file=io.StringIO(), width=100, highlight=False)
    print_tables(console, store.records(), gather(store))
    assert f"{1.01 * loss:.1e}" in console.file.getvalue()
    assert "0.0000" not in console.file.getvalue()


@pytest.mark.parametrize(("spread", "is_cut"), [(0.0001, False), (0.2, True)])
def test_an_interval_that_is_cut_off_is_explained(studied, spread, is_cut):
    def final(trial):
        return 3.8 + (-1) ** trial.seed * spread - 0.01 * trial.seed

    store = studied("sgd", seeds=2, final=final, metrics=["val/loss", "val/rmse"])  # 1 − loss / 4
    console = Console(file=io.StringIO(), width=100, highlight=False)
    print_tables(console, store.records(), gather(store))
    words = " ".join(console.file.getvalue().split())
    assert ("cut off there, and printed as low … high" in words) == is_cut
