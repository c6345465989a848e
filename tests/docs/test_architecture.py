"""docs/architecture.md names the rooms that there are, each of them and no other."""

import re
import tomllib
from pathlib import Path

from benchmark.launchers import LAUNCHERS
from benchmark.models.registry import MODELS
from benchmark.tasks.registry import TASKS
from datamodules.registry import DATASETS

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


def test_the_parts_of_the_benchmark_stand_in_the_order_of_the_linters_layers():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    [layers] = [each["layers"] for each in contracts if each.get("containers") == ["benchmark"]]
    place = {name.strip(): i for i, names in enumerate(layers) for name in names.split("|")}
    own = TREE.split("\n    benchmark/\n")[1].split("\n    optimizers/")[0]
    listed = re.findall(r"^      ([a-z_]+)(?:\.py|/) ", own, re.MULTILINE)
    assert sorted(listed) == sorted(place)
    assert [place[name] for name in listed] == sorted(place.values())


OF_A_TABLE = {  # folders with one file per row, verb, section or figure; the page names the folder
    "cli": "one file per verb",
    "page": "one file per section",
    "figures": "one file per figure",
    "rules": "one optimizer per file",
    "conformance": "one file per theme",
    "landscape": "paths of optimizers",
    "step_cost": "a step beside torch's",
}


def test_every_module_is_named_in_its_room_or_belongs_to_a_folder_of_one_kind():
    assert all(words in TREE for words in OF_A_TABLE.values())
    modules = {
        path.relative_to(ROOT)
        for package in ("benchmark", "optimizers", "datamodules")
        for path in (ROOT / package).rglob("*.py")
        if path.parent.name not in OF_A_TABLE and not path.name.startswith("__")
    }
    rows = [row for table in (DATASETS, MODELS, TASKS, LAUNCHERS) for row in table.values()]
    named = [row.target.partition(":")[0] for row in rows]
    named += [row.options.__module__ for row in LAUNCHERS.values() if row.options]
    of_rows = {Path(*name.split(".")).with_suffix(".py") for name in named}
    nameless = [str(m) for m in modules - of_rows if not re.search(rf"\b{m.name}\b", NOW)]
    assert sorted(nameless) == []
