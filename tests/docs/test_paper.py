"""docs/paper.md and its pictures are made from the records in docs/paper, and not by hand.

Pictures are compared byte for byte. Where the installed matplotlib is not the one that drew them,
the places of letters and lines may differ a little; then their elements and colours are compared.
"""

import re
from pathlib import Path

import matplotlib
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
    stale = [name for name in shown if not _same(DOCS / name, tmp_path / name)]
    assert stale == [], "make paper"


def _same(kept, made):
    old, new = kept.read_text(), made.read_text()
    if f"Matplotlib v{matplotlib.__version__}," in old:
        return old == new
    return _elements(old) == _elements(new)


def _elements(picture):
    return re.findall(r"<\w+|#[0-9a-f]{6}\b", picture)


@pytest.mark.parametrize(
    ("version", "edited", "is_same"),
    [
        (matplotlib.__version__, ("L 10 20", "L 10 20"), True),
        (matplotlib.__version__, ("L 10 20", "L 10 21"), False),
        ("0.1", ("L 10 20", "L 10 21"), True),
        ("0.1", ("#145dab", "#2d95aa"), False),
        ("0.1", ("</svg>", "<path/></svg>"), False),
    ],
)
def test_a_picture_that_was_drawn_otherwise_is_noticed(version, edited, is_same, tmp_path):
    kept, made = tmp_path / "kept.svg", tmp_path / "made.svg"
    kept.write_text(f'Matplotlib v{version}, <svg><path d="L 10 20" stroke="#145dab"/></svg>')
    made.write_text(kept.read_text().replace(*edited))
    assert _same(kept, made) == is_same


def test_the_strip_has_a_row_for_each_claim_and_each_link_leads_to_a_block():
    text = (DOCS / "paper.md").read_text()
    strip = text.split("\n\n")[2].splitlines()[2:]
    named = [re.match(r"\| \[?([\w-]+)", line)[1] for line in strip]
    assert named == [each.name for each in rules().claims]
    for claim in re.findall(r"\]\(#([\w-]+)\)", text):
        assert f"\n### {claim}\n" in text
