from dataclasses import replace

import pytest

from benchmark.stacked.packing import shared, why_not, why_not_one
from benchmark.tasks.registry import TASKS, TaskRow
from datamodules.registry import DATASETS


def test_trials_of_one_problem_can_be_a_pack(trials_of):
    trials = trials_of(opts="adam,sgd,torch.optim.SGD", seeds=2)
    assert why_not(trials) == ""
    assert len(set(map(shared, trials))) == 1


def test_no_trials_are_no_pack():
    assert why_not([]) == "there is none"


@pytest.mark.parametrize(
    ("change", "word"),
    [({"precision": "bf16-mixed"}, "precision"), ({"diagnostics_every": 5}, "diagnostics")],
)
def test_a_trial_that_needs_single_steps_is_named(trials_of, change, word):
    [trial] = trials_of()
    assert word in why_not_one(replace(trial, **change))


def test_a_compiled_rule_is_not_packed(trials_of):
    [trial] = trials_of(opts="adam:execution=compiled")
    assert "runs compiled" in why_not_one(trial)


@pytest.mark.parametrize("name", ["model", "dataset"])
def test_only_registered_networks_and_data_are_packed(trials_of, name):
    [trial] = trials_of()
    assert "mine.Own" in why_not_one(replace(trial, **{name: "mine.Own"}))


def test_a_further_task_for_classes_without_a_stacked_form_changes_no_other(trials_of, monkeypatch):
    monkeypatch.setitem(TASKS, "ordinal", TaskRow(target="mine:Ordinal"))
    digits = DATASETS["digits"]
    grades = replace(digits, name="grades", targets=replace(digits.targets, task="ordinal"))
    monkeypatch.setitem(DATASETS, "grades", grades)
    [trial] = trials_of()
    assert why_not_one(trial) == ""
    assert (
        why_not_one(replace(trial, dataset="grades"))
        == "the task of grades has no form that trains several trials as one network"
    )
