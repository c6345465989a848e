import tomllib
from dataclasses import replace

import pytest

from benchmark.declaration import (
    FILE,
    Chosen,
    declared,
    default_margin,
    read_declaration,
    with_outcomes,
)
from benchmark.errors import UsageError
from benchmark.protocols.tuned import Tuned
from benchmark.spec import Workload
from benchmark.study import Study
from optimizers.grammar import describe, describe_tunables

WORKLOAD = Workload(problem="mlp/digits", model="mlp", dataset="digits", epochs=1, batch_size=128)


def tuned_study(opts="adam,sgd", budget=4, seeds=(0, 1)):
    tuned = Tuned(tunables=tuple(describe_tunables(opts)), budget=budget, seeds=seeds)
    return Study(name="s", workloads=(WORKLOAD,), tuned=tuned)


def fixed_study(opts="adam,sgd", seeds=(0, 1)):
    specs = tuple(describe(opts))
    return Study(name="s", workloads=(WORKLOAD,), optimizers=specs, seeds=seeds)


@pytest.mark.parametrize("study", [tuned_study(), fixed_study()])
def test_a_declaration_survives_its_file(tmp_path, study):
    written, changes = declared(tmp_path, study.declaration("adam"), 0)
    assert changes == ()
    assert read_declaration(tmp_path) == written
    data = tomllib.loads((tmp_path / FILE).read_text())
    assert data["reference"] == "adam"
    assert data["seeds"] == [0, 1]
    assert list(data["problems"]) == ["mlp/digits"]


def test_a_study_without_a_declaration_has_none(tmp_path):
    assert read_declaration(tmp_path) is None


@pytest.mark.parametrize("text", ["= 3", "at = 3\n", "", "\ufffd[", 'at = "x"\nnew = 1\n'])
def test_a_damaged_declaration_is_one_line_with_the_cure(tmp_path, text):
    (tmp_path / FILE).write_text(text)
    with pytest.raises(UsageError, match=r"study\.toml is damaged .* remove it") as found:
        read_declaration(tmp_path)
    assert "\n" not in str(found.value)


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (tuned_study(budget=8), "tuning: 4 points of adam, sgd"),
        (tuned_study(opts="adam,lion"), "now 4 points of adam, lion"),
        (tuned_study(seeds=(0, 1, 2)), "seeds: 0, 1, now 0, 1, 2"),
        (tuned_study(opts="adam:lr=1e-3..1e-1,sgd"), "tuning: "),
        (replace(tuned_study(), threads=2), "threads: 1, now 2"),
        (replace(tuned_study(), accelerators=("gpu",)), "accelerators: cpu, now cpu, gpu"),
    ],
)
def test_a_change_after_results_is_a_deviation(tmp_path, now, words):
    declared(tmp_path, tuned_study().declaration("adam"), 0)
    found, changes = declared(tmp_path, now.declaration("adam"), 3)
    assert len(changes) == 1
    assert words in changes[0]
    [deviation] = found.deviations
    assert (deviation.what, deviation.records) == (list(changes), 3)
    assert read_declaration(tmp_path) == found


def test_a_change_before_any_result_is_no_deviation(tmp_path):
    declared(tmp_path, tuned_study().declaration("adam"), 0)
    found, changes = declared(tmp_path, tuned_study(budget=8).declaration("adam"), 0)
    assert (found.deviations, changes) == ([], ())
    assert found.tuning.budget == 8


def test_the_same_study_again_changes_nothing(tmp_path):
    first, _ = declared(tmp_path, tuned_study().declaration("adam"), 0)
    again, changes = declared(tmp_path, tuned_study().declaration("adam"), 9)
    assert (again, changes) == (first, ())


def test_a_study_that_asks_for_less_goes_on_with_all_that_was_declared(tmp_path):
    declared(tmp_path, fixed_study(seeds=(0, 1, 2)).declaration(), 0)
    found, changes = declared(tmp_path, fixed_study(opts="sgd", seeds=(0,)).declaration(), 3)
    assert changes == ()
    assert found.seeds == [0, 1, 2]
    assert found.optimizers == ["adam", "sgd"]


def chosen(lr):
    [spec] = describe(f"sgd:lr={lr}")
    return Chosen(
        problem="mlp/digits",
        accelerator="cpu",
        precision="32-true",
        label="sgd",
        optimizer=spec.to_json(),
        tried=4,
        finalists=1,
        tunes=["lr"],
        only_rate=True,
        edge="",
    )


def test_a_margin_is_fixed_once_and_an_outcome_may_be_replaced(tmp_path):
    declared(tmp_path, tuned_study().declaration("adam"), 0)
    with_outcomes(tmp_path, [chosen(0.1)], {"mlp/digits": 0.5})
    found = with_outcomes(tmp_path, [chosen(0.3)], {"mlp/digits": 0.7, "mlp/mnist": 1.0})
    assert found.margins == {"mlp/digits": 0.5, "mlp/mnist": 1.0}
    assert [each.optimizer["hyperparameters"]["lr"] for each in found.chosen] == [0.3]
    assert read_declaration(tmp_path) == found


def test_outcomes_need_a_declaration(tmp_path):
    with pytest.raises(UsageError, match="run the study again"):
        with_outcomes(tmp_path, [], {})


@pytest.mark.parametrize(
    ("values", "margin"),
    [([2.0], 0.02), ([2.0, 2.0], 0.02), ([1.0, 3.0], 0.1), ([-2.0], 0.02), ([0.0], 0.0)],
)
def test_the_margin_is_the_deviation_within_one_and_five_per_cent(values, margin):
    assert default_margin(values) == pytest.approx(margin)
