"""Which module and text a plug-in comes from; what was measured before an edit is not reused."""

import hashlib
import sysconfig
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

_OURS = ("benchmark", "optimizers", "datamodules")  # the record's `suite` and `commit` tell these


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
