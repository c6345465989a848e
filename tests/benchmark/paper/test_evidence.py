"""From records to evidence and verdicts."""

import json

import pytest

from benchmark.paper.cases import cases_of
from benchmark.paper.evidence import CostsOnRecord, compared_costs, costs_of, evidence
from benchmark.paper.judgement import judge_paper
from benchmark.paper.plan import EXTENTS, Plan
from benchmark.paper.rules import Changes, Variant
from benchmark.store import Store
from tests.benchmark.logs import record_of
from tests.benchmark.paper.panels import EPOCHS, MadeUp, claim, rate, rules

CONSTANT = Variant(name="rates are constant", changes=Changes(schedule="constant"))
EVALUATED = Variant(name="the cost is evaluated", changes=Changes(cost="evaluated"))


def _plan(*claims, extent="full"):
    found = rules(*claims)
    return Plan(rules=found, cases=cases_of(found), extent=EXTENTS[extent])


def _cost(trial):
    """Return a cost that is least at 0.01, lower with adam, and differs a little by seed."""
    worse = 0.0 if trial.optimizer.name == "adam" else 1.0
    noise = 1e-3 * (1 + worse) * (trial.seed % 10_000)
    return 1.0 + worse + abs(rate(trial) - 0.01) + noise


def _write(store, trial, cost, status="done"):
    """Write the record of a trial with the same cost in every epoch, or in none if it diverged."""
    store.begin(trial)
    epochs = range(1, trial.epochs + 1) if status == "done" else ()
    rows = [
        {"step": 3 * epoch, "epoch": float(epoch), "train/running_loss": cost, "lr": 0.1}
        for epoch in epochs
    ]
    path = store.trial_folder(trial) / "metrics.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    store.write(record_of(trial, status, metrics={"train/loss": cost / 2}))


def _run(plan, store, cost=_cost, status=lambda trial: "done"):
    known = CostsOnRecord({"panel": store})
    while True:
        missing = [t for t in plan.wanted(known)["panel"].values() if not store.record(t)]
        if not missing:
            return known
        for trial in missing:
            _write(store, trial, cost(trial), status(trial))


def test_records_give_the_verdict_of_their_costs(tmp_path):
    plan = _plan(claim("faster", CONSTANT, EVALUATED))
    found = evidence(plan, _run(plan, Store(tmp_path, "panel")))
    assert [each.variant for each in found] == ["", CONSTANT.name, EVALUATED.name]
    assert found[0].values["new"] == pytest.approx({0: 1.0, 1: 1.001, 2: 1.002})
    assert found[2].values["new"] == pytest.approx({0: 0.5, 1: 0.5005, 2: 0.501})
    assert {each.epochs for each in found} == {EPOCHS}
    assert [each.words for each in judge_paper(plan.rules, found)] == ["holds"]


def test_a_short_demo_decides_nothing(tmp_path):
    plan = _plan(claim(), extent="demo")
    [verdict] = judge_paper(plan.rules, evidence(plan, _run(plan, Store(tmp_path, "panel"))))
    assert verdict.words == "not testable with this horizon (3 of 4 epochs)"


SHORT = Variant(name="training is short", changes=Changes(horizon=2))


@pytest.mark.parametrize(
    ("others", "words"),
    [
        ((claim("another", SHORT),), "not testable with this horizon (2 of 4 epochs)"),
        ((claim("another", CONSTANT),), "not testable without runs"),  # of other conditions
    ],
)
def test_a_claim_with_shorter_trials_only_says_how_far_it_was_carried_out(others, words):
    plan = _plan(claim(), *others)
    known = MadeUp(lambda trial: _cost(trial) if trial.epochs == 2 else "")
    verdicts = {each.claim.name: each for each in judge_paper(plan.rules, evidence(plan, known))}
    assert verdicts["faster"].words == words
    if SHORT in others[0].variants:
        assert verdicts["another"].variants[0].measured


def test_how_far_a_claim_was_carried_out_needs_all_of_its_series():
    plan = _plan(claim(), claim("another", SHORT))
    known = MadeUp(lambda t: 1.0 if t.epochs == 2 and t.optimizer.name == "adam" else "")
    verdicts = judge_paper(plan.rules, evidence(plan, known))
    assert verdicts[0].words == "not testable without runs"


def test_how_far_a_claim_was_carried_out_does_not_depend_on_what_else_is_asked_for():
    both = rules(claim(), claim("another", SHORT))
    plan = Plan(rules=both, cases=cases_of(both, claims=["faster"]), extent=EXTENTS["full"])
    known = MadeUp(lambda trial: _cost(trial) if trial.epochs == 2 else "")
    [found] = evidence(plan, known)
    assert (found.claim, found.epochs) == ("faster", 2)


def test_few_seeds_of_a_demo_decide_nothing(tmp_path):
    plan = _plan(claim(horizon=2), extent="demo")
    [verdict] = judge_paper(plan.rules, evidence(plan, _run(plan, Store(tmp_path, "panel"))))
    assert verdict.words == "not testable with 2 seeds (3 declared)"


def test_a_choice_before_its_horizon_decides_nothing(tmp_path):
    plan = _plan(claim(horizon=2, chosen_at=4), extent="demo")
    [verdict] = judge_paper(plan.rules, evidence(plan, _run(plan, Store(tmp_path, "panel"))))
    assert verdict.words == "not testable with this horizon (3 of 4 epochs)"


@pytest.mark.parametrize(("status", "values"), [("diverged", {0: None}), ("failed", {})])
def test_divergence_is_the_worst_value_and_failure_none(tmp_path, status, values):
    def of(trial):
        is_it = trial.optimizer.name == "adam" and trial.seed == 0
        return status if is_it else "done"

    plan = _plan()
    [found] = evidence(plan, _run(plan, Store(tmp_path, "panel"), status=of))
    assert found.values["new"] == pytest.approx(values | {1: 1.001, 2: 1.002})


def test_a_best_rate_at_the_end_of_a_widened_grid_is_noted():
    plan = _plan()
    [found] = evidence(plan, MadeUp(lambda trial: rate(trial)))
    assert found.at_edge == ("new", "old")


def test_a_claim_without_any_result_has_no_evidence():
    assert evidence(_plan(), MadeUp(lambda _: "")) == []


def test_skipped_trials_have_no_costs(tmp_path):
    store = Store(tmp_path, "panel")
    trial = next(iter(_plan().wanted(lambda *_: None)["panel"].values()))
    assert costs_of(store, trial) is None
    store.write(record_of(trial, "skipped", "no GPU"))
    assert costs_of(store, trial) is None


def test_the_compared_costs_are_those_of_the_evaluation_seeds_at_the_chosen_rate():
    plan = _plan(claim())
    [case] = plan.cases

    def cost(trial):
        is_lost = trial.purpose == "evaluation" and trial.seed == 1
        return None if is_lost else _cost(trial)

    first, second = case.series
    assert compared_costs(plan, case, first, MadeUp(cost)) == [1.0, None, pytest.approx(1.002)]
    assert compared_costs(plan, case, second, MadeUp(_cost)) == pytest.approx([2.0, 2.002, 2.004])
    assert compared_costs(plan, case, first, MadeUp(lambda _: "")) == []
