"""README.md: its tables agree with docs/results.md and with the table of problems."""

import re
from pathlib import Path

import pytest

from benchmark.problems import PROBLEMS

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
RESULTS = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
PROBLEM = re.search(r"\(`(\w+/\w+)`\), tuned", README)[1]
ROWS = re.findall(
    r"^\| (\w+) \| (.*?) \| (better|worse|equivalent|undecided) \|$", README, re.MULTILINE
)


def test_the_table_has_every_optimizer_that_was_compared():
    compared = re.findall(rf"^\| {PROBLEM} \| (\w+) \|", RESULTS, re.MULTILINE)
    assert len(ROWS) >= 6
    assert {name for name, *_ in ROWS} == set(compared)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_row_agrees_with_the_results(row):
    name, difference, word = row
    line = re.search(rf"^\| {PROBLEM} \| {name} \|.*$", RESULTS, re.MULTILINE)[0]
    _, _, their_difference, their_word, *_ = line.strip("| ").split(" | ")
    assert (difference, word) == (their_difference, their_word)


def test_the_problems_have_the_epochs_of_their_table():
    table = README.split("\n## Problems\n")[1].split("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in re.findall(r"^\| `.*$", table, re.MULTILINE)]
    named = {}
    for problems, *_, epochs in rows:
        found = re.findall(r"`([^`]+)`", problems)
        named |= dict(zip(found, map(int, epochs.split(", ")), strict=True))
    assert len(named) >= 8
    assert named == {name: PROBLEMS[name].workload.epochs for name in named}
