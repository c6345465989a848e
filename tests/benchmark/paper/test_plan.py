"""The trials that a plan wants, step by step."""

import math

import pytest

from benchmark.paper.bands import bands
from benchmark.paper.cases import cases_of
from benchmark.paper.evidence import evidence
from benchmark.paper.plan import EXTENTS, Plan
from benchmark.paper.rules import Changes, Variant
from tests.benchmark.paper.panels import EPOCHS, MadeUp, claim, rate, rules


def _plan(found, extent="full"):
    return Plan(rules=found, cases=cases_of(found), extent=EXTENTS[extent])


def _wanted(plan, cost):
    return list(plan.wanted(MadeUp(cost))["panel"].values())


def _near(best):
    """Return a cost that is least at a rate."""
    return lambda trial: abs(math.log10(rate(trial) / best))


def _variant(name="other", **given):
    return Variant(name=name, changes=Changes(**given))


def test_every_rate_trains_on_every_tuning_seed_first():
    trials = _wanted(_plan(rules()), lambda _: "")
    assert {trial.purpose for trial in trials} == {"tuning"}
    found = {(trial.optimizer.name, rate(trial), trial.seed) for trial in trials}
    expected = {
        (name, lr, seed)
        for name in ("adam", "sgd")
        for lr in (0.001, 0.01, 0.1)
        for seed in (10_000, 10_001)
    }
    assert (found, len(trials)) == (expected, len(expected))


def test_trials_have_the_conditions_of_the_rules():
    for trial in _wanted(_plan(rules()), lambda _: ""):
        assert trial.optimizer.schedule.kind == "1/sqrt(t)"
        assert (trial.problem, trial.l2, trial.epochs) == ("logreg/digits", 1e-4, EPOCHS)


def test_the_rate_of_least_cost_trains_on_the_evaluation_seeds():
    trials = [t for t in _wanted(_plan(rules()), _near(0.01)) if t.purpose == "evaluation"]
    assert {(rate(t), t.seed) for t in trials} == {(0.01, seed) for seed in range(3)}
    assert len(trials) == 6


def test_the_rest_of_a_grid_is_waited_for():
    def cost(trial):
        return "" if rate(trial) == 0.1 and trial.seed == 10_001 else 1.0

    assert {trial.purpose for trial in _wanted(_plan(rules()), cost)} == {"tuning"}


@pytest.mark.parametrize(
    ("best", "tried", "edge"),
    [
        (0.01, (0.001, 0.01, 0.1), ""),
        (0.1, (0.001, 0.01, 0.1, 1.0), ""),
        (1.0, (0.001, 0.01, 0.1, 1.0, 10.0), ""),
        (1e5, (0.001, 0.01, 0.1, 1.0, 10.0), "high"),
        (1e-9, (1e-5, 1e-4, 0.001, 0.01, 0.1), "low"),
    ],
)
def test_a_best_rate_at_an_end_widens_its_grid_at_most_twice(best, tried, edge):
    plan = _plan(rules())
    case = plan.cases[0]
    choice = plan.choice(case, case.series[0], MadeUp(_near(best)))
    assert choice.rates == pytest.approx(tried)
    assert choice.edge == edge


def test_a_seed_that_diverges_counts_before_any_cost():
    def cost(trial):
        return None if rate(trial) == 0.01 and trial.seed == 10_001 else _near(0.01)(trial)

    plan = _plan(rules(widenings=0))
    case = plan.cases[0]
    assert plan.choice(case, case.series[0], MadeUp(cost)).best != 0.01


def test_a_grid_that_diverges_everywhere_is_not_widened():
    plan = _plan(rules())
    case = plan.cases[0]
    choice = plan.choice(case, case.series[0], MadeUp(lambda _: None))
    assert (len(choice.rates), choice.edge) == (3, "")


def test_a_claim_at_a_fixed_rate_chooses_nothing():
    trials = _wanted(_plan(rules(claim(rate=0.1))), lambda _: "")
    assert {(t.purpose, rate(t)) for t in trials} == {("evaluation", 0.1)}


def test_other_horizons_share_the_trials_of_the_longest():
    short = claim("faster", _variant(horizon=2), _variant("early", chosen_at=1))
    trials = _wanted(_plan(rules(short)), _near(0.01))
    assert {trial.epochs for trial in trials} == {EPOCHS}
    assert len(trials) == len(_wanted(_plan(rules(claim())), _near(0.01)))


def test_shorter_trials_of_a_smaller_plan_count_and_are_not_wanted_again_at_full_length():
    short = claim("faster", _variant("longer", horizon=EPOCHS), horizon=2)

    def cost(trial):
        return _near(0.01)(trial) if trial.epochs == 2 else ""

    plan = _plan(rules(short))
    by_purpose = {(trial.purpose, trial.epochs) for trial in _wanted(plan, cost)}
    assert by_purpose == {("tuning", 2), ("evaluation", 2), ("tuning", EPOCHS)}
    assert {trial.epochs for trial in plan.expected(MadeUp(cost))} == {EPOCHS}
    chosen = {
        case.variant is None: plan.choice(case, case.series[0], MadeUp(cost)).best
        for case in plan.cases
    }
    assert chosen == {True: 0.01, False: None}
    assert [len(bands(plan, case, MadeUp(cost))) for case in plan.cases] == [2, 0]
    measured = evidence(plan, MadeUp(cost))
    assert [(each.variant, len(each.values["new"])) for each in measured] == [("", 3)]


def test_an_evaluated_cost_is_that_of_a_trial_which_ends_there():
    evaluated = _variant(cost="evaluated", horizon=2)
    trials = _wanted(_plan(rules(claim("faster", evaluated))), _near(0.01))
    assert {trial.epochs for trial in trials} == {2, EPOCHS}


def test_only_the_changed_series_of_a_variant_train_again():
    alone = _wanted(_plan(rules(claim())), _near(0.01))
    changed = claim("faster", _variant(unscheduled=("old",)))
    more = _wanted(_plan(rules(changed)), _near(0.01))
    new = {trial.key: trial for trial in more}.keys() - {trial.key for trial in alone}
    found = [trial for trial in more if trial.key in new]
    assert {(t.optimizer.name, t.optimizer.schedule.kind) for t in found} == {("sgd", "constant")}


def test_a_demo_is_short_and_of_few_seeds():
    trials = _wanted(_plan(rules(), "demo"), _near(0.01))
    assert {trial.epochs for trial in trials} == {3}
    assert {trial.seed for trial in trials} == {10_000, 0, 1}


def test_what_is_expected_lacks_the_trials_on_record():
    plan, cost = _plan(rules()), _near(0.01)
    tuned = MadeUp(lambda trial: cost(trial) if trial.purpose == "tuning" else "")
    left = plan.expected(tuned)
    assert {(trial.purpose, rate(trial)) for trial in left} == {("evaluation", 0.01)}
    assert plan.expected(MadeUp(cost)) == []
    assert len(plan.expected(MadeUp(lambda _: ""))) == len(plan.expected())


def test_what_is_expected_is_what_is_wanted_unless_a_grid_is_widened():
    plan = _plan(rules(claim("faster", _variant(l2=0.0))))
    assert len(plan.expected()) == len(_wanted(plan, _near(0.01)))
