"""The lists in the documents are those that the tables of the packages give."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from datamodules.layouts import LAYOUTS
from optimizers.registry import OPTIMIZERS

ROOT = Path(__file__).parents[2]


def script():
    spec = spec_from_file_location("write_lists", ROOT / "docs" / "write_lists.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", ["README.md", "docs/optimizers.md", "docs/data.md"])
def test_a_page_lists_what_its_table_has(page):
    path = ROOT / page
    assert path.read_text(encoding="utf-8") == script().with_lists(path), (
        "run python docs/write_lists.py"
    )


def test_the_table_has_a_line_of_each_row_with_as_many_cells_as_the_head():
    head, _, *lines = script().table().strip().splitlines()
    assert [line.split("`")[1] for line in lines] == list(OPTIMIZERS)
    assert {line.count("|") for line in lines} == {head.count("|")}


def test_the_table_of_layouts_has_every_folder_of_every_data_set():
    _, _, *lines = script().layouts().strip().splitlines()
    assert [line.split("`")[1] for line in lines] == list(LAYOUTS)
    for line, layouts in zip(lines, LAYOUTS.values(), strict=True):
        folders = [each for layout in layouts for each in layout.folders if each != "."]
        assert folders
        assert all(f"`{each}`" in line for each in folders)


def test_a_page_without_its_comments_is_refused(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("no list")
    with pytest.raises(ValueError, match="expected one list between"):
        script().with_lists(page)
