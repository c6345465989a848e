import itertools
import math

import pytest

from benchmark.analysis.sensitivity import (
    basins,
    by_learning_rate,
    choice_weights,
    expected_best,
)


@pytest.fixture
def grid(scores_of):
    """Return a function from {learning rate: values of its seeds} to scores."""

    def make(values, **options):
        named = {f"sgd lr={lr:g}": seeds for lr, seeds in values.items()}
        lrs = {f"sgd lr={lr:g}": lr for lr in values}
        return scores_of(named, lrs=lrs, **options)

    return make


def basin(scores, **options):
    return basins(by_learning_rate(scores), **options).row(0, named=True)


def test_the_basin_is_known_on_paper(grid):
    scores = grid({0.001: [2.0], 0.01: [1.05], 0.1: [1.0], 1.0: [1.09], 10.0: [1.2]})
    found = basin(scores)
    assert (found["best_lr"], found["best"]) == (0.1, 1.0)
    assert (found["low_lr"], found["high_lr"]) == (0.01, 1.0)
    assert found["decades"] == pytest.approx(2.0)
    assert (found["inside"], found["tried"], found["edge"]) == (3, 5, None)


def test_a_wider_tolerance_widens_the_basin(grid):
    scores = grid({0.01: [1.3], 0.1: [1.0], 1.0: [1.5]})
    assert basin(scores, within=0.05)["decades"] == 0.0
    assert basin(scores, within=0.3)["decades"] == pytest.approx(1.0)


def test_a_good_learning_rate_beyond_a_bad_one_is_not_in_the_basin(grid):
    scores = grid({0.01: [1.05], 0.1: [3.0], 1.0: [1.0], 10.0: [5.0]})
    assert (basin(scores)["low_lr"], basin(scores)["high_lr"]) == (1.0, 1.0)


def test_a_learning_rate_at_which_a_seed_diverged_ends_the_basin(grid):
    scores = grid({0.01: [1.1, 1.1], 0.1: [1.05, 1.05], 1.0: [0.5, None]})
    found = basin(scores)
    assert (found["best_lr"], found["high_lr"], found["edge"]) == (0.1, 0.1, None)


@pytest.mark.parametrize(
    ("values", "edge"),
    [
        ({0.1: [1.0], 1.0: [2.0], 10.0: [3.0]}, "lowest"),
        ({0.1: [3.0], 1.0: [2.0], 10.0: [1.0]}, "highest"),
        ({0.1: [3.0], 1.0: [1.0], 10.0: [2.0]}, None),
        ({0.1: [3.0]}, "only"),
    ],
)
def test_a_best_learning_rate_on_the_edge_of_the_grid_is_told(grid, values, edge):
    assert basin(grid(values))["edge"] == edge


def test_an_edge_beyond_which_all_diverges_is_no_edge(grid):
    assert basin(grid({0.1: [2.0], 1.0: [1.0], 10.0: [None]}))["edge"] is None


def test_the_basin_of_an_accuracy_lies_below_the_best(grid):
    scores = grid({0.1: [0.85], 1.0: [0.9], 10.0: [0.8]}, metric="val/accuracy")
    found = basin(scores)
    assert (found["best"], found["low_lr"], found["high_lr"]) == (0.9, 0.1, 1.0)


def test_an_optimizer_that_always_diverges_has_no_basin(grid):
    found = basin(grid({0.1: [None], 1.0: [None]}))
    assert (found["best_lr"], found["decades"], found["tried"]) == (None, None, 2)


def test_a_learning_rate_is_shown_with_the_best_of_the_other_hyperparameters(scores_of):
    values = {"sgd lr=1 m=0": [3.0], "sgd lr=1 m=1": [2.0], "sgd lr=2 m=0": [4.0]}
    lrs = dict(zip(values, (1.0, 1.0, 2.0), strict=True))
    responses = by_learning_rate(scores_of(values, lrs=lrs))
    assert responses.select("lr", "label", "mean", "tried").rows() == [
        (1.0, "sgd lr=1 m=1", 2.0, 2),
        (2.0, "sgd lr=2 m=0", 4.0, 1),
    ]


def test_an_optimizer_without_learning_rate_has_no_sensitivity_to_it(scores_of):
    responses = by_learning_rate(scores_of({"free": [1.0]}))
    assert responses.is_empty()
    assert basins(responses).is_empty()


@pytest.mark.parametrize(("tried", "k"), [(1, 1), (4, 1), (4, 2), (6, 3), (6, 6)])
def test_the_weights_are_those_of_counting_all_choices(tried, k):
    choices = list(itertools.combinations(range(tried), k))
    counted = [sum(min(c) == i for c in choices) / len(choices) for i in range(tried)]
    assert choice_weights(tried, k).tolist() == pytest.approx(counted)


def test_the_expected_best_is_the_mean_over_all_choices(grid):
    values = {0.1: 5.0, 0.2: 1.0, 0.3: 4.0, 0.4: 2.0, 0.5: 3.0}
    table = expected_best(grid({lr: [v - 0.5, v + 0.5] for lr, v in values.items()}))
    for k, expected in table.select("k", "expected").iter_rows():
        bests = [min(choice) for choice in itertools.combinations(values.values(), k)]
        assert expected == pytest.approx(sum(bests) / len(bests))
    assert table["k"].to_list() == [1, 2, 3, 4, 5]


def test_the_estimator_is_unbiased(grid):
    # Averaged over all rolls of 4 dice, the estimate is the true expected best of 2 dice.
    faces = range(1, 7)
    logs = list(itertools.combinations_with_replacement(faces, 4))
    weights = [
        math.factorial(4) / math.prod(math.factorial(log.count(f)) for f in faces) for log in logs
    ]
    found = [sum(choice_weights(4, 2) * sorted(log)) for log in logs]
    truth = sum(min(a, b) for a in faces for b in faces) / 36
    assert sum(map(math.prod, zip(found, weights, strict=True))) / 6**4 == pytest.approx(truth)


def test_the_expected_accuracy_rises_with_the_number_of_trials(grid):
    table = expected_best(grid({0.1: [0.5], 0.2: [0.9], 0.3: [0.7]}, metric="val/accuracy"))
    assert table["expected"].to_list() == pytest.approx([0.7, (0.9 + 0.9 + 0.7) / 3, 0.9])
    assert table["median"].to_list() == [0.7, 0.9, 0.9]


def test_where_all_choices_may_diverge_there_is_a_median_but_no_mean(grid):
    table = expected_best(grid({0.1: [1.0], 0.2: [2.0], 0.3: [3.0, None]}))
    assert table["expected"].to_list() == [None, pytest.approx((1 + 1 + 2) / 3), 1.0]
    assert table["median"].to_list() == [2.0, 1.0, 1.0]
    assert table["q75"].to_list() == [None, 2.0, 1.0]


@pytest.fixture
def split(grid):
    """Return scores on validation and on test data that disagree about the best variant."""
    validation = grid({0.1: [0.7], 0.2: [0.9], 0.3: [0.8]}, metric="val/accuracy")
    return validation, grid({0.1: [0.95], 0.2: [0.5], 0.3: [0.6]}, metric="test/accuracy")


def test_a_test_metric_is_that_of_the_learning_rate_that_validation_chose(split):
    validation, test = split
    chosen, shown = by_learning_rate(validation), by_learning_rate(validation, test)
    assert shown.select("metric", "lr", "mean", "tried").rows() == [
        ("test/accuracy", 0.1, 0.95, 1),
        ("test/accuracy", 0.2, 0.5, 1),
        ("test/accuracy", 0.3, 0.6, 1),
    ]
    found = basins(chosen, shown, within=0.15).row(0, named=True)
    assert (found["best_lr"], found["best"], found["metric"]) == (0.2, 0.5, "test/accuracy")
    assert (found["low_lr"], found["high_lr"]) == (0.2, 0.3)


def test_of_two_variants_at_one_rate_validation_chooses_which_test_metric_is_shown(scores_of):
    lrs = {"sgd a": 0.1, "sgd b": 0.1}
    validation = scores_of({"sgd a": [1.0], "sgd b": [2.0]}, lrs=lrs)
    test = scores_of({"sgd a": [9.0], "sgd b": [0.1]}, lrs=lrs, metric="test/loss")
    assert by_learning_rate(validation, test)["mean"].to_list() == [9.0]


def test_the_expected_test_metric_is_that_of_the_best_of_k_in_validation(split):
    validation, test = split
    table = expected_best(validation, test)
    # Two of the three pairs have the best variant in validation, with 0.5; the third pair has 0.6.
    assert table["expected"].to_list() == pytest.approx([2.05 / 3, 1.6 / 3, 0.5])
    assert set(table["metric"]) == {"test/accuracy"}


def test_no_scores_have_no_expected_best(grid):
    assert expected_best(grid({0.1: [1.0]}).clear()).is_empty()


@pytest.mark.parametrize("best", [0.0, -1e-9, -2.0])
def test_a_share_of_a_best_mean_that_is_not_positive_is_not_defined(grid, best):
    found = basin(grid({0.01: [best + 0.05], 0.1: [best], 1.0: [best + 3.0]}))
    assert (found["best_lr"], found["best"], found["edge"]) == (0.1, best, None)
    assert all(found[name] is None for name in ("low_lr", "high_lr", "decades", "inside"))
