"""docs/results.md is made from the records beside it, and is not written by hand."""

import re
import shutil
import tomllib
from pathlib import Path

import polars as pl
import pytest

from benchmark.__main__ import main

DOCS = Path(__file__).parents[2] / "docs"
RECORDS = DOCS / "results" / "reference.parquet"
COMPARED = {
    "sgd",
    "momentum",
    "nesterov",
    "adagrad",
    "adadelta",
    "rmsprop",
    "adam",
    "adamw",
    "lion",
}


def test_the_records_are_of_equal_seeds_and_small():
    trials = pl.read_parquet(RECORDS, columns=["problem", "label", "seed", "status"])
    problems = set(tomllib.loads(RECORDS.with_suffix(".toml").read_text())["problem"])
    assert set(trials["problem"]) == problems
    for problem in problems:
        of_it = trials.filter(problem=problem)
        assert {label.partition(" ")[0] for label in of_it["label"]} == COMPARED
        assert sorted(of_it["seed"]) == sorted([*range(10)] * len(COMPARED))
    assert set(trials["status"]) <= {"done", "diverged"}
    assert RECORDS.stat().st_size < 2e6


@pytest.mark.slow
def test_the_document_says_what_the_records_say(tmp_path, capsys):
    results = tmp_path / "results"
    assert main(["restore", str(RECORDS), "--results", str(results)]) == 0
    arguments = ["report", "reference", "--format", "md"]
    target = tmp_path / "results.md"
    assert main([*arguments, "--results", str(results), "--out", str(target)]) == 0
    assert target.read_text() == (DOCS / "results.md").read_text()
    shown = re.findall(r"\(results/([^)]*\.svg)\)", target.read_text())
    assert len(shown) > 5
    assert [name for name in shown if not (DOCS / "results" / name).exists()] == []
    shutil.rmtree(results)


def test_the_document_begins_with_a_few_sentences_that_name_every_optimizer():
    opening = (DOCS / "results.md").read_text().split("\n\n")[1]
    assert 3 <= len(re.findall(r"\.(?= [A-Z]|$)", opening)) <= 6
    assert all(re.search(rf"\b{name}\b", opening) for name in COMPARED)


def test_the_readmes_picture_is_one_of_them():
    readme = (DOCS.parent / "README.md").read_text()
    (picture,) = re.findall(r"!\[[^]]*\]\(([^)]*)\)", readme)
    assert (DOCS.parent / picture).exists()
