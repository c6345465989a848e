"""The tuned protocol on losses that are formulas of the learning rate: nothing is trained."""

import itertools
import math
import random
from dataclasses import replace

import pytest
import torch

from benchmark.metrics import CHOOSING
from benchmark.protocols.tuned import MOST_WIDENINGS, TUNING_SEEDS, Tuned
from benchmark.record import Record
from benchmark.spec import Cell, Workload
from benchmark.study import Study
from optimizers.grammar import describe_tunables
from tests.grids import taking_turns

CELL = Cell(
    workload=Workload(problem="mlp/digits", model="mlp", dataset="digits", epochs=1, batch_size=128)
)


def tuned(opts="sgd,adam", budget=8, seeds=(0, 1, 2), **others):
    tunables = tuple(describe_tunables(opts))
    return Tuned(tunables=tunables, budget=budget, seeds=seeds, **others)


def valley(best, noise=0.0):
    """Return a loss with its minimum at the rate `best`; above 10,000 times that it diverges."""

    def loss(trial):
        distance = math.log10(trial.optimizer.hyperparameters["lr"] / best)
        shift = noise * math.sin(trial.seed)
        return None if distance > 4 else 1 + distance**2 + shift

    return loss


def complete(protocol, loss, cell=CELL):
    """Run the protocol to its end; return all its trials and the batches they came in."""
    records, batches = {}, []
    while True:
        stage = protocol.stage(cell, lambda trial: records.get(trial.key))
        new = [trial for trial in stage.trials if trial.key not in records]
        if not new:
            assert stage.is_last
            return list(stage.trials), batches, records
        batches.append((stage.doing, new))
        for trial in new:
            value = loss(trial)
            records[trial.key] = Record(
                trial=trial,
                status="done" if value is not None else "diverged",
                metrics={} if value is None else {"val/loss": value},
            )


def searches(protocol, records):
    return protocol.searches(CELL, lambda trial: records.get(trial.key))


def test_every_optimizer_tries_as_many_points_and_is_evaluated_on_fresh_seeds_alone():
    trials, batches, records = complete(tuned(), valley(1e-2))
    assert [doing for doing, _ in batches] == ["tuning", "tuning", "evaluation"]
    assert {t.seed for t in trials if t.purpose == "tuning"} == set(TUNING_SEEDS)
    evaluated = [t for t in trials if t.purpose == "evaluation"]
    assert {t.seed for t in evaluated} == {0, 1, 2}
    assert len(evaluated) == 2 * 3
    found = searches(tuned(), records)
    assert [len(search.points) for search in found] == [8, 8]
    assert [len(search.finalists) for search in found] == [2, 2]
    assert [search.edge for search in found] == ["", ""]
    for search in found:
        assert math.isclose(search.chosen.hyperparameters["lr"], 1e-2, rel_tol=0.9)


def test_the_first_point_has_the_defaults():
    [first, *_] = searches(tuned("adam"), {})[0].points
    assert first == tuned("adam").tunables[0].defaults()


@pytest.mark.parametrize("best", [1e-6, 3e-6, 3e-5, 1e-3, 1e-1, 2.0, 50.0])
def test_an_edge_is_widened_and_the_others_get_as_many_points(best):
    protocol = tuned("sgd,adam,lion", budget=8)
    _, _, records = complete(protocol, valley(best))
    found = searches(protocol, records)
    numbers = {len(search.points) for search in found}
    assert len(numbers) == 1
    assert numbers <= {8, 12, 16}
    for search in found:
        if search.edge:
            assert numbers == {8 + MOST_WIDENINGS * 4}
        else:
            rates = [spec.hyperparameters["lr"] for spec in search.points]
            assert min(rates) < search.chosen.hyperparameters["lr"] < max(rates)


def test_a_rate_beyond_which_trials_diverged_is_no_edge():
    def loss(trial):
        rate = trial.optimizer.hyperparameters["lr"]
        return None if rate > 0.1 else 1 / rate

    protocol = tuned("sgd", budget=8)
    _, _, records = complete(protocol, loss)
    [search] = searches(protocol, records)
    assert search.edge == ""
    assert len(search.points) == 8


def test_a_best_rate_beyond_two_widenings_stays_an_edge():
    protocol = tuned("adam", budget=4)
    _, _, records = complete(protocol, lambda trial: 1 / trial.optimizer.hyperparameters["lr"])
    [search] = searches(protocol, records)
    assert search.edge == "high"


def widenings(protocol, loss):
    """Run the protocol to its end; return what its stages said, each line once, and the end."""
    records, said = {}, {}
    while True:
        stage = protocol.stage(CELL, lambda trial: records.get(trial.key))
        said |= dict.fromkeys(stage.widened)
        new = [trial for trial in stage.trials if trial.key not in records]
        if not new:
            return list(said), stage.widened
        for trial in new:
            records[trial.key] = Record(
                trial=trial, status="done", metrics={"val/loss": loss(trial)}
            )


def test_the_reason_for_more_points_than_the_budget_is_said_until_a_setting_is_chosen():
    def opposite(trial):
        rate = trial.optimizer.hyperparameters["lr"]
        return rate if trial.optimizer.name == "sgd" else 1 / rate

    said, last = widenings(tuned("sgd,adam,lion", budget=4), opposite)
    assert said == [
        "mlp/digits: the best learning rate of adam and lion was the highest tried, of sgd was the "
        "lowest tried, so the range grows by a decade there, and every optimizer tries "
        f"{number + 2} points in place of {number}"
        for number in (4, 6)
    ]
    assert last == ()
    assert widenings(tuned(), valley(1e-2)) == ([], ())


def rates_of(search):
    [own] = [each.name for each in search.tunable.space.ranges]
    return [spec.hyperparameters[own] for spec in search.points]


@pytest.mark.parametrize("lucky", [1, 2])
def test_a_rate_that_is_at_an_edge_by_its_mean_alone_is_widened(lucky):
    tops = sorted(rates_of(searches(tuned(), {})[0]), reverse=True)

    def loss(trial):
        rate = trial.optimizer.hyperparameters["lr"]
        if trial.optimizer.name == "adam":
            return valley(1e-2)(trial)
        is_lucky = trial.seed == TUNING_SEEDS[0] and rate == tops[lucky]
        return valley(20.0)(trial) - 2.9 * is_lucky  # the best on the first seed alone

    _, batches, records = complete(tuned(), loss)
    sgd, adam = searches(tuned(), records)
    assert [doing for doing, _ in batches][:3] == ["tuning"] * 3  # points, finalists, points
    assert len(sgd.points) == len(adam.points) > 8
    assert sgd.chosen.hyperparameters["lr"] > tops[0]
    assert (sgd.edge, adam.edge) == ("", "")
    assert set(sgd.finalists) <= set(sgd.repeated)


def test_an_outcome_holds_the_trials_of_all_points_on_the_first_tuning_seed():
    study = Study(name="s", workloads=(CELL.workload,), tuned=tuned())
    trials, _, records = complete(study.tuned, valley(30.0))
    found = study.protocol.stage(CELL, lambda trial: records.get(trial.key)).chosen
    first = {t.key for t in trials if (t.purpose, t.seed) == ("tuning", TUNING_SEEDS[0])}
    assert [len(each.points) for each in found] == [each.tried for each in found]
    assert {key for each in found for key in each.points} == first


THREE, OTHER_RANGE = "sgd,adam,lion", "sgd,adam:lr=0.6..0.99"
# The best rate lies below the ranges, above them, and inside.
QUICK_CASES = {(THREE, 1), (OTHER_RANGE, 2), (THREE, 9)}


@pytest.mark.one_in(6)
@pytest.mark.parametrize(
    ("opts", "seed"),
    [
        pytest.param(*case, marks=() if case in QUICK_CASES else pytest.mark.slow)
        for case in itertools.product((THREE, OTHER_RANGE), range(12))
    ],
)
def test_later_results_never_change_an_earlier_decision(opts, seed):
    best = 10.0 ** random.Random(seed).uniform(-6, 2)

    def loss(trial):
        noise = random.Random(f"{seed} {trial.key}").gauss(0, 0.5)
        value = valley(best)(trial)
        return None if value is None else value + noise

    protocol = tuned(opts)
    trials, batches, records = complete(protocol, loss)
    assert {trial.key for trial in trials} == records.keys()  # what decided stays in the study
    found = searches(protocol, records)
    assert len({len(search.points) for search in found}) == 1
    assert len({len(search.finalists) for search in found}) == 1
    if any(search.edge for search in found):
        assert len(found[0].points) == 8 + MOST_WIDENINGS * 4
    known = {}
    for _, batch in batches:
        known |= {trial.key: records[trial.key] for trial in batch}
        partly = searches(protocol, known)
        for early, late in zip(partly, found, strict=True):
            assert late.points[: len(early.points)] == early.points
    for key in records:  # a lost result is asked for again, and nothing that is new
        rest = {each: record for each, record in records.items() if each != key}
        stage = protocol.stage(CELL, lambda trial, rest=rest: rest.get(trial.key))
        assert {trial.key for trial in stage.trials} - rest.keys() == {key}


@pytest.mark.one_in(5)
@taking_turns(
    ("opts", "sign"),
    [
        "adadelta:lr=0.6..0.99",
        "sgd:lr=1e-3..1",
        f"{__name__}.Wrapper:optimizer=sgd:optimizer.lr=1e-3..1",
        f"{__name__}.Wrapper:optimizer=sgd:optimizer.lr=0.6..0.99",
    ],
    [1, -1],
)
def test_edges_are_judged_by_any_range_of_a_learning_rate(opts, sign):
    protocol = tuned(opts)
    [own] = [each.name for each in protocol.tunables[0].space.ranges]
    _, _, records = complete(protocol, lambda t: t.optimizer.hyperparameters[own] ** sign)
    [search] = searches(protocol, records)
    assert len(search.points) == 8 + MOST_WIDENINGS * 4
    assert search.edge == ("low" if sign > 0 else "high")
    first, end = rates_of(search)[:8], search.chosen.hyperparameters[own]
    assert end < min(first) / 10 if sign > 0 else end > max(first) * 10


class Wrapper(torch.optim.Optimizer):
    """An optimizer that wraps another one and has no learning rate of its own."""

    def __init__(self, optimizer, alpha=0.5):
        self.optimizer = optimizer
        super().__init__(optimizer.param_groups, {"alpha": alpha})


def test_what_is_chosen_has_the_best_mean_over_the_tuning_seeds_and_no_diverged_one():
    def loss(trial):
        rate = trial.optimizer.hyperparameters["lr"]
        if rate == 0.1 and trial.seed == TUNING_SEEDS[1]:
            return None  # the best on the first seed diverges on the second
        return abs(math.log10(rate / 0.1)) + 1

    protocol = tuned("sgd", budget=8)
    _, _, records = complete(protocol, loss)
    [search] = searches(protocol, records)
    assert 0.1 in [spec.hyperparameters["lr"] for spec in search.finalists]
    assert search.chosen.hyperparameters["lr"] != 0.1


def test_if_everything_diverges_the_defaults_are_evaluated():
    protocol = tuned("sgd", budget=4)
    _, _, records = complete(protocol, lambda trial: None)
    [search] = searches(protocol, records)
    assert search.chosen == protocol.tunables[0].defaults()
    assert search.edge == ""


def test_a_smaller_budget_is_a_prefix_of_a_larger_one():
    small, large = (searches(tuned("adam", budget=b), {})[0].points for b in (4, 16))
    assert large[:4] == small


def test_trials_that_are_skipped_end_the_study_without_an_evaluation():
    protocol, records = tuned("sgd", budget=2), {}
    for trial in protocol.stage(CELL, records.get).trials:
        records[trial.key] = Record(trial=trial, status="skipped", reason="no GPU")
    stage = protocol.stage(CELL, lambda trial: records.get(trial.key))
    assert all(trial.key in records for trial in stage.trials)
    assert not stage.is_last


def test_a_failed_trial_counts_as_worst_and_the_protocol_is_asked_again():
    protocol = tuned("sgd", budget=4)
    trials, _, records = complete(protocol, valley(0.1))
    first = trials[0]
    records[first.key] = replace(records[first.key], status="failed", reason="x", metrics={})
    stage = protocol.stage(CELL, lambda trial: records.get(trial.key))
    assert stage.doing == "evaluation"
    assert not stage.is_last


@pytest.mark.one_in(2)
@taking_turns(("opts", "budget"), ("sgd,adam", "sgd,adam,lion,momentum"), (4, 8, 16))
def test_the_forecast_of_later_trials_is_their_mean_over_all_places_of_the_best_rate(opts, budget):
    protocol = tuned(opts, budget=budget, seeds=tuple(range(10)))
    first = protocol.stage(CELL, lambda _: None)
    draw = random.Random(0).uniform
    found = []
    for _ in range(20):
        best = {each.name: 10 ** draw(*ends_of(each)) for each in protocol.tunables}
        trials, _, _ = complete(protocol, lambda t, at=best: valley(at[t.optimizer.name])(t))
        found.append(len(trials))
    forecast = len(first.trials) + first.later
    assert forecast == pytest.approx(sum(found) / len(found), rel=0.2)


def ends_of(tunable):
    """Return the ends of the range of the learning rate as powers of ten."""
    [rates] = tunable.space.ranges
    return math.log10(rates.low), math.log10(rates.high)


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("metric", CHOOSING)
def test_the_margin_is_of_the_metric_that_decides_whichever_chooses(metric, count):
    protocol = tuned("sgd", budget=4, metric=metric, tuning_seeds=TUNING_SEEDS[:count])
    draw = random.Random(count).uniform
    records = {}
    while new := [
        trial
        for trial in protocol.stage(CELL, lambda trial: records.get(trial.key)).trials
        if trial.key not in records
    ]:
        for trial in new:
            values = {name: draw(10.0**i, 2 * 10.0**i) for i, name in enumerate(CHOOSING)}
            records[trial.key] = Record(trial=trial, status="done", metrics=values)
    [chosen] = protocol.stage(CELL, lambda trial: records.get(trial.key)).chosen
    asked = Study(name="s", workloads=(CELL.workload,), tuned=protocol).declaration()
    tuning = [r for r in records.values() if r.trial.purpose == "tuning"]
    own = [r for r in tuning if r.trial.optimizer == chosen.optimizer]
    assert asked.choosing == metric
    assert chosen.values == [r.metrics[asked.confirmatory] for r in own]
    assert len(chosen.values) == count


def test_other_values_of_a_higher_metric_are_better():
    protocol = tuned("sgd", budget=8, metric="val/accuracy")
    records = {}
    while new := [
        t
        for t in protocol.stage(CELL, lambda trial: records.get(trial.key)).trials
        if t.key not in records
    ]:
        for t in new:
            value = -abs(math.log10(t.optimizer.hyperparameters["lr"]))
            records[t.key] = Record(trial=t, status="done", metrics={"val/accuracy": value})
    [search] = searches(protocol, records)
    assert search.chosen.hyperparameters["lr"] == 1.0
