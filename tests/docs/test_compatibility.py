"""docs/compatibility.md is written by the script beside it, and says what that would write now."""

import importlib.util
import re
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def script(digits):
    spec = importlib.util.spec_from_file_location("compatibility", DOCS / "compatibility.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["compatibility"] = module
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TORCHDYNAMO_DISABLE", "1")
        spec.loader.exec_module(module)
        yield module
    del sys.modules["compatibility"]


@pytest.fixture
def pages_rows(script):
    page = (DOCS / "compatibility.md").read_text()
    return {package.name: script.rows_of(package, page) for package in script.PACKAGES}


def test_the_page_has_every_class_of_torch_or_says_that_it_was_not_tried(script, pages_rows):
    package = script.PACKAGES[0]
    assert package.name == "torch.optim"
    text = (
        (DOCS / "compatibility.md").read_text().partition("## torch.optim")[2].partition("## ")[0]
    )
    found = re.search(r"Not tried yet: ([\w, ]+)\.", text)
    untried = found[1].split(", ") if found else []
    assert sorted([*pages_rows["torch.optim"], *untried]) == package.classes()


def test_the_page_has_only_verdicts_with_their_reason(pages_rows):
    for rows in pages_rows.values():
        for row in rows.values():
            assert row.verdict in ("runs", "runs so", "refused", "no descent")
            assert row.reason or row.verdict in ("runs", "runs so")
            assert (row.verdict == "runs") <= (row.write.count(":") == 0)


def test_a_cure_that_a_refusal_names_is_followed_once(script):
    refusal = "optimizer 'a.B' on p fails: E. It runs as a.B:create_graph=true"
    assert script._cured("a.B", "a.B", refusal) == "a.B:create_graph=true"
    assert script._cured("a.B", "a.B:create_graph=true", refusal) == ""
    refusal = "a.B needs num_data: give a.B:num_data=…"
    assert script._cured("a.B", "a.B", refusal) == "a.B:num_data=1257"
    assert script._cured("a.B", "a.B", "a.B needs model: give a.B:what=…") == ""


def what_holds_anywhere(script, row):
    """Return of a row what does not hang on how fast a machine is, or on how it rounds."""
    runs = row.verdict in script.RAN
    return row.name, runs, row.reason if row.verdict == "refused" else ""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ASGD", "Adafactor", "AdamW", "RMSprop"])
def test_the_page_says_of_torch_what_the_script_would(script, pages_rows, name):
    assert script.row(script.PACKAGES[0], name) == pages_rows["torch.optim"][name]


@pytest.mark.slow
@pytest.mark.timeout(4 * 3600)
def test_the_page_says_of_installed_packages_what_the_script_would(script, pages_rows):
    page = (DOCS / "compatibility.md").read_text()
    same = [p for p in script.PACKAGES if p.is_installed and f"## {p.title}\n" in page]
    assert same
    for package in same:
        kept = pages_rows[package.name]
        now = [what_holds_anywhere(script, script.row(package, name)) for name in kept]
        assert now == [what_holds_anywhere(script, row) for row in kept.values()]
