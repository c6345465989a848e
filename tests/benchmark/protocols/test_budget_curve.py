"""What smaller budgets would have chosen, on losses that are formulas: nothing is trained."""

import math
import random
import statistics

import pytest

from benchmark.protocols.tuned import budgets_up_to
from tests.benchmark.protocols.test_tuned import CELL, complete, searches, tuned, valley
from tests.grids import taking_turns

SEEDS = (0, 1, 2)


def rough(best, seed, diverging=0.1):
    """Return a valley with a draw for each trial, some of which diverge."""
    smooth = valley(best)

    def loss(trial):
        draw = random.Random(f"{seed} {trial.key.rpartition('-')[2]}")
        value = smooth(trial)
        return None if value is None or draw.random() < diverging else value + draw.random()

    return loss


def choice(points, values):
    """Return what a search with these points would choose: the rule of the protocol, anew."""

    def cost(spec, seeds):
        known = [values[spec, seed] for seed in seeds]
        finite = [value for value in known if value < math.inf]
        return len(known) - len(finite), math.fsum(finite)

    first, *others = sorted({seed for _, seed in values})
    ranked = sorted(points, key=lambda spec: cost(spec, [first]))
    finalists = ranked[: math.ceil(len(points) / 4)]
    return min(finalists, key=lambda spec: cost(spec, [first, *others]))


def tuning_values(records):
    return {
        (r.trial.optimizer, r.trial.seed): r.metrics.get("val/loss", math.inf)
        for r in records.values()
        if r.trial.purpose == "tuning"
    }


BEST = (1e-2, 30.0)  # the second one is beyond the ranges


@pytest.mark.one_in(3)
@taking_turns(
    ("sampler", "budget", "best", "seed"), ("halton", "random"), (1, 2, 6, 8, 16), BEST, range(3)
)
def test_each_budget_chooses_what_a_search_of_its_points_would(sampler, budget, best, seed):
    loss = rough(best, seed)
    protocol = tuned(budget=budget, sampler=sampler, budget_curve=True)
    trials, _, records = complete(protocol, loss)
    values = tuning_values(records)
    outcomes = protocol.stage(CELL, lambda trial: records.get(trial.key)).chosen
    for search, outcome in zip(searches(protocol, records), outcomes, strict=True):
        assert [each.budget for each in outcome.by_budget] == budgets_up_to(budget)
        for each in outcome.by_budget:
            chosen = records[each.trial].trial.optimizer
            assert chosen == choice(search.points[: each.budget], values)
            evaluated = {t.seed for t in trials if t.optimizer == chosen and t.purpose != "tuning"}
            assert evaluated == set(SEEDS)


@taking_turns(("best", "seed"), BEST, range(3))
def test_a_curve_adds_trials_and_changes_nothing_else(best, seed):
    plain, curved = tuned(budget=8), tuned(budget=8, budget_curve=True)
    before, _, old = complete(plain, rough(best, seed))
    after, _, new = complete(curved, rough(best, seed))
    assert set(before) <= set(after)
    more = [trial for trial in after if trial not in set(before)]
    assert {trial.purpose for trial in more} <= {"budget", "tuning"}
    chosen = [search.chosen for search in searches(plain, old)]
    assert [search.chosen for search in searches(curved, new)] == chosen
    assert all(t.optimizer not in chosen for t in more if t.purpose == "budget")


def test_without_a_curve_no_outcome_has_choices_of_smaller_budgets():
    protocol = tuned(budget=8)
    trials, _, records = complete(protocol, valley(1e-2))
    stage = protocol.stage(CELL, lambda trial: records.get(trial.key))
    assert all(not outcome.by_budget for outcome in stage.chosen)
    assert {trial.purpose for trial in trials} == {"tuning", "evaluation"}


def test_an_optimizer_without_anything_to_tune_has_one_budget():
    protocol = tuned("sgd:lr=0.1,adam", budget=4, budget_curve=True)
    _, _, records = complete(protocol, valley(1e-2))
    stage = protocol.stage(CELL, lambda trial: records.get(trial.key))
    found = [[each.budget for each in outcome.by_budget] for outcome in stage.chosen]
    assert found == [[1], [1, 2, 4]]


@pytest.mark.parametrize("studies", [20, pytest.param(60, marks=pytest.mark.slow)])
def test_points_in_random_order_need_as_many_trials_as_the_forecast_says(studies):
    """The forecast: half of the doublings of the budget change the choice."""

    def lot(seed):  # values that depend on no hyperparameter: all orders are equally likely
        return lambda trial: random.Random(f"{seed} {trial.optimizer.text}").random()

    protocol, extra = tuned("sgd,adam", budget=16, budget_curve=True), []
    for seed in range(studies):
        trials, _, _ = complete(protocol, lot(seed))
        extra.append(sum(trial.purpose == "budget" for trial in trials))
    with_curve = protocol.stage(CELL, lambda _: None).later
    forecast = with_curve - tuned("sgd,adam", budget=16).stage(CELL, lambda _: None).later
    assert forecast == 2 * 3 * 4 // 2
    assert statistics.fmean(extra) == pytest.approx(forecast, rel=0.35)  # widening adds some
