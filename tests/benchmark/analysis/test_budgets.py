"""Results by budget, from studies that the real protocol completes with formulas for losses."""

import json
import math
import statistics
from dataclasses import replace

import pytest

from benchmark.analysis.intervals import mean_interval
from benchmark.analysis.judging import judgement_of
from benchmark.analysis.searches import searches_of
from benchmark.analysis.summary import evaluated
from benchmark.complete import complete
from benchmark.declaration import FILE, read_declaration
from benchmark.launchers import Limits
from benchmark.report.budgets import budget_sentences, budget_table
from benchmark.report.document import write_document
from benchmark.report.kept import verdicts_in
from benchmark.report.page.build import build
from benchmark.request import Request
from benchmark.store import Store
from tests.plugins.formulas import Formulas


def run(tmp_path, *, study="s", curve=True, **others):
    request = Request(
        problems=("logreg/digits",),
        **{"opts": "adam,sgd", "tune": 8, "seeds": 5} | others,
        budget_curve=curve,
        reuse_baselines=False,
    )
    store = Store(tmp_path, study)
    complete(request, store, Formulas(Limits()))
    return store


def judged(store):
    return judgement_of(read_declaration(store.folder), store.records())


@pytest.fixture
def curved(tmp_path):
    return run(tmp_path)


def test_each_result_is_the_mean_over_the_evaluation_seeds(curved):
    records = curved.records()
    for entrant in judged(curved).entrants:
        assert [one.budget for one in entrant.by_budget] == [1, 2, 4, 8]
        for one in entrant.by_budget:
            values = [
                r.metrics["val/loss"]
                for r in records
                if r.trial.optimizer == one.spec and r.trial.purpose != "tuning"
            ]
            interval = mean_interval(values)
            assert (one.seeds, one.diverged) == (5, 0)
            assert math.isclose(one.mean, statistics.fmean(values))
            assert (one.low, one.high) == pytest.approx((interval.low, interval.high))


def test_the_whole_budget_has_the_result_that_is_compared(curved):
    for entrant in judged(curved).entrants:
        compared = statistics.fmean(entrant.values("val/loss").values())
        assert entrant.by_budget[-1].spec == entrant.spec
        assert math.isclose(entrant.by_budget[-1].mean, compared)


def test_a_curve_changes_no_verdict_and_no_table(tmp_path):
    plain, curved = run(tmp_path, study="plain", curve=False), run(tmp_path, study="curved")
    without, with_curve = (judged(store) for store in (plain, curved))
    assert with_curve.verdicts == without.verdicts
    assert [e.label for e in with_curve.entrants] == [e.label for e in without.entrants]
    keys = [{r.trial.key for r in evaluated(store.records())} for store in (plain, curved)]
    assert keys[0] == keys[1]
    assert all(not entrant.by_budget for entrant in without.entrants)
    assert budget_table(without) == ""
    assert budget_sentences(without) == []
    assert "budget_curve" not in (plain.folder / FILE).read_text()
    assert "by_budget" not in (plain.folder / FILE).read_text()


def test_a_budget_has_one_unit_for_the_numbers_of_its_cell(curved):
    judgement = judged(curved)
    one = judgement.entrants[0].by_budget[0]
    mean, low, high = (f"{value:.4g}" for value in (one.mean, one.low, one.high))
    assert f"{mean} [{low}, {high}] nats |" in budget_table(judgement).replace("\\", "")
    assert (
        f"validation loss, nats, by points tried: {mean} after 1," in budget_sentences(judgement)[0]
    )


def test_diverged_seeds_are_counted_and_have_no_mean(curved):
    judgement = judged(curved)
    spec = judgement.entrants[0].by_budget[0].spec
    records = [
        replace(r, status="diverged", metrics={})
        if r.trial.optimizer == spec and r.trial.purpose != "tuning" and r.trial.seed < 2
        else r
        for r in curved.records()
    ]
    judgement = judgement_of(judgement.declaration, records)
    one = judgement.entrants[0].by_budget[0]
    assert (one.seeds, one.diverged, one.mean) == (5, 2, None)
    assert "2 of 5 seeds diverged" in budget_table(judgement)
    assert "2 of 5 seeds diverged after 1" in budget_sentences(judgement)[0]


def test_budgets_whose_trials_have_not_run_yet_are_left_out(curved):
    judgement = judged(curved)
    records = [r for r in curved.records() if r.trial.purpose != "budget"]
    rest = judgement_of(judgement.declaration, records).entrants[0].by_budget
    assert [one.budget for one in rest] == [
        one.budget
        for one in judgement.entrants[0].by_budget
        if one.spec == judgement.entrants[0].spec
    ]


@pytest.mark.slow
def test_all_reports_show_it(curved, tmp_path):
    judgement = judged(curved)
    sentences = [each.text for each in verdicts_in(curved, curved.records).statements]
    assert set(budget_sentences(judgement)) <= set(sentences)
    target = tmp_path / "report.md"
    write_document([curved], target, None)
    assert budget_table(judgement) in target.read_text()
    assert "| k = 1 | k = 2 | k = 4 | k = 8 |" in budget_table(judgement)
    text = build([curved]).split('<script type="application/json" id="payload">')[1]
    payload = json.loads(text.split("</script>")[0])
    labels = [each["label"] for each in payload["optimizers"]]
    [setting] = payload["searches"]
    shown = {labels[each["optimizer"]]: each["evaluated"] for each in setting["searches"]}
    for entrant in judgement.entrants:
        means = [one["mean"] for one in shown[entrant.label]]
        assert means == pytest.approx([one.mean for one in entrant.by_budget], rel=1e-4)


def test_a_search_has_the_same_results_as_its_entrant(curved):
    searches = searches_of(read_declaration(curved.folder), curved.records())
    by_label = {search.label: search.by_budget for search in searches}
    assert by_label == {entrant.label: entrant.by_budget for entrant in judged(curved).entrants}


def test_a_curve_may_be_added_later_and_is_kept_without_the_option(tmp_path):
    store = run(tmp_path, curve=False)
    before = judged(store)
    with pytest.warns(UserWarning, match="added: budget curve"):
        run(tmp_path)
    added = judged(store)
    assert added.verdicts == before.verdicts  # no look: what is compared stays as it was
    assert not any(each.is_look for each in added.declaration.deviations)
    assert all(entrant.by_budget for entrant in added.entrants)
    Formulas.ran.clear()
    run(tmp_path, curve=False)
    assert Formulas.ran == []
    assert judged(store).entrants == added.entrants


@pytest.mark.one_in(3)
@pytest.mark.parametrize("widened", ["adam:lr=1e-5..1e-3,sgd", "adam,sgd:lr=1..100", "adam,sgd"])
def test_the_last_budget_is_all_that_was_tried_and_smaller_ones_are_of_the_declared_range(
    tmp_path, widened
):
    store = run(tmp_path, opts=widened)
    judgement = judged(store)
    tried = {entrant.tried for entrant in judgement.entrants}
    assert (tried != {8}) == (":" in widened)
    for entrant in judgement.entrants:
        declared = sorted({1, 2, 4, 8, entrant.tried})
        assert [one.budget for one in entrant.by_budget] == declared
        last = entrant.by_budget[-1]
        assert last.spec == entrant.spec
        compared = statistics.fmean(entrant.values("val/loss").values())
        assert math.isclose(last.mean, compared)
        assert f"after {entrant.tried}." in " ".join(budget_sentences(judgement))
        assert f"k = {entrant.tried} |" in budget_table(judgement)
    if widened.startswith("adam:"):
        [adam, _] = judgement.entrants
        assert all(one.spec.hyperparameters["lr"] <= 1e-3 for one in adam.by_budget[:-1])
        assert adam.spec.hyperparameters["lr"] > 1e-3
