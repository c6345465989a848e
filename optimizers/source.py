"""Which module and text a plug-in comes from; what was measured before an edit is not reused."""

import ast
import hashlib
import sys
import sysconfig
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from optimizers.bounds import Bound
from optimizers.pick import shown


class SourceError(ValueError):
    """A file that does not give a class; the message is one line."""


_OURS = ("benchmark", "optimizers", "datamodules")  # the record's `suite` and `commit` tell these


def reachable(path: str) -> str:
    """Return an import path for ``path/to/mine.py:Class``; every other text as it is.

    The folder of the file becomes the last place that modules are looked for in, so that
    ``mine.Class`` is the same optimizer, with the same records, wherever it is called from.

    Raises:
        SourceError: there is no such file, its name cannot be a module's, or another module is
            found under that name.

    >>> reachable("torch.optim.Adam")
    'torch.optim.Adam'
    """
    before, colon, names = path.partition(".py:")
    if not colon:
        return path
    file = Path(f"{before}.py").expanduser().absolute()
    if not file.is_file():
        raise SourceError(f"{shown(path)}: there is no file {shown(str(file))}")
    if not file.stem.isidentifier() or not all(map(str.isidentifier, names.split("."))):
        raise SourceError(f"{shown(path)}: expected a module and a class, as in mine.py:MyOpt")
    if str(file.parent) not in sys.path:
        sys.path.append(str(file.parent))
    found = find_spec(file.stem)
    if found is None or found.origin is None or not file.samefile(found.origin):
        other = found.origin if found else "nothing"
        raise SourceError(
            f"{shown(path)}: the name {file.stem!r} leads to {other}; rename your file"
        )
    return f"{file.stem}.{names}"


def why_not_found(error: BaseException, module: str) -> str:
    """Return what to do if `error` says that `module` is nowhere; "" for other errors."""
    first = module.partition(".")[0]
    if not (isinstance(error, ModuleNotFoundError) and error.name in (first, module)):
        return ""
    return (
        f"no module {shown(first)} in {Path.cwd()}, nor installed. Run from the folder that holds "
        f"{first}.py, or give the path of the file: path/to/{first}.py:Class"
    )


def source_digest(path: str) -> str:
    """Return a digest of the file that import path `path` leads to.

    Empty for what is installed, which has a version, and for what cannot be found. Files that the
    file imports in its turn are not looked at.

    >>> source_digest("torch.optim.Adam")
    ''
    """
    file = _file_of(path)
    if file is None or path.partition(".")[0] in _OURS or _is_installed(file):
        return ""
    return hashlib.sha256(file.read_bytes()).hexdigest()[:12]


@cache
def literal_defaults(target: str) -> Mapping[str, Any]:
    """Return the defaults of a class's arguments, read off its file: nothing is imported.

    Args:
        target: ``module:class``, of a class with a constructor of its own.

    >>> literal_defaults("optimizers.rules.sgd:SGD")["weight_decay"]
    0.0
    """
    functions = [node for node in _body(target) if isinstance(node, ast.FunctionDef)]
    (takes,) = [function.args for function in functions if function.name == "__init__"]
    last = takes.args[len(takes.args) - len(takes.defaults) :]
    pairs = [*zip(last, takes.defaults, strict=True)]
    pairs += [(a, v) for a, v in zip(takes.kwonlyargs, takes.kw_defaults, strict=True) if v]
    return {argument.arg: ast.literal_eval(value) for argument, value in pairs}


@cache
def literal_bounds(target: str) -> Mapping[str, Bound]:
    """Return the bounds that a class's own body gives, read off its file: nothing is imported.

    Args:
        target: ``module:class``.

    >>> literal_bounds("optimizers.rules.sgd:SGD")["lr"]
    Bound(low=0.0, high=inf, count=1)
    """
    named = [node for node in _body(target) if isinstance(node, ast.AnnAssign)]
    values = [node.value for node in named if ast.unparse(node.target) == "bounds"]
    pairs = [
        pair
        for value in values
        if isinstance(value, ast.Dict)
        for pair in zip(value.keys, value.values, strict=True)
    ]
    found = {}
    for key, call in pairs:
        if isinstance(key, ast.Constant) and isinstance(call, ast.Call):
            numbers = {str(each.arg): ast.literal_eval(each.value) for each in call.keywords}
            found[str(key.value)] = Bound(**numbers)
    return found


def _body(target: str) -> list[ast.stmt]:
    module, _, name = target.partition(":")
    file = _file_of(f"{module}.{name}")
    tree = ast.parse(file.read_text(encoding="utf-8") if file else "")
    own = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name]
    return [node for cls in own for node in cls.body]


def module_of(path: str) -> str:
    """Return the longest beginning of import path `path` that is a module; the rest are classes.

    All but the last name where there is none. Packages on the way are imported; one that raises is
    passed over, for whoever loads the class hears of it.

    >>> module_of("torch.optim.Adam"), module_of("pathlib.Path.home")
    ('torch.optim', 'pathlib')
    """
    parts = path.split(".")
    for length in range(len(parts) - 1, 0, -1):
        module = ".".join(parts[:length])
        with suppress(Exception, SystemExit):
            if find_spec(module):
                return module
    return path.rpartition(".")[0]


def _file_of(path: str) -> Path | None:
    with suppress(Exception, SystemExit):
        found = find_spec(module_of(path))
        if found is not None and found.origin and Path(found.origin).is_file():
            return Path(found.origin)
    return None


def _is_installed(file: Path) -> bool:
    folders = {sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")}
    return any(file.is_relative_to(folder) for folder in folders)
