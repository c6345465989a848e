"""The types that scripts are checked against are those of the dataclasses that they are given."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pytest

from tests.javascript.declare_payloads import BENCHMARK, FILES, declarations

HERE = BENCHMARK.parent / "tests" / "javascript"
SCRIPTS = sorted(BENCHMARK.rglob("*.js"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_committed_types_are_those_of_the_dataclasses(path):
    assert path.read_text(encoding="utf-8") == declarations(*FILES[path]), (
        "run python tests/javascript/declare_payloads.py"
    )


@dataclass
class Leaf:
    """The end of it."""

    name: str


@pytest.mark.parametrize(
    ("hint", "declared"),
    [
        (str, "string"),
        (float | None, "number | null"),
        (list[bool], "boolean[]"),
        (Sequence[int | None], "(number | null)[]"),
        (tuple[str, ...], "string[]"),
        (tuple[tuple[float, float], ...], "[number, number][]"),
        (list[list[int | None]], "(number | null)[][]"),
        (Literal["a", "b"], '"a" | "b"'),
        (Mapping[Literal["a", "b"], int], 'Record<"a" | "b", number>'),
        (dict[str, list[int]], "Record<string, number[]>"),
        (Leaf, "Leaf"),
        (list[Leaf | None], "(Leaf | null)[]"),
    ],
)
def test_a_type_of_python_is_said_in_that_of_the_scripts(hint, declared):
    root = dataclass(type("Root", (), {"__annotations__": {"field": hint}, "__doc__": "A root."}))
    text = declarations(root)
    assert f"/** A root. */\nexport interface Root {{\n  field: {declared};\n}}\n" in text
    assert ("export interface Leaf" in text) == ("Leaf" in declared)


@pytest.mark.parametrize("hint", [object, bytes, set[int], complex, Any])
def test_what_json_does_not_have_is_refused(hint):
    root = dataclass(type("Root", (), {"__annotations__": {"field": hint}, "__doc__": "A root."}))
    with pytest.raises(TypeError, match="expected a type that JSON has"):
        declarations(root)


def test_two_classes_of_one_name_are_refused():
    other = dataclass(type("Leaf", (), {"__annotations__": {}, "__doc__": "Another."}))
    with pytest.raises(TypeError, match="two classes are called Leaf"):
        declarations(Leaf, other)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_every_script_asks_to_be_checked(path):
    assert path.read_text(encoding="utf-8").startswith("// @ts-check\n")
    assert "@ts-ignore" not in path.read_text(encoding="utf-8")
    assert "@ts-nocheck" not in path.read_text(encoding="utf-8")


def test_tools_are_pinned_and_the_page_depends_on_none():
    package = json.loads((HERE / "package.json").read_text(encoding="utf-8"))
    assert "dependencies" not in package
    for version in package["devDependencies"].values():
        assert version.replace(".", "").isdigit()
