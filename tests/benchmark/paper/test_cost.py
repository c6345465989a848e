"""The cost of a plan, and what is left out of it."""

from dataclasses import replace

import pytest

from benchmark.paper.cases import cases_of
from benchmark.paper.cost import Pace, fitting, hours, hours_of
from benchmark.paper.plan import EXTENTS, Extent, Plan
from benchmark.paper.quantities import Costs
from benchmark.paper.rules import Changes, Variant
from benchmark.paper.rules import rules as paper_rules
from benchmark.problems import PROBLEMS
from tests.benchmark.paper.panels import EPOCHS, claim, panel, rules


def _plan(extent=EXTENTS["full"], **training):
    variants = (
        Variant(name="rates are constant", changes=Changes(schedule="constant")),
        Variant(name="training is short", changes=Changes(horizon=2)),
    )
    found = rules(claim("faster", *variants), experiment=panel(**training))
    return Plan(rules=found, cases=cases_of(found), extent=extent)


def _pace(workers=1, **given):
    return Pace(at_once=lambda _: workers, **given)


def test_a_full_plan_leaves_out_only_what_cannot_be_run():
    plan, left_out = fitting(_plan(), _pace())
    assert (len(plan.cases), left_out) == (3, [])
    plan, left_out = fitting(_plan(whitening=True), _pace())
    assert plan.cases == ()
    assert all("unknown data set 'digits_zca'" in each.reason for each in left_out)


def test_cases_are_taken_in_order_while_they_fit():
    whole = _plan()
    base = replace(whole, cases=whole.cases[:1])
    just_enough = Extent(name="some", hours=hours(base.expected(), _pace()) * 1.5)
    plan, left_out = fitting(replace(whole, extent=just_enough), _pace())
    # the variant with a shorter horizon may choose other rates, and tunes nothing more
    assert [case.variant and case.variant.name for case in plan.cases] == [
        None,
        "training is short",
    ]
    assert [each.case.variant.name for each in left_out] == ["rates are constant"]
    assert left_out[0].hours == pytest.approx(just_enough.hours / 1.5, rel=0.01)


def test_missing_data_are_the_reason_why_a_case_is_left_out():
    plan, left_out = fitting(_plan(), _pace(), [("logreg/digits", "they are lost")])
    assert plan.cases == ()
    assert [each.reason for each in left_out] == ["they are lost"] * 3


def test_packs_and_workers_shorten_a_plan():
    trials = _plan().expected()
    alone = [replace(trial, threads=2) for trial in trials]
    assert 4 < hours(alone, _pace()) / hours(trials, _pace()) < 6
    assert hours(alone, _pace(2)) == pytest.approx(hours(alone, _pace()) / 2)


def test_without_packs_less_fits():
    whole = _plan()
    trials = whole.expected()
    assert hours(trials, _pace(stack="off")) == hours(
        [replace(trial, threads=2) for trial in trials], _pace()
    )
    short = replace(whole, extent=Extent(name="some", hours=hours(trials, _pace())))
    kept = [len(fitting(short, _pace(stack=stack))[0].cases) for stack in ("auto", "off")]
    assert kept[0] == 3 > kept[1]


def test_an_hour_is_kept():
    found = Plan(rules=paper_rules(), cases=cases_of(paper_rules()), extent=EXTENTS["hour"])
    plan, left_out = fitting(found, _pace(2))
    assert 0 < hours(plan.expected(), _pace(2)) <= 1
    assert any(each.hours and each.hours > 1 for each in left_out)


def test_an_epoch_of_whitened_images_counts_as_one_of_the_images_as_they_are():
    for case in cases_of(paper_rules(), ["3"]):
        plan = Plan(rules=paper_rules(), cases=(case,), extent=EXTENTS["full"])
        trial = plan.expected()[0]
        least = trial.epochs * PROBLEMS["cnn/cifar10"].epoch_seconds / 3600
        assert hours([trial], _pace()) >= least


def test_what_is_on_record_takes_no_time_and_needs_no_data():
    whole = _plan()
    base = whole.cases[0]
    keys = {trial.key for trial in replace(whole, cases=(base,)).expected()}
    done = Costs(running=(0.1,) * EPOCHS, evaluated=0.1, epochs=EPOCHS)
    pace = _pace(known=lambda _, trial: done if trial.key in keys else None)
    rest = hours_of(whole, whole.cases, pace)

    assert hours_of(whole, [base], pace) == 0 < rest < hours_of(whole, whole.cases, _pace())
    some = replace(whole, extent=Extent(name="some", hours=rest * 1.01))
    assert fitting(some, pace)[1] == []
    assert whole.cases[1] in [each.case for each in fitting(some, _pace())[1]]
    plan, left_out = fitting(some, pace, [("logreg/digits", "they are lost")])
    assert base in plan.cases
    assert whole.cases[1] in [each.case for each in left_out]


def test_trials_of_two_devices_have_the_workers_of_each():
    trials = _plan().expected()
    on_gpu = [replace(trial, accelerator="gpu") for trial in trials]
    pace = Pace(at_once={"cpu": 4, "gpu": 1}.__getitem__)

    both = hours([*trials, *on_gpu], pace)

    assert both == pytest.approx(hours(trials, pace) + hours(on_gpu, pace))
    assert hours(trials, pace) == pytest.approx(hours(trials, _pace(4)))
    assert hours(on_gpu, pace) == pytest.approx(hours(on_gpu, _pace(1)))
