"""Types of the pages' data, for TypeScript: made from the dataclasses that Python fills.

Run ``python tests/javascript/declare_payloads.py`` after a change of these; a test compares.
"""

import types
from collections import abc
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from benchmark.report.page import payload as report
from benchmark.workbench.landscape import payload as landscape

BENCHMARK = Path(__file__).parents[2] / "benchmark"
FILES = {
    BENCHMARK / "report/assets/page/payload.d.ts": (report.Payload, report.CurvePart),
    BENCHMARK / "workbench/assets/landscape-payload.d.ts": (landscape.Payload,),
}
_HEAD = "// Made by tests/javascript/declare_payloads.py from the dataclasses of the payload.\n"
_PLAIN = {
    str: "string",
    int: "number",
    float: "number",
    bool: "boolean",
    types.NoneType: "null",
}
_UNIONS = (Union, types.UnionType)
_LISTS = (list, abc.Sequence)
_TABLES = (dict, abc.Mapping)


def declarations(*roots: type) -> str:
    """Return an interface for each of the dataclasses `roots` and for those inside them.

    Raises:
        TypeError: a field has a type that JSON does not have, or two classes have one name.
    """
    found: dict[str, type] = {}
    texts: dict[str, str] = {}
    for root in roots:
        _declare(root, found, texts)
    return "\n".join([_HEAD, *(texts[name] for name in sorted(texts))])


def _declare(cls: type, found: dict[str, type], texts: dict[str, str]) -> str:
    name = cls.__name__
    if found.setdefault(name, cls) is not cls:
        raise TypeError(f"two classes are called {name}: {found[name]} and {cls}")
    if name not in texts:
        texts[name] = ""  # it may contain itself
        hints = get_type_hints(cls)
        lines = [f"  {each.name}: {_type(hints[each.name], found, texts)};" for each in fields(cls)]
        words = (cls.__doc__ or "").splitlines()[0]
        texts[name] = (
            "\n".join([f"/** {words} */", f"export interface {name} {{", *lines, "}"]) + "\n"
        )
    return name


def _type(hint: Any, found: dict[str, type], texts: dict[str, str]) -> str:
    if hint in _PLAIN:
        return _PLAIN[hint]
    if isinstance(hint, type) and is_dataclass(hint):
        return _declare(hint, found, texts)
    arguments = get_args(hint)
    if get_origin(hint) is Literal:
        return " | ".join(f'"{each}"' for each in arguments)
    return _compound(hint, [_type(each, found, texts) for each in arguments if each is not ...])


def _compound(hint: Any, inner: list[str]) -> str:
    """Return the type of `hint`, whose arguments are `inner` in TypeScript."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in _UNIONS:
        return " | ".join(inner)
    if origin in _LISTS or (origin is tuple and arguments[-1] is ...):
        is_union = get_origin(arguments[0]) in (Literal, *_UNIONS)
        return f"({inner[0]})[]" if is_union else f"{inner[0]}[]"
    if origin is tuple:
        return f"[{', '.join(inner)}]"
    if origin in _TABLES:
        return f"Record<{inner[0]}, {inner[1]}>"
    raise TypeError(f"expected a type that JSON has, got {hint}")


if __name__ == "__main__":
    for path, roots in FILES.items():
        path.write_text(declarations(*roots), encoding="utf-8")
