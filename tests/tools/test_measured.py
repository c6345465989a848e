"""Numbers of the table of problems, from baselines that are written by hand."""

import math
import statistics
from dataclasses import replace

import pytest

from benchmark import baselines
from benchmark.archive import compact
from benchmark.baselines import Baselines, Setting, Slice
from benchmark.problems import PROBLEMS
from benchmark.record import Clocks, Record
from benchmark.spec import SCHEMA, Cell
from benchmark.store import Store
from optimizers.grammar import describe
from tools import make_baselines
from tools.measured import loss_at, measure

ROW = PROBLEMS["mlp/digits"]
[ADAM] = describe("adam")
[OTHER] = describe("adam:lr=0.5")
SEEDS = tuple(range(5))


def loss_of(seed, step):
    return (1 + seed) / (1 + step)


def curve(seed, steps=20):
    return [{"step": step, "val/loss": loss_of(seed, step)} for step in range(steps + 1)]


@pytest.fixture
def ship(tmp_path, monkeypatch):
    """Return a function that ships one slice of Adam; `diverged` are seeds."""
    monkeypatch.setattr(baselines, "FOLDER", tmp_path)

    def write(*, workload=ROW.workload, kind="lr", diverged=(), clocks=None, parquet=True):
        cell, store = Cell(workload=workload), Store(tmp_path / "work", "mlp-digits.lr")
        trials = [cell.trial(ADAM, seed) for seed in SEEDS]
        trials += [cell.trial(OTHER, 0), cell.trial(ADAM, 10_000, purpose="tuning")]
        for trial in trials:
            status = "diverged" if trial.seed in diverged else "done"
            own = clocks or Clocks(training=3.0 + trial.seed, evaluation=1.0, load=0.5)
            is_adam = trial.optimizer == ADAM and trial.purpose == "evaluation"
            rows = curve(trial.seed) if is_adam else [{"step": 1, "val/loss": 1e9}]
            store.add(Record(trial=trial, status=status, clocks=own), rows)
        if parquet:
            compact(store, tmp_path / f"mlp-digits.{kind}.parquet")
        setting = Setting(
            label=ADAM.label,
            hyperparameters=dict(ADAM.hyperparameters),
            tried=1,
            finalists=1,
            tunes=["lr"],
            only_rate=True,
            edge="",
            values=[],
        )
        one = Slice(
            name=f"mlp-digits.{kind}",
            kind=kind,
            schema=SCHEMA,
            workload=workload,
            seeds=list(SEEDS),
            optimizers={"adam": setting},
        )
        return Baselines(version="2026.11", slices=[one])

    return write


def test_the_target_is_the_median_seeds_loss_after_three_quarters_of_the_steps(ship):
    found = measure(ship())["mlp/digits"]
    assert found.seeds == len(SEEDS)
    middle = statistics.median(loss_of(seed, 15) for seed in SEEDS)
    assert middle <= found.target <= middle * 1.01


def test_an_epoch_takes_the_median_processor_seconds_of_training_and_evaluation(ship):
    found = measure(ship())["mlp/digits"]
    assert math.isclose(found.epoch_seconds, 0.5 * (5 + 1) / ROW.workload.epochs)


@pytest.mark.parametrize("clocks", [Clocks(), Clocks(training=1.0), Clocks(evaluation=1.0)])
def test_without_clocks_the_seconds_are_unknown(ship, clocks):
    assert measure(ship(clocks=clocks))["mlp/digits"].epoch_seconds is None


@pytest.mark.parametrize("count", range(6))
def test_diverged_seeds_count_as_worst(ship, count):
    found = measure(ship(diverged=SEEDS[:count]))["mlp/digits"]
    left = sorted(loss_of(seed, 15) for seed in SEEDS[count:])
    expected = [*left, *[math.inf] * count][2]
    assert found.target is None if expected == math.inf else found.target >= expected


@pytest.mark.parametrize(
    "others",
    [
        {"kind": "full"},
        {"workload": replace(ROW.workload, epochs=1)},
        {"workload": replace(ROW.workload, problem="mlp/unlisted")},
        {"parquet": False},
    ],
)
def test_other_slices_set_no_numbers(ship, others):
    assert measure(ship(**others)) == {}


def test_nothing_shipped_measures_nothing():
    assert measure(Baselines()) == {}


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 7, 20, 21])
def test_the_evaluation_nearest_to_the_moment_counts(steps):
    assert loss_at(curve(0, steps), 0.75) in {
        loss_of(0, math.floor(0.75 * steps)),
        loss_of(0, math.ceil(0.75 * steps)),
    }


@pytest.mark.parametrize("rows", [[], [{"step": 1}], [{"step": 1, "val/loss": math.nan}]])
def test_a_curve_without_a_loss_is_worst(rows):
    assert loss_at(rows, 0.75) == math.inf


def test_the_tool_prints_what_the_table_should_have(ship, monkeypatch, capsys):
    found = ship()
    monkeypatch.setattr(make_baselines, "read_baselines", lambda: found)
    monkeypatch.setitem(PROBLEMS, "mlp/digits", replace(ROW, target=9.0))
    assert make_baselines.main(["--targets"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(PROBLEMS)
    [line] = [each for each in lines if each.startswith("mlp/digits: target=")]
    assert line.endswith("the table has target=9.0")
