"""README.md: its table says what docs/results.md says."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
RESULTS = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
SECTION = re.search(r"^## mlp/mnist, 2 epochs.*?(?=^## )", RESULTS, re.MULTILINE | re.DOTALL)[0]
ROWS = re.findall(r"^\| (\w+ lr=\S+) \| (.*?) \| (.*?) \| (.*?) \|$", README, re.MULTILINE)


def test_the_table_has_a_reference_and_others():
    assert len(ROWS) > 1
    assert [difference for *_, difference in ROWS].count("reference") == 1


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_row_agrees_with_the_results(row):
    name, loss, accuracy, difference = row
    line = re.search(rf"^\| {re.escape(name)} \|.*$", SECTION, re.MULTILINE)[0]
    _, _, their_loss, _, _, their_accuracy, seeds, their_difference = line.strip("| ").split(" | ")
    assert (loss, accuracy, seeds) == (their_loss, their_accuracy, "8 done")
    assert their_difference == difference
