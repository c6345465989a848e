from dataclasses import replace

import pytest

from benchmark.evaluation import POINTS, Alternating, schedule_of
from benchmark.problems import PROBLEMS
from datamodules.registry import DATASETS

NUM_TRAIN_EVAL = 10_000


def sizes_of(trial):
    num_train, num_val, num_test = DATASETS[trial.dataset].sizes
    return num_train, (min(NUM_TRAIN_EVAL, num_train), num_val, num_test)


def share_of_evaluation(trial, schedule, cost):
    num_train, whole = sizes_of(trial)
    evaluated = 2 * sum(whole) + (len(schedule.steps) - 1) * schedule.examples
    return evaluated * cost / (evaluated * cost + trial.epochs * num_train)


@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=list(PROBLEMS))
def test_every_problem_is_evaluated_at_20_points_in_a_quarter_of_its_time(trials_of, problem):
    trial = trials_of(problem.name, epochs=problem.workload.epochs)[0]
    schedule = schedule_of(trial, *sizes_of(trial))
    total = trial.epochs * -(-sizes_of(trial)[0] // trial.batch_size)
    assert schedule.steps == tuple(round(k * total / 20) for k in range(1, 21))
    assert share_of_evaluation(trial, schedule, problem.evaluation_cost) <= 0.25
    assert schedule.examples >= min(100, sizes_of(trial)[1][1])


@pytest.mark.parametrize("epochs", [1, 2, 7, 40])
@pytest.mark.parametrize("batch_size", [1, 128, 10_000])
def test_examples_grow_with_the_trial_and_fill_at_most_a_quarter(trials_of, epochs, batch_size):
    trial = trials_of("cnn/cifar10", epochs=epochs, batch_size=batch_size)[0]
    schedule = schedule_of(trial, *sizes_of(trial))
    longer = schedule_of(replace(trial, epochs=epochs + 1), *sizes_of(trial))
    assert schedule.examples <= longer.examples <= sizes_of(trial)[1][1]
    share = share_of_evaluation(trial, schedule, PROBLEMS["cnn/cifar10"].evaluation_cost)
    assert share <= 0.25 or schedule.examples == 100


def test_a_trial_of_few_steps_is_evaluated_after_each(trials_of):
    trial = trials_of("logreg/digits")[0]
    assert schedule_of(trial, 3 * 128, (10, 10, 10)).steps == (1, 2, 3)
    assert schedule_of(trial, 1, (1, 1, 1)).steps == (1,)
    assert len(schedule_of(trial, 21 * 128, (10, 10, 10)).steps) == POINTS


def test_a_problem_outside_the_table_counts_a_third_of_a_step_for_an_evaluation(trials_of):
    trial = replace(trials_of("mlp/digits", epochs=4)[0], problem="mine.Net/mine.Data")
    schedule = schedule_of(trial, 10_000, (1_000, 5_000, 1_000))
    assert schedule.examples == (4 * 10_000 - 2 * 7_000) // 19


def test_all_validation_rows_are_few_enough_for_a_small_split(trials_of):
    trial = trials_of("mlp/digits", epochs=1)[0]
    assert schedule_of(trial, 10_000, (10, 30, 10)).examples == 30


def test_an_alternating_loader_chooses_at_the_start_of_each_iteration():
    answers = iter([True, False])
    loader = Alternating([1, 2, 3], [1], lambda: next(answers))
    assert (len(loader), list(loader), list(loader)) == (3, [1, 2, 3], [1])
    assert list(Alternating([1], None, lambda: False)) == []
