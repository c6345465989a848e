import io
from dataclasses import replace

import pytest
from rich.console import Console

from benchmark.report.evidence import gather
from benchmark.report.table import print_tables, tables_as_json
from benchmark.store import Record

METRICS = ("train/loss", "val/loss", "val/accuracy", "test/loss", "test/accuracy")


@pytest.fixture
def record_of(trials_of):
    def make(opts="adam", seed=0, status="done", value=0.5, problem="logreg/digits", **changes):
        trial = replace(trials_of(problem, opts)[0], seed=seed)
        metrics = dict.fromkeys(METRICS, value) if status == "done" else {}
        seconds = {"training": 2.0, "per_step": 0.001} if status == "done" else {}
        return Record(trial=trial, status=status, metrics=metrics, seconds=seconds, **changes)

    return make


def printed(records, width=100):
    console = Console(file=io.StringIO(), width=width, highlight=False)
    print_tables(console, records)
    return console.file.getvalue()


def test_a_row_has_means_with_their_intervals_and_the_best_is_marked(record_of):
    records = [record_of("adam", seed, value=v) for seed, v in enumerate((0.80, 0.82, 0.84))]
    records += [record_of("sgd", seed, value=0.9) for seed in range(3)]
    text = printed(records)  # loss and accuracy are alike here, and the lower loss is the best
    best = next(line for line in text.splitlines() if "★" in line)
    assert "adam" in best
    assert "82.00" in best
    assert "±4.97" in text  # Student's quantile 4.303 × 0.02 / √3
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
    assert "lr=0.1 betas=(0.9,0.999)" in text
    assert "schedule=cosine warmup=0.1" in text
    assert "maximize" not in text


def test_json_has_the_numbers_of_the_table(record_of):
    records = [record_of("adam", seed, value=v) for seed, v in enumerate((0.80, 0.82, 0.84))]
    (row,) = tables_as_json(records)
    assert row["metrics"]["val/accuracy"]["mean"] == pytest.approx(0.82)
    assert row["metrics"]["val/accuracy"]["half_width_95"] == pytest.approx(0.0497, abs=1e-4)
    assert row["seeds"] == {"done": 3}
    assert row["best"] is True
    assert row["training_seconds"] == 2.0
    assert (row["optimizer_step_seconds"], row["state_bytes_per_parameter"]) == (None, None)


def test_json_has_the_optimizers_own_cost_where_records_have_it(record_of):
    records = []
    for seed, milliseconds in enumerate((1, 2, 9)):
        record = record_of(seed=seed)
        metrics = {**record.metrics, "state_bytes": 808, "parameters": 100}
        seconds = {**record.seconds, "optimizer_step": milliseconds / 1000}
        records.append(replace(record, metrics=metrics, seconds=seconds))
    (row,) = tables_as_json(records)
    assert row["optimizer_step_seconds"] == 0.002
    assert row["state_bytes_per_parameter"] == 8.08


def test_trials_with_diagnostics_have_a_table_of_their_own(record_of):
    plain = record_of()
    looked = replace(plain, trial=replace(plain.trial, diagnostics_every=20))
    settings = [row["setting"] for row in tables_as_json([plain, looked])]
    assert settings[1] == f"{settings[0]}, diagnostics every 20 steps"


def test_one_seed_has_no_interval(record_of):
    records = [record_of()]
    assert tables_as_json(records)[0]["metrics"]["val/loss"]["half_width_95"] is None
    assert "±" not in printed(records).split("★ lowest")[0]


def test_nothing_prints_nothing():
    assert printed([]) == ""


def test_evidence_adds_curves_and_verdicts(studied):
    store = studied(seeds=8, final=lambda trial: {"adam": 0.2, "sgd": 0.6}[trial.label])
    console = Console(file=io.StringIO(), width=80, highlight=False)
    print_tables(console, store.records(), gather(store))
    text = console.file.getvalue()
    sgd, sgd_below, adam, adam_below = text.splitlines()[5:9]
    assert adam.startswith("★ adam")
    assert "ref." in adam
    assert "▼ .008" in sgd
    # From 2.0 evenly down to 0.235 and 0.635, on a logarithmic scale from 2.0 to 0.235.
    assert adam_below.split()[0] == "█▇▅▁"
    assert sgd_below.split()[0] == "██▆▄"


def test_a_table_with_evidence_fits_80_columns_and_cuts_nothing(studied):
    def final(trial):
        return {"adam": 1e-4, "sgd": 1.5, "momentum": 1.1}[trial.optimizer["name"]]

    store = studied("adam@a-long-name-that-folds,sgd,momentum", seeds=13, final=final)
    failing = store.records()[0]
    store.write(Record(trial=failing.trial, status="diverged", reason="loss is nan"))
    console = Console(file=io.StringIO(), width=80, highlight=False)
    print_tables(console, store.records(), gather(store, "momentum"))
    table = console.file.getvalue().split("handwritten digits\n")[1].split("\n  sgd: ")[0]
    assert max(len(line) for line in table.splitlines()) <= 80
    assert "…" not in table
    assert "▼ <.001" in table, table
    assert "12 done" in table
    assert "1 div." in table


def test_json_has_the_whole_comparison(studied):
    store = studied(seeds=3, final=lambda trial: {"adam": 0.2, "sgd": 0.6}[trial.label])
    rows = tables_as_json(store.records(), gather(store))
    by_label = {row["optimizer"]: row["comparison"] for row in rows}
    assert by_label["adam"] is None
    assert by_label["sgd"]["verdict"] == "too few seeds to conclude"
    assert by_label["sgd"]["wins"] == 0
    assert by_label["sgd"]["difference"]["estimate"] == pytest.approx(0.4)


def test_evidence_of_nothing_done_is_empty(studied):
    store = studied(seeds=1)
    for record in store.records():
        store.write(Record(trial=record.trial, status="failed", reason="took too long"))
    console = Console(file=io.StringIO(), width=80, highlight=False)
    print_tables(console, store.records(), gather(store))
    assert "1 fail" in console.file.getvalue()
