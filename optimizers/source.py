"""Which text a plug-in was made from, so that what was measured before an edit is not reused."""

import hashlib
import sysconfig
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


def _file_of(path: str) -> Path | None:
    parts = path.split(".")
    for length in range(len(parts) - 1, 0, -1):
        try:
            found = find_spec(".".join(parts[:length]))
        except (ImportError, ValueError, SyntaxError):
            continue
        if found is not None and found.origin and Path(found.origin).is_file():
            return Path(found.origin)
    return None


def _is_installed(file: Path) -> bool:
    folders = {sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")}
    return any(file.is_relative_to(folder) for folder in folders)
