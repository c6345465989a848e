import dataclasses
import math

import msgspec
import pytest

from benchmark.analysis.searches import Point, Search, searches_of
from benchmark.declaration import read_declaration
from optimizers.grammar import describe
from tests.benchmark.tuned_studies import OWN, RATES


@pytest.fixture
def searches(tuned):
    store = tuned()
    return searches_of(read_declaration(store.folder), store.records())


def test_each_optimizer_has_its_points_of_each_problem_by_learning_rate(searches):
    assert {search.label for search in searches} == {"adam", "momentum", OWN}
    assert len(searches) == len({search.setting for search in searches}) * 3
    for search in searches:
        assert {point.lr: point.value for point in search.points} == RATES
        assert [point.lr for point in search.points] == sorted(RATES)
        assert search.seed == 10_000


def test_a_study_that_was_not_tuned_has_no_search(tuned):
    store = tuned()
    given = msgspec.structs.replace(read_declaration(store.folder), tuning=None)
    assert searches_of(given, store.records()) == ()


def test_points_of_an_earlier_search_are_left_out(tuned):
    store = tuned()
    declaration = read_declaration(store.folder)
    present = {
        record.trial.key
        for record in store.records()
        if record.trial.purpose == "tuning" and record.trial.optimizer.hyperparameters["lr"] > 0.05
    }
    chosen = [msgspec.structs.replace(c, points=sorted(present)) for c in declaration.chosen]
    declaration = msgspec.structs.replace(declaration, chosen=chosen)
    for search in searches_of(declaration, store.records()):
        assert [point.lr for point in search.points] == [rate for rate in RATES if rate > 0.05]


def test_a_wrapped_learning_rate_is_one():
    [spec] = describe("torch.optim.SGD:lr=0.1")
    spec = dataclasses.replace(spec, hyperparameters={"alpha": 0.5, "optimizer.lr": 0.3})
    assert Point(spec=spec, value=1.0, repeats=(), is_chosen=False).lr == 0.3


def search_with(values, metric="val/loss"):
    [spec] = describe("sgd:lr=0.1")
    points = tuple(Point(spec=spec, value=v, repeats=(), is_chosen=False) for v in values)
    return Search(setting="s", label="sgd", metric=metric, seed=10_000, points=points)


def test_the_expected_best_is_the_mean_over_all_choices_of_points():
    found = dict(search_with([3.0, 1.0, 2.0]).expected_best())
    assert found == pytest.approx({1: 2.0, 2: (1 + 1 + 2) / 3, 3: 1.0})
    higher = dict(search_with([3.0, 1.0, 2.0], "val/accuracy").expected_best())
    assert higher == pytest.approx({1: 2.0, 2: (3 + 3 + 2) / 3, 3: 3.0})


@pytest.mark.parametrize("count", range(1, 34))
def test_budgets_double_up_to_all_points(count):
    budgets = [k for k, _ in search_with([1.0] * count).expected_best()]
    doubled = [2**power for power in range(6) if 2**power <= count]
    assert budgets == sorted({*doubled, count})


def test_a_point_that_diverged_counts_as_worst():
    found = dict(search_with([None, 1.0]).expected_best())
    assert found[1] is None
    assert math.isclose(found[2], 1.0)
