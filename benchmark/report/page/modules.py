"""Bundling of ES modules into one inline script, because a page must be a single file."""

import re
from pathlib import Path

_IMPORT = re.compile(r'^import \{([^}]*)\} from "(\.[^"]*)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|const|class) (\w+))", re.MULTILINE)
_OTHER = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)
_COMMENT = re.compile(
    r"^[ \t]*/\*(?:(?!\*/).)*\*/[ \t]*\n|^// @ts-check\n", re.MULTILINE | re.DOTALL
)


def joined(*entries: Path) -> str:
    """Return one script that runs the modules `entries`, each after the modules it imports.

    Every module becomes a function that returns its exports, so that two modules may use the same
    name. Comments on lines of their own, including JSDoc types, are removed.

    Raises:
        ValueError: a module has an import or export of another form than ``import { name }
            from "./file.js";`` and ``export`` before a function, const or class; it imports a name
            that is not exported; or modules import each other in a circle.
    """
    modules: dict[Path, _Module] = {}
    for entry in entries:
        _load(entry.resolve(), modules, ())
    return "\n".join(module.text for module in modules.values())


class _Module:
    """A module turned into a function.

    Args:
        path: The module's file.
        source: The module's text, without comments.
        imported: The modules loaded before, by path.
    """

    def __init__(self, path: Path, source: str, imported: dict[Path, "_Module"]) -> None:
        self.name = f"module_{len(imported)}"
        self.exports = frozenset(_EXPORT.findall(source))

        def taken(match: re.Match[str]) -> str:
            origin = imported[(path.parent / match[2]).resolve()]
            names = [name.strip() for name in match[1].split(",") if name.strip()]
            if unknown := [name for name in names if name not in origin.exports]:
                raise ValueError(f"{path.name}: {match[2]} does not export {', '.join(unknown)}")
            return f"const {{ {', '.join(names)} }} = {origin.name};\n"

        body = _EXPORT.sub("", _IMPORT.sub(taken, source))
        if other := _OTHER.search(body):
            raise ValueError(
                f'{path.name}: expected `import {{ name }} from "./file.js";` or `export` before '
                f"a function, const or class, got {other[0]!r}"
            )
        given = ", ".join(sorted(self.exports))
        self.text = f"const {self.name} = (() => {{\n{body}return {{ {given} }};\n}})();"


def _load(path: Path, modules: dict[Path, _Module], importers: tuple[Path, ...]) -> None:
    if path in importers:
        circle = " → ".join(each.name for each in (*importers[importers.index(path) :], path))
        raise ValueError(f"modules import each other in a circle: {circle}")
    if path in modules:
        return
    source = _COMMENT.sub("", path.read_text(encoding="utf-8"))
    for _, relative in _IMPORT.findall(source):
        _load((path.parent / relative).resolve(), modules, (*importers, path))
    modules[path] = _Module(path, source, modules)
