"""Files that the documentation names are there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
NAMED = re.compile(
    r"(?<![\w/.-])(?:benchmark|optimizers|datamodules|tests|docs|perf|tools)/[\w./-]+\.(?:py|js|md|toml|svg|parquet)\b"
)
MADE_UP = ("mine.py", "mine_options.py", "verb.py")  # that a reader would write


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_every_path_exists(page):
    text = page.read_text(encoding="utf-8").split("\n## Planned")[0]
    missing = {name for name in NAMED.findall(text) if not (ROOT / name).exists()}
    assert {name for name in missing if Path(name).name not in MADE_UP} == set()


def test_a_file_that_moved_would_be_found():
    assert NAMED.findall("`benchmark/nowhere/it.py`") == ["benchmark/nowhere/it.py"]
