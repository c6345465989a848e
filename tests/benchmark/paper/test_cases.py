"""The cases of the paper's rules, and what they train."""

import pytest

from benchmark.errors import UsageError
from benchmark.paper.cases import cases_of, why_not_yet, workload_of
from benchmark.paper.plan import EXTENTS, Plan
from benchmark.paper.rules import rules as paper_rules
from optimizers.errors import UnknownNameError
from tests.benchmark.paper.panels import panel, rules


@pytest.mark.parametrize(
    ("figures", "experiments"),
    [
        (["1"], {"fig1-mnist", "fig1-imdb"}),
        (["1 left"], {"fig1-mnist"}),
        (["2a", "4"], {"fig2a", "fig4", "fig4b"}),
        (["2"], {"fig2a", "fig2b"}),
    ],
)
def test_figures_name_panels(figures, experiments):
    found = cases_of(paper_rules(), figures)
    assert {case.experiment.name for case in found} == experiments


@pytest.mark.parametrize("figure", ["5", "2c", "left", "1 l", ""])
def test_an_unknown_figure_is_refused_with_the_known_ones(figure):
    with pytest.raises(UsageError, match="1 left, 1 right, 2a, 2b, 3, 4"):
        cases_of(paper_rules(), [figure])


def test_claims_are_chosen_by_name_within_figures():
    found = cases_of(paper_rules(), ["3"], ["fig3-rapid"])
    assert {case.claim.name for case in found} == {"fig3-rapid"}
    assert sum(case.variant is not None for case in found) == 3
    with pytest.raises(UnknownNameError, match="Known: fig3-rapid, fig3-third-epoch"):
        cases_of(paper_rules(), ["3"], ["fig3-rapd"])
    with pytest.raises(UsageError, match="fig2b-iterations is about figure 2b: name that one"):
        cases_of(paper_rules(), ["3"], ["fig2b-iterations"])


def test_claims_come_before_variants():
    kinds = [case.variant is None for case in cases_of(paper_rules())]
    assert kinds == sorted(kinds, reverse=True)


@pytest.mark.parametrize(
    ("training", "word"),
    [
        ({"problem": "no/problem"}, "unknown model 'no'"),
        ({"whitening": True}, "unknown data set 'digits_zca'"),
        ({"padding": False}, "unknown model 'logreg_valid'"),
        ({}, ""),
    ],
)
def test_a_condition_that_the_suite_lacks_is_named(training, word):
    case = cases_of(rules(experiment=panel(**training)))[0]
    assert word in why_not_yet(case)
    assert bool(why_not_yet(case)) == bool(training)


def test_every_case_of_the_paper_can_be_run():
    full = EXTENTS["full"]
    for case in cases_of(paper_rules()):
        assert why_not_yet(case) == ""
        plan = Plan(rules=paper_rules(), cases=(case,), extent=full)
        assert plan.wanted(lambda *_: None)[case.experiment.name]


def test_whitening_and_pools_without_padding_are_a_data_set_and_a_model():
    cases = cases_of(paper_rules(), ["3"])
    found = {
        (case.training.whitening, case.training.padding): workload_of(case.training)
        for case in cases
    }
    names = {key: (each.model, each.dataset) for key, each in found.items()}
    assert names[True, True] == ("cnn", "cifar10_zca")
    assert names[True, False] == ("cnn_valid", "cifar10_zca")
