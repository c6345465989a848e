"""The cost of a plan, and what is left out of it."""

from dataclasses import replace

import pytest

from benchmark.paper.cost import fitting, hours
from benchmark.paper.plan import EXTENTS, Extent, Plan, cases_of
from benchmark.paper.rules import Changes, Variant
from benchmark.paper.rules import rules as paper_rules
from benchmark.problems import PROBLEMS
from tests.benchmark.paper.panels import claim, panel, rules


def _plan(extent=EXTENTS["full"], **training):
    variants = (
        Variant(name="rates are constant", changes=Changes(schedule="constant")),
        Variant(name="training is short", changes=Changes(horizon=2)),
    )
    found = rules(claim("faster", *variants), experiment=panel(**training))
    return Plan(rules=found, cases=cases_of(found), extent=extent)


def test_a_full_plan_leaves_out_only_what_cannot_be_run():
    plan, left_out = fitting(_plan(), 1)
    assert (len(plan.cases), left_out) == (3, [])
    plan, left_out = fitting(_plan(whitening=True), 1)
    assert plan.cases == ()
    assert all("unknown data set 'digits_zca'" in each.reason for each in left_out)


def test_cases_are_taken_in_order_while_they_fit():
    whole = _plan()
    base = replace(whole, cases=whole.cases[:1])
    just_enough = Extent(name="some", hours=hours(base.expected(), 1) * 1.5)
    plan, left_out = fitting(replace(whole, extent=just_enough), 1)
    # the variant with a shorter horizon may choose other rates, and tunes nothing more
    assert [case.variant and case.variant.name for case in plan.cases] == [
        None,
        "training is short",
    ]
    assert [each.case.variant.name for each in left_out] == ["rates are constant"]
    assert left_out[0].hours == pytest.approx(just_enough.hours / 1.5, rel=0.01)


def test_missing_data_are_the_reason_why_a_case_is_left_out():
    plan, left_out = fitting(_plan(), 1, [("logreg/digits", "they are lost")])
    assert plan.cases == ()
    assert [each.reason for each in left_out] == ["they are lost"] * 3


def test_packs_and_workers_shorten_a_plan():
    trials = _plan().expected()
    alone = [replace(trial, threads=2) for trial in trials]
    assert 4 < hours(alone, 1) / hours(trials, 1) < 6
    assert hours(alone, 2) == pytest.approx(hours(alone, 1) / 2)


def test_without_packs_less_fits():
    whole = _plan()
    trials = whole.expected()
    assert hours(trials, 1, "off") == hours([replace(trial, threads=2) for trial in trials], 1)
    short = replace(whole, extent=Extent(name="some", hours=hours(trials, 1)))
    kept = [len(fitting(short, 1, stack=stack)[0].cases) for stack in ("auto", "off")]
    assert kept[0] == 3 > kept[1]


def test_an_hour_is_kept():
    found = Plan(rules=paper_rules(), cases=cases_of(paper_rules()), extent=EXTENTS["hour"])
    plan, left_out = fitting(found, 2)
    assert 0 < hours(plan.expected(), 2) <= 1
    assert any(each.hours and each.hours > 1 for each in left_out)


def test_an_epoch_of_whitened_images_counts_as_one_of_the_images_as_they_are():
    for case in cases_of(paper_rules(), ["3"]):
        plan = Plan(rules=paper_rules(), cases=(case,), extent=EXTENTS["full"])
        trial = plan.expected()[0]
        least = trial.epochs * PROBLEMS["cnn/cifar10"].epoch_seconds / 3600
        assert hours([trial], 1) >= least
