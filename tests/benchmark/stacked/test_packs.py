import math
from dataclasses import replace
from itertools import chain
from pkgutil import resolve_name

import pytest

from benchmark.models.registry import MODELS
from benchmark.plugins import data_module_class, task_class
from benchmark.stacked.packing import why_not_one
from benchmark.stacked.packs import FEWEST, MOST, Packs, packs_of, seconds_saved, sizes
from benchmark.tasks.registry import TASKS
from datamodules.registry import DATASETS

RATES = "|".join(f"{0.001 * k:.3f}" for k in range(1, 31))


def packed(trials, stack="auto", *, at_once=1, free_bytes=math.inf):
    return packs_of(trials, stack, at_once=at_once, free_bytes=free_bytes)


def test_every_trial_is_in_one_place(trials_of):
    trials = trials_of(opts=f"adam:lr={RATES},torch.optim.NAdam,sgd:execution=compiled", seeds=3)
    for stack in ("auto", "off", 2, 7, 64):
        found = packed(trials, stack, at_once=2)
        keys = [trial.key for trial in (*chain(*found.packs), *found.alone)]
        assert sorted(keys) == sorted(trial.key for trial in trials)
        assert sum(found.reasons.values()) == (0 if stack == "off" else len(found.alone))


@pytest.mark.parametrize(
    ("count", "stack", "at_once", "expected"),
    [
        (30, "auto", 1, [30]),
        (30, "auto", 2, [15, 15]),
        (30, "auto", 16, [4, 4, 4, 5, 4, 4, 5]),
        (2 * FEWEST - 1, "auto", 2, [7, 8]),
        (FEWEST - 1, "auto", 1, []),
        (30, 8, 1, [7, 8, 7, 8]),
        (3, 64, 2, [3]),
        (1, 64, 2, []),
        (3, 2, 1, [2]),
        (7, 2, 4, [2, 2, 2]),
        (4, 3, 1, [2, 2]),
    ],
)
def test_packs_are_even_and_as_many_as_run_in_parallel(trials_of, count, stack, at_once, expected):
    trials = trials_of(opts=f"adam:lr={RATES}")[:count]
    assert sizes(packed(trials, stack, at_once=at_once)) == expected


def test_a_trial_that_would_be_a_pack_of_its_own_is_alone(trials_of):
    found = packed(trials_of(opts=f"adam:lr={RATES}")[:5], 2)
    assert sizes(found) == [2, 2]
    assert len(found.alone) == 1
    assert found.lines()[1] == "alone       1 trial: left over from packs of 2 of logreg/digits"


def test_no_pack_has_one_trial_however_many_there_are(trials_of):
    trials = trials_of(opts=f"adam:lr={RATES}")
    for count in range(1, len(trials) + 1):
        for stack in ("auto", 2, 3, 5):
            for at_once in (1, 5):
                found = packed(trials[:count], stack, at_once=at_once)
                assert min(sizes(found), default=2) > 1
                assert max(sizes(found), default=2) - min(sizes(found), default=2) <= 1
                assert sum(sizes(found)) + len(found.alone) == count


def test_groups_share_the_cores_before_they_make_small_packs(trials_of):
    rates = f"adam:lr={'|'.join(RATES.split('|')[:8])}"
    trials = [*trials_of(opts=rates), *trials_of("logreg/reviews", rates)]
    assert sizes(packed(trials, at_once=2)) == [8, 8]
    assert sizes(packed(trials, at_once=4)) == [4, 4, 4, 4]


def test_packs_are_bounded_and_have_few_seeds_each(trials_of):
    found = packed(trials_of(opts=f"adam:lr={RATES}", seeds=6))
    assert sizes(found) == [60, 60, 60]
    assert max(sizes(found)) <= MOST
    assert [len({trial.seed for trial in pack}) for pack in found.packs] == [2, 2, 2]


def test_packs_fit_into_half_of_the_free_memory(trials_of):
    trials = trials_of(opts=f"adam:lr={RATES}")
    member = 1e6 * MODELS["logreg"].stacked_megabytes
    found = packed(trials, free_bytes=2 * (10 * member + 4e6))
    assert max(sizes(found)) in range(8, 13)
    none = packed(trials, free_bytes=2 * member)
    assert none.packs == ()
    assert list(none.reasons) == [
        "too little free memory to train several trials of logreg/digits together"
    ]


@pytest.mark.parametrize(
    ("problem", "changes", "words"),
    [
        ("mlp/digits", {}, "--stack 64 makes packs all the same"),
        ("logreg/digits", {"accelerator": "gpu"}, "logreg on gpu is not known to gain time"),
        ("logreg/digits", {"threads": 2}, "with one thread only"),
        (
            "regression/diabetes",
            {},
            "model regression has no form that trains several trials as one network",
        ),
    ],
)
def test_auto_says_why_trials_are_alone(trials_of, problem, changes, words):
    trials = [replace(each, **changes) for each in trials_of(problem, f"adam:lr={RATES}")]
    found = packed(trials)
    [(why, count)] = found.reasons.items()
    assert words in why
    assert count == len(trials)
    assert found.lines() == [f"alone       30 trials: {why}"]
    assert found.lines(says_why=False) == []


def test_a_number_makes_packs_elsewhere_too(trials_of):
    assert sizes(packed(trials_of("mlp/digits", f"adam:lr={RATES}"), 16)) == [15, 15]


def test_lines_have_the_size_of_packs(trials_of):
    lines = packed(trials_of(opts=f"adam:lr={RATES}"), at_once=2).lines()
    assert lines == [
        "stacked     30 trials of logreg/digits in 2 packs of 15, whose seconds are shares, not "
        "compared"
    ]
    assert Packs().lines() == []


def test_trials_of_different_problems_are_in_different_packs(trials_of):
    trials = [*trials_of(opts=f"adam:lr={RATES}"), *trials_of("logreg/reviews", f"adam:lr={RATES}")]
    assert [{trial.problem for trial in pack} for pack in packed(trials).packs] == [
        {"logreg/digits"},
        {"logreg/reviews"},
    ]


@pytest.mark.parametrize("count", [2, 3, 8, 64])
def test_a_pack_saves_what_its_model_gains_but_takes_as_long_as_one_trial(trials_of, count):
    def saved(*names, **given):
        pack = (trials_of(*names, **given) * count)[:count]
        return seconds_saved(Packs(packs=(pack,)), lambda _: 3.0) / 3.0

    gain = MODELS["logreg"].stacked_gain
    assert saved() == pytest.approx(count - max(count / gain, 1))
    assert saved(accelerators=("gpu",)) == saved("mlp/digits") == 0
    assert seconds_saved(Packs(), lambda _: 3.0) == 0


@pytest.mark.parametrize("name", MODELS)
def test_rows_of_models_say_whether_they_have_a_stacked_form(name):
    network = resolve_name(MODELS[name].target).network_class
    assert hasattr(network, "forward_stacked") == bool(MODELS[name].stacked_megabytes)


@pytest.mark.parametrize("name", TASKS)
def test_rows_of_tasks_say_whether_they_have_a_stacked_form(name):
    task = task_class(name)
    assert hasattr(task, "stacked_loss") == TASKS[name].can_stack


@pytest.mark.parametrize("name", DATASETS)
def test_rows_of_data_sets_say_which_task_their_modules_have(name):
    targets, module = DATASETS[name].targets, data_module_class(name)
    assert targets.task == module.task
    assert targets.name == task_class(targets.task).size_name


@pytest.mark.parametrize("dataset", DATASETS)
@pytest.mark.parametrize("model", MODELS)
def test_what_has_no_stacked_form_is_refused(trials_of, model, dataset):
    [trial] = trials_of()
    why = why_not_one(replace(trial, model=model, dataset=dataset))
    network = resolve_name(MODELS[model].target).network_class
    task = task_class(data_module_class(dataset).task)
    assert bool(why) != (hasattr(network, "forward_stacked") and hasattr(task, "stacked_loss"))
    assert not why or "has no form that trains several trials as one network" in why


def test_no_torch_is_needed_to_form_packs():
    import subprocess
    import sys

    code = "import sys, benchmark.stacked.packs; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
