"""docs/architecture.md names the rooms that there are, each of them and no other."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
TREE = PAGE.split("\n## Rooms")[1].split("\n## ")[0]
NOW = PAGE.split("\n## Planned")[0]


def _files():
    packages = ("benchmark", "optimizers", "datamodules", "perf", "tests", "docs", "tools")
    return {*packages, *(p.name for each in packages for p in (ROOT / each).rglob("*"))}


def test_every_file_and_folder_that_is_named_exists():
    named = set(re.findall(r"(?<![\w/.])([A-Za-z_]+\.(?:py|md))\b", NOW))
    named |= {name.strip("/") for name in re.findall(r"(?<![\w/.`])([a-z_]+/)(?=[\s,;])", TREE)}
    assert named - _files() == set()


def test_every_part_of_the_benchmark_has_its_line():
    parts = {path.name for path in (ROOT / "benchmark").iterdir()}
    lines = set(re.findall(r"^      ([a-z_]+(?:\.py|/))", TREE, re.MULTILINE))
    expected = {part if part.endswith(".py") else f"{part}/" for part in parts}
    assert lines >= expected - {"__init__.py/", "__init__.py", "py.typed/", "__pycache__/"}
