"""The verdicts that are kept in a study's folder: printed alike, and only while they hold."""

import json
import os
from dataclasses import replace

import pytest

from benchmark.__main__ import main
from benchmark.analysis import judging
from benchmark.declaration import read_declaration, write_declaration
from benchmark.report import kept
from benchmark.report.kept import FILE, verdicts_in
from benchmark.step_costs import StepCost, write_step_costs


@pytest.fixture
def judged(monkeypatch):
    """Return the studies that were judged, of which each call adds one."""
    found = []
    real = judging.judgement_of

    def judgement_of(declaration, *results):
        found.append(declaration)
        return real(declaration, *results)

    monkeypatch.setattr(judging, "judgement_of", judgement_of)
    return found


def verdicts(store):
    return verdicts_in(store, store.records)


def shown(store, capsys, *options):
    assert main(["show", store.study, "--results", str(store.folder.parent), *options]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_output_is_the_same_with_and_without_the_file(tuned, capsys, judged, options):
    store = tuned(own=0.1)
    without = shown(store, capsys, *options)
    assert len(judged) == 1
    assert shown(store, capsys, *options) == without
    assert len(judged) == 1
    (store.folder / FILE).unlink()
    assert shown(store, capsys, *options) == without
    assert len(judged) == 2


def _change_a_record(store):
    record = next(r for r in store.records() if r.trial.purpose == "evaluation")
    losses = dict.fromkeys(record.metrics, 9.0)
    store.write(replace(record, metrics=losses))


def _touch_a_record(store):
    path = next(store.folder.glob("*/record.json"))
    os.utime(path, ns=(1, 1))


def _remove_a_record(store):
    next(store.folder.glob("*/record.json")).unlink()


def _add_a_record(store):
    record = store.records()[0]
    store.write(replace(record, trial=replace(record.trial, seed=77)))


def _change_the_declaration(store):
    declaration = read_declaration(store.folder)
    margins = dict.fromkeys(declaration.margins, 0.5)
    write_declaration(store.folder, kept.msgspec.structs.replace(declaration, margins=margins))


def _time_the_steps(store):
    cost = StepCost(trial="t", reference="r", cpu="", at="", failure="none")
    write_step_costs(store.folder, [cost])


CHANGES = (
    _time_the_steps,
    _change_a_record,
    _touch_a_record,
    _remove_a_record,
    _add_a_record,
    _change_the_declaration,
)


@pytest.mark.parametrize("change", CHANGES)
def test_verdicts_are_found_anew_when_the_study_changes(tuned, judged, change):
    store = tuned(problems=("logreg/digits",))
    verdicts(store)
    change(store)
    found = verdicts(store)
    assert len(judged) == 2
    (store.folder / FILE).unlink()
    assert verdicts(store) == found


def test_verdicts_are_found_anew_by_another_version(tuned, judged, monkeypatch):
    store = tuned(problems=("logreg/digits",))
    verdicts(store)
    monkeypatch.setattr("benchmark.__version__", "another")
    verdicts(store)
    assert len(judged) == 2


def _without(name):
    def damage(text):
        data = json.loads(text)
        del data[name]
        return json.dumps(data)

    return damage


def _other(change):
    """Return a damage that changes the verdicts and leaves the file's digest right."""

    def damage(text):
        data = json.loads(text)
        change(data["verdicts"])
        data["sha256"] = kept._digest(data["verdicts"])
        return json.dumps(data)

    return damage


DAMAGES = {
    "empty": lambda text: "",
    "cut off": lambda text: text[: len(text) // 2],
    "no JSON": lambda text: "not JSON",
    "a list": lambda text: "[]",
    "null": lambda text: "null",
    "a number": lambda text: "3",
    "deeply nested": lambda text: "[" * 100_000,
    "another word": lambda text: text.replace("worse", "better"),
    "no state": _without("state"),
    "no digest": _without("sha256"),
    "no verdicts": _without("verdicts"),
    "other types": _other(lambda found: found.update(rows="none")),
    "an unknown word": _other(lambda found: found["statements"][0].update(word="best")),
    "a part missing": _other(lambda found: found.pop("statements")),
}


@pytest.mark.one_in(3)
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_file_is_ignored_and_replaced(tuned, judged, damage):
    store = tuned(problems=("logreg/digits",), own=0.1)
    whole = verdicts(store)
    path = store.folder / FILE
    text = path.read_text()
    assert damage(text) != text
    path.write_text(damage(text))
    assert verdicts(store) == whole
    assert len(judged) == 2
    assert path.read_text() == text


def test_a_folder_or_a_link_to_nothing_in_its_place_does_no_harm(tuned):
    store = tuned(problems=("logreg/digits",))
    whole = verdicts(store)
    path = store.folder / FILE
    path.unlink()
    path.mkdir()
    assert verdicts(store) == whole
    path.rmdir()
    path.symlink_to("nowhere")
    assert verdicts(store) == whole


def test_verdicts_are_printed_where_they_cannot_be_kept(tuned, monkeypatch):
    store = tuned(problems=("logreg/digits",))

    def full(path, text):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(kept, "write_text", full)
    assert verdicts(store).statements
    assert not (store.folder / FILE).exists()


def test_a_study_of_given_optimizers_keeps_no_verdicts(studied):
    store = studied("adam,sgd")
    assert verdicts(store) is None
    assert not (store.folder / FILE).exists()
