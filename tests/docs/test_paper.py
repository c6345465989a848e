"""docs/paper.md is made from the records in docs/paper, and is not written by hand."""

import re
from pathlib import Path

import polars as pl
import pytest

from benchmark.__main__ import main
from benchmark.paper.rules import rules

DOCS = Path(__file__).parents[2] / "docs"
RECORDS = sorted((DOCS / "paper").glob("*.parquet"))


def test_each_file_of_records_is_an_experiment_of_the_rules_and_small():
    assert {each.stem for each in RECORDS} <= {each.name for each in rules().experiments}
    assert RECORDS != []
    for path in RECORDS:
        trials = pl.read_parquet(path, columns=["study", "status"])
        assert set(trials["study"]) == {path.stem}
        assert set(trials["status"]) <= {"done", "diverged"}
        assert path.stat().st_size < 2e6


@pytest.mark.slow
def test_the_document_says_what_the_records_say(tmp_path, capsys):
    results = tmp_path / "results"
    for path in RECORDS:
        assert main(["restore", str(path), "--results", str(results)]) == 0
    target = tmp_path / "paper.md"
    words = ["paper", "adam", "--scale", "full", "--results", str(results), "--out", str(target)]
    assert main(words) == 0
    assert target.read_text() == (DOCS / "paper.md").read_text()
    shown = re.findall(r"\((paper/[^)]*\.svg)\)", target.read_text())
    drawn = {path.relative_to(DOCS).as_posix() for path in (DOCS / "paper").glob("*.svg")}
    assert set(shown) == drawn


def test_the_strip_has_a_row_for_each_claim_and_each_link_leads_to_a_block():
    text = (DOCS / "paper.md").read_text()
    strip = text.split("\n\n")[2].splitlines()[2:]
    named = [re.match(r"\| \[?([\w-]+)", line)[1] for line in strip]
    assert named == [each.name for each in rules().claims]
    for claim in re.findall(r"\]\(#([\w-]+)\)", text):
        assert f"\n### {claim}\n" in text
