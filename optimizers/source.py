"""The module and source text of a plug-in; results from before an edit are not reused."""

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
from optimizers.errors import SourceError
from optimizers.pick import shown

DIGEST_LENGTH = 12  # characters
_OURS = ("benchmark", "optimizers", "datamodules")  # a record's `suite` and `commit` identify these


def reachable(path: str) -> str:
    """Return an import path for ``path/to/mine.py:Class``, and any other text unchanged.

    The folder of the file is appended to `sys.path`, so ``mine.Class`` is the same optimizer, with
    the same records, from any working directory.

    Raises:
        SourceError: the file does not exist, its name is not a valid module name, or another
            module is found under that name.

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
    """Return a cure if `error` says that `module` was not found; "" for other errors."""
    first = module.partition(".")[0]
    if not (isinstance(error, ModuleNotFoundError) and error.name in (first, module)):
        return ""
    return (
        f"no module {shown(first)} in {Path.cwd()}, nor installed. Run from the folder that holds "
        f"{first}.py, or give the path of the file: path/to/{first}.py:Class"
    )


def source_digest(path: str) -> str:
    """Return a digest of the file that defines the class at import path `path`.

    The digest is "" for installed packages, which have a version, and if no file is found. Files
    that this file imports do not count.

    >>> source_digest("torch.optim.Adam")
    ''
    """
    file = file_of(path)
    if file is None or path.partition(".")[0] in _OURS or _is_installed(file):
        return ""
    return hashlib.sha256(file.read_bytes()).hexdigest()[:DIGEST_LENGTH]


@cache
def literal_defaults(target: str) -> Mapping[str, Any]:
    """Return the defaults of a class's arguments, read from its source file without importing it.

    Args:
        target: ``module:class``; the class has its own constructor.

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
    """Return the bounds in the body of a class, read from its source file without importing it.

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
    file = file_of(f"{module}.{name}")
    tree = ast.parse(file.read_text(encoding="utf-8") if file else "")
    own = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name]
    return [node for cls in own for node in cls.body]


def module_of(path: str) -> str:
    """Return the longest prefix of import path `path` that is a module; the rest are classes.

    If no prefix is a module, return everything before the last name. Packages on the way are
    imported; their errors are ignored here because loading the class raises them again.

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


def file_of(path: str) -> Path | None:
    """Return the file that defines the class at import path `path`; None if none is found."""
    with suppress(Exception, SystemExit):
        found = find_spec(module_of(path))
        if found is not None and found.origin and Path(found.origin).is_file():
            return Path(found.origin)
    return None


def _is_installed(file: Path) -> bool:
    folders = {sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")}
    return any(file.is_relative_to(folder) for folder in folders)
