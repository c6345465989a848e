"""When the declaration of a study is written, and what changes it."""

import multiprocessing
import sys
from dataclasses import replace

import pytest
from msgspec.structs import replace as replaced

from benchmark.declaration import Deviation, read_declaration
from benchmark.declaring import declared, with_outcomes
from benchmark.errors import UsageError
from tests.benchmark.declared_studies import chosen, fixed_study, results, tuned_study


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
    monkeypatch.setattr("benchmark.declaring._alone", refuse)
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
