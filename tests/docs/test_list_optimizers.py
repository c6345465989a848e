"""The lists of optimizers in the documents are those that the registry's rows give."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from optimizers.registry import OPTIMIZERS

ROOT = Path(__file__).parents[2]


def script():
    spec = spec_from_file_location("list_optimizers", ROOT / "docs" / "list_optimizers.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", ["README.md", "docs/optimizers.md"])
def test_a_page_lists_what_the_registry_has(page):
    path = ROOT / page
    assert path.read_text(encoding="utf-8") == script().with_lists(path), (
        "run python docs/list_optimizers.py"
    )


def test_the_table_has_a_line_of_each_row_with_as_many_cells_as_the_head():
    head, _, *lines = script().table().strip().splitlines()
    assert [line.split("`")[1] for line in lines] == list(OPTIMIZERS)
    assert {line.count("|") for line in lines} == {head.count("|")}


def test_a_page_without_its_comments_is_refused(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("no list")
    with pytest.raises(ValueError, match="expected one list between"):
        script().with_lists(page)
