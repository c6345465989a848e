"""The declaration of a study, in its file."""

import math
import tomllib
from dataclasses import replace

import pytest
from msgspec import structs

from benchmark.baselines import FOLDER as SHIPPED
from benchmark.declaration import FILE, read_declaration, write_declaration
from benchmark.declaring import declared, with_outcomes
from benchmark.errors import UsageError
from tests.benchmark.declared_studies import (
    FULL,
    WORKLOAD,
    chosen,
    fixed_study,
    results,
    tuned_study,
)


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
