"""Costs by learning rate."""

import math

import pytest

from benchmark.paper.cases import cases_of
from benchmark.paper.plan import EXTENTS, Plan
from benchmark.paper.rate_curves import printed_at, printed_cost, rate_curves
from benchmark.paper.rules import rules as paper_rules
from tests.benchmark.paper.panels import MadeUp, claim, panel, rate, rules


def _curves(found, cost):
    plan = Plan(rules=found, cases=cases_of(found), extent=EXTENTS["full"])
    return rate_curves(plan, plan.cases[0], MadeUp(cost))


def test_a_curve_has_the_costs_of_its_grid_and_the_seeds_at_the_chosen_rate():
    def cost(trial):
        if rate(trial) == 0.1:
            return None  # diverged
        return abs(math.log10(rate(trial) / 0.01)) + trial.seed / 1e6

    [new, old] = _curves(rules(claim(), experiment=panel()), cost)
    assert (new.series.name, old.series.name) == ("new", "old")
    assert new.costs == pytest.approx({0.001: 1.0100005, 0.01: 0.0100005})
    assert (new.diverged, new.best, new.printed) == ((0.1,), 0.01, None)
    assert sorted(new.compared) == pytest.approx([0.0, 1e-6, 2e-6])


def test_there_is_no_curve_before_a_rate_is_chosen_nor_for_a_fixed_rate():
    assert _curves(rules(claim()), lambda _: "") == []
    assert _curves(rules(claim(rate=0.1)), lambda _: 1.0) == []


def test_the_printed_cost_is_that_of_the_epoch_and_the_rate():
    [experiment] = [each for each in paper_rules().experiments if each.name == "fig4"]
    names = experiment.by_name["corrected β1=0.9 β2=0.9999"].published
    assert printed_at(names, 100, 1e-3) == 99.0438
    assert printed_at(names, 10, 1e-3) == 106.842
    assert printed_at(names, 10, 3e-5) is None
    assert printed_at(names, 50, 1e-3) is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("fig1-mnist-similar", [0.25614, 0.264265]),  # means over epochs 41 to 45
        ("fig4-unstable", [99.0438, 111.088]),  # in epoch 100, at the rate of the claim
        ("fig4-equal-or-better", [110.482, 110.975]),  # in epoch 10, the lowest of their curves
        ("fig2b-iterations", [5.77092e-06, 3.98832e-05]),
    ],
)
def test_the_printed_cost_of_a_claim_is_at_its_horizon(name, expected):
    found = paper_rules()
    plan = Plan(rules=found, cases=cases_of(found, claims=[name]), extent=EXTENTS["full"])
    case = plan.cases[0]
    costs = [printed_cost(plan, case, each) for each in case.series[:2]]
    assert costs == pytest.approx(expected, rel=1e-5)
    short = Plan(rules=found, cases=plan.cases, extent=EXTENTS["demo"])
    assert printed_cost(short, case, case.series[0]) != costs[0]
