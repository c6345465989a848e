import math
import multiprocessing
import sys
import tomllib
from dataclasses import replace

import pytest
from msgspec import structs
from msgspec.structs import replace as replaced

from benchmark.baselines import FOLDER as SHIPPED
from benchmark.declaration import (
    FILE,
    Chosen,
    Deviation,
    declared,
    default_margin,
    read_declaration,
    with_outcomes,
    write_declaration,
)
from benchmark.errors import UsageError
from benchmark.protocols.tuned import Tuned
from benchmark.spec import Workload
from benchmark.study import Study
from optimizers.grammar import describe, describe_tunables

WORKLOAD = Workload(problem="mlp/digits", model="mlp", dataset="digits", epochs=1, batch_size=128)

FULL = tuple(describe_tunables("adam,sgd", "full"))


def tuned_study(opts="adam,sgd", budget=4, seeds=(0, 1)):
    tuned = Tuned(tunables=tuple(describe_tunables(opts)), budget=budget, seeds=seeds)
    return Study(name="s", workloads=(WORKLOAD,), tuned=tuned)


def fixed_study(opts="adam,sgd", seeds=(0, 1)):
    specs = tuple(describe(opts))
    return Study(name="s", workloads=(WORKLOAD,), optimizers=specs, seeds=seeds)


def results(tuning=0, evaluation=0):
    """Return the purposes of trials with a result, as a planner does."""
    return lambda: ["tuning"] * tuning + ["evaluation"] * evaluation


@pytest.mark.parametrize("study", [tuned_study(), fixed_study()])
def test_a_declaration_survives_its_file(tmp_path, study):
    written, changes = declared(tmp_path, study.declaration("adam"), results(0))
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
        (tuned_study(budget=8), "tuning budget: 4, now 8"),
        (tuned_study(opts="adam,lion"), "added: optimizer lion"),
        (tuned_study(seeds=(0, 1, 2)), "seeds: 0, 1, now 0, 1, 2"),
        (
            tuned_study(opts="adam:lr=1e-3..1e-1,sgd"),
            "optimizer adam: lr 1e-05..0.1, now lr 0.001..0.1",
        ),
        (replace(tuned_study(), threads=2), "threads: 1, now 2"),
        (replace(tuned_study(), accelerators=("gpu",)), "added: accelerator gpu"),
    ],
)
def test_a_change_after_results_is_a_deviation(tmp_path, now, words):
    declared(tmp_path, tuned_study().declaration("adam"), results(0))
    found, changes = declared(tmp_path, now.declaration("adam"), results(3))
    assert len(changes) == 1
    assert words in changes[0]
    [deviation] = found.deviations
    assert (deviation.what, deviation.records) == (list(changes), 3)
    assert read_declaration(tmp_path) == found


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("stages = 1", "stages = 3", "expected 1 or 2 looks at the evaluation seeds, got 3"),
        ("stages = 1", "stages = 0", "got 0"),
        ("stages = 1", "stages = -1", "got -1"),
        ('confirmatory = "val/loss"', 'confirmatory = "val/x"', "with a known direction"),
        ("[margins]", '[margins]\n"mlp/digits" = -0.1', "expected a number from 0, got -0.1"),
        ("[margins]", '[margins]\n"mlp/digits" = nan', "expected a number from 0, got nan"),
        ("epochs = 1", "epochs = 1\nnew = 2", "unknown new"),
        ("epochs = 1", "", "epochs"),
        ("epochs = 1", 'epochs = "one"', "epochs"),
    ],
)
def test_a_value_that_verdicts_cannot_use_is_named(tmp_path, old, new, words):
    declared(tmp_path, tuned_study().declaration("adam"), results(0))
    text = (tmp_path / FILE).read_text()
    assert old in text
    (tmp_path / FILE).write_text(text.replace(old, new, 1))
    with pytest.raises(UsageError, match=r"study\.toml is damaged") as found:
        read_declaration(tmp_path)
    assert words in str(found.value)


def test_a_number_of_looks_that_is_not_asked_for_stays_as_declared(tmp_path):
    declared(tmp_path, tuned_study().declaration("adam", 2), results(0))
    found, changes = declared(tmp_path, tuned_study().declaration("adam", 0), results(3, 3))
    assert (found.stages, changes) == (2, ())
    found, changes = declared(tmp_path, tuned_study().declaration("adam", 1), results(3, 3))
    assert (found.stages, changes) == (1, ("stages: 2, now 1",))


def test_a_change_before_any_result_is_no_deviation(tmp_path):
    declared(tmp_path, tuned_study().declaration("adam"), results(0))
    found, changes = declared(tmp_path, tuned_study(budget=8).declaration("adam"), results(0))
    assert (found.deviations, changes) == ([], ())
    assert found.tuning.budget == 8


def test_the_same_study_again_changes_nothing(tmp_path):
    first, _ = declared(tmp_path, tuned_study().declaration("adam"), results(0))
    again, changes = declared(tmp_path, tuned_study().declaration("adam"), results(9))
    assert (again, changes) == (first, ())


def test_a_study_that_asks_for_less_goes_on_with_all_that_was_declared(tmp_path):
    declared(tmp_path, fixed_study(seeds=(0, 1, 2)).declaration(), results(0))
    found, changes = declared(
        tmp_path, fixed_study(opts="sgd", seeds=(0,)).declaration(), results(3)
    )
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
        optimizer=spec,
        tried=4,
        finalists=1,
        tunes=["lr"],
        only_rate=True,
        edge="",
    )


def test_a_margin_is_fixed_once_and_an_outcome_may_be_replaced(tmp_path):
    declared(tmp_path, tuned_study().declaration("adam"), results(0))
    with_outcomes(tmp_path, [chosen(0.1)], {"mlp/digits": 0.5}, results())
    found, _ = with_outcomes(
        tmp_path, [chosen(0.3)], {"mlp/digits": 0.7, "mlp/mnist": 1.0}, results()
    )
    assert found.margins == {"mlp/digits": 0.5, "mlp/mnist": 1.0}
    assert [each.optimizer.hyperparameters["lr"] for each in found.chosen] == [0.3]
    assert read_declaration(tmp_path) == found


def test_outcomes_need_a_declaration(tmp_path):
    with pytest.raises(UsageError, match="run the study again"):
        with_outcomes(tmp_path, [], {}, results())


@pytest.mark.parametrize(
    ("values", "margin"),
    [([2.0], 0.02), ([2.0, 2.0], 0.02), ([1.0, 3.0], 0.1), ([-2.0], 0.02), ([0.0], 0.0)],
)
def test_the_margin_is_the_deviation_within_one_and_five_per_cent(values, margin):
    assert default_margin(values) == pytest.approx(margin)


@pytest.mark.parametrize(
    ("known", "is_look"),
    [(results(tuning=3), False), (results(evaluation=1), True), (results(3, 4), True)],
)
def test_other_seeds_are_a_look_only_once_a_result_on_evaluation_seeds_exists(
    tmp_path, known, is_look
):
    declared(tmp_path, tuned_study().declaration("adam"), results())
    found, _ = declared(tmp_path, tuned_study(seeds=(0, 1, 2)).declaration("adam"), known)
    [deviation] = found.deviations
    assert deviation.is_look is is_look
    assert deviation.evaluated == known().count("evaluation")


def test_results_are_counted_only_if_something_changed(tmp_path):
    declared(tmp_path, tuned_study().declaration("adam"), results())

    def fail():
        raise AssertionError

    assert declared(tmp_path, tuned_study().declaration("adam"), fail)[1] == ()


def test_a_study_that_is_complete_can_be_read_from_a_folder_that_cannot_be_written(
    tmp_path, monkeypatch
):
    first, _ = declared(tmp_path, tuned_study().declaration("adam"), results())
    with_outcomes(tmp_path, [chosen(0.1)], {"mlp/digits": 0.5}, results())

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("benchmark.declaration.write_text", refuse)
    monkeypatch.setattr("benchmark.declaration._alone", refuse)
    found, changes = declared(tmp_path, tuned_study().declaration("adam"), results(3, 3))
    assert (found.at, changes) == (first.at, ())
    assert with_outcomes(tmp_path, [chosen(0.1)], {"mlp/digits": 0.7}, results()) == (found, ())


def _add_seed(folder, seed, start):
    start.wait()
    declared(folder, tuned_study(seeds=(seed,)).declaration("adam"), results(evaluation=1))
    with_outcomes(
        folder, [replaced(chosen(0.1), label=f"sgd {seed}")], {f"problem {seed}": 1.0}, results()
    )


def test_changes_by_several_processes_at_once_are_all_kept(tmp_path):
    declared(tmp_path, tuned_study(seeds=(0,)).declaration("adam"), results())
    context = multiprocessing.get_context("fork")
    start, seeds = context.Event(), range(1, 9)
    processes = [context.Process(target=_add_seed, args=(tmp_path, s, start)) for s in seeds]
    for process in processes:
        process.start()
    start.set()
    for process in processes:
        process.join()
    found = read_declaration(tmp_path)
    assert sorted(found.seeds) == [0, *seeds]
    assert len(found.deviations) == len(seeds)
    assert {each.label for each in found.chosen} == {f"sgd {seed}" for seed in seeds}
    assert len(found.margins) == len(seeds)


def longer(study, epochs=9):
    return replace(study, workloads=tuple(replace(w, epochs=epochs) for w in study.workloads))


@pytest.mark.parametrize(
    ("asked", "margin", "outcome"),
    [
        ((tuned_study(), "adam"), True, True),
        ((tuned_study(seeds=(0, 1, 2)), "adam"), True, True),
        ((tuned_study(opts="lion"), "adam"), True, True),
        ((tuned_study(opts="sgd:lr=1e-3..1,adam"), "adam"), True, False),
        ((tuned_study(budget=8), "adam"), True, False),
        ((longer(tuned_study()), "adam"), False, False),
        ((tuned_study(), "sgd"), False, True),
    ],
)
def test_margins_and_outcomes_hold_as_long_as_what_they_belong_to(tmp_path, asked, margin, outcome):
    study, reference = asked
    declared(tmp_path, tuned_study().declaration("adam"), results(0))
    with_outcomes(tmp_path, [chosen(0.1)], {"mlp/digits": 0.5}, results())
    found, _ = declared(tmp_path, study.declaration(reference), results(3))
    assert bool(found.margins) is margin
    assert bool(found.chosen) is outcome


def test_a_changed_workload_is_said_with_its_numbers(tmp_path):
    declared(tmp_path, tuned_study().declaration("adam"), results(0))
    _, [change] = declared(tmp_path, longer(tuned_study()).declaration("adam"), results(3))
    assert change == "problem mlp/digits: epochs=1, batch_size=128, now epochs=9, batch_size=128"


def test_optimizers_of_an_equal_search_stay_declared(tmp_path):
    declared(tmp_path, tuned_study().declaration("adam"), results(0))
    found, changes = declared(tmp_path, tuned_study(opts="sgd").declaration("adam"), results(3))
    assert (found.labels, changes) == (["adam", "sgd"], ())


def test_the_first_optimizer_is_the_reference_and_stays_it(tmp_path):
    first, _ = declared(tmp_path, tuned_study().declaration(), results(0))
    assert first.reference == "adam"
    found, changes = declared(tmp_path, tuned_study(opts="sgd,adam").declaration(), results(3))
    assert (found.reference, changes) == ("adam", ())


@pytest.mark.parametrize(
    ("what", "is_look"),
    [
        (["seeds: 0, now 0, 1"], True),
        (["tuning budget: 4, now 8"], True),
        (["reference: adam, now sgd"], True),
        (["source of mine: a, now b"], True),
        (["problem mlp/digits: epochs=1, now epochs=9"], True),
        (["added: problem mlp/mnist", "added: optimizer lion"], False),
        (["added: problem mlp/mnist", "seeds: 0, now 0, 1"], True),
    ],
)
def test_what_changes_results_after_they_were_seen_is_a_look(what, is_look):
    assert Deviation(at="", what=what, records=9, evaluated=3).is_look is is_look
    assert not Deviation(at="", what=what, records=9, evaluated=0).is_look


def test_an_edited_optimizer_is_a_deviation(tmp_path, monkeypatch):
    text = "from optimizers import SGD\nclass Mine(SGD): pass\n"
    monkeypatch.syspath_prepend(tmp_path)
    file = tmp_path / "edited_for_declaration.py"
    file.write_text(text)
    study = tuned_study(opts="adam,edited_for_declaration.Mine:lr=1e-3..1")
    declared(tmp_path, study.declaration("adam"), results(0))
    before = read_declaration(tmp_path).sources
    file.write_text(text + "# better\n")
    monkeypatch.delitem(sys.modules, "edited_for_declaration")
    study = tuned_study(opts="adam,edited_for_declaration.Mine:lr=1e-3..1")
    found, [change] = declared(tmp_path, study.declaration("adam"), results(3))
    assert change.startswith("source of edited_for_declaration.Mine: ")
    assert found.sources.keys() == before.keys()
    assert found.sources != before


@pytest.mark.parametrize("value", [None, (1.0, None), math.inf, {"a": None}, "none", True])
def test_an_outcome_keeps_every_hyperparameter_that_json_can_hold(tmp_path, value):
    declared(tmp_path, tuned_study().declaration("adam"), results(0))
    optimizer = chosen(0.1).optimizer
    hyperparameters = optimizer.hyperparameters | {"other": value}
    optimizer = replace(optimizer, hyperparameters=hyperparameters)
    with_outcomes(tmp_path, [structs.replace(chosen(0.1), optimizer=optimizer)], {}, results())
    assert read_declaration(tmp_path).chosen[0].optimizer == optimizer


@pytest.mark.parametrize("name", sorted(each.name for each in SHIPPED.glob("*.*.toml")))
def test_a_declaration_read_and_written_again_keeps_its_bytes(tmp_path, name):
    write_declaration(tmp_path, read_declaration(SHIPPED, name))
    assert (tmp_path / FILE).read_bytes() == (SHIPPED / name).read_bytes()


@pytest.mark.parametrize("l2", [0, 1, 0.0, 1e-4])
@pytest.mark.parametrize("opts", ["adam:schedule=constant|cosine:eps=1e-8", "sgd:lr=1..10,adam"])
def test_numbers_keep_their_form(tmp_path, opts, l2):
    study = replace(tuned_study(opts=opts), workloads=(replace(WORKLOAD, l2=l2),))
    declared(tmp_path, study.declaration(), results())
    with_outcomes(tmp_path, [chosen(1)], {"mlp/digits": 0.5}, results())
    text = (tmp_path / FILE).read_text()
    assert f"l2 = {l2!r}\n" in text
    write_declaration(tmp_path, read_declaration(tmp_path))
    assert (tmp_path / FILE).read_text() == text
    assert declared(tmp_path, study.declaration(), results(3, 3))[1] == ()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('kind = "full"', 'kind = "wide"', "expected kind to be one of lr, full, given"),
        ('label = "adam"\n', "", "missing or unknown: label"),
        ('label = "adam"\n', "label = 3\n", "expected label to be a text, got 3"),
        ("low = 1e-05", "low = -1", "range of lr: expected positive ends"),
        ("low = 1e-05", "other = 1", "other"),
        ('\\"hyperparameters\\": {', '\\"hyperparameter\\": {', "hyperparameter"),
        ('\\"label\\": \\"sgd lr=0.1\\"', '\\"label\\": 3', "label"),
    ],
)
def test_an_optimizer_that_the_suite_does_not_write_is_named(tmp_path, old, new, words):
    study = replace(tuned_study(), tuned=replace(tuned_study().tuned, tunables=FULL))
    declared(tmp_path, study.declaration("adam"), results())
    with_outcomes(tmp_path, [chosen(0.1)], {}, results())
    text = (tmp_path / FILE).read_text()
    assert old in text
    (tmp_path / FILE).write_text(text.replace(old, new, 1))
    with pytest.raises(UsageError, match=r"study\.toml is damaged") as found:
        read_declaration(tmp_path)
    assert words in str(found.value)
    assert "\n" not in str(found.value)
