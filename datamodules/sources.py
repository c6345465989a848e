"""The source files of a data set, and the folder of the data prepared from them.

Only the standard library is used. Prepared data are keyed by their source files and by the version
of the preparation, so changed files or a corrected preparation give new data.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datamodules import shards
from datamodules.errors import DataError, DataIncompleteError
from datamodules.folders import default_cache_dir, default_data_dir, downloads_dir, hub_cache_dir
from datamodules.layouts import LAYOUTS, Layout, Role
from datamodules.registry import DATASETS

MANIFEST = "manifest.json"
_KEY_LENGTH = 12


@dataclass(frozen=True, kw_only=True)
class Source:
    """The files of one data set in one layout.

    Args:
        layout: Layout of the files.
        folder: Folder of the files.
        files: Files by role of the layout, each group in order; a role without files is missing.
    """

    layout: Layout
    folder: Path
    files: Mapping[str, tuple[Path, ...]]

    def __str__(self) -> str:
        return f"{self.folder} ({self.layout.title})"

    def check(self) -> None:
        """Raise unless every file is there.

        Raises:
            DataIncompleteError: a file is missing.
            DataCorruptError: a file is not named like a shard, or belongs to another set of shards.
        """
        for role in self.layout.roles:
            if not self.files[role.name]:
                raise DataIncompleteError(self.folder, role.patterns[0])
            if self.layout.kind == "parquet":
                shards.check(self.folder, role.name, self.files[role.name])

    def key(self) -> str:
        """Return a short digest of path, size and times of every file.

        The times include the change time (ctime), which a copy that preserves dates cannot restore.
        """
        digest = hashlib.sha256()
        for path in (path for paths in self.files.values() for path in paths):
            found = path.stat()
            times = found.st_size, found.st_mtime_ns, found.st_ctime_ns
            digest.update(f"{path}\0{times}\n".encode("utf-8", "surrogateescape"))
        return digest.hexdigest()[:_KEY_LENGTH]


@dataclass(frozen=True, kw_only=True)
class Place:
    """The place of prepared data that exist or are to be made.

    Args:
        folder: Folder of the tensors and their manifest.
        origin: Description of their source.
        source: Source files; None for an embedded data set, or if the files are gone.
    """

    folder: Path
    origin: str
    source: Source | None = None

    def manifest(self) -> dict[str, Any]:
        """Return the manifest of the prepared data, empty if they do not exist."""
        return _manifest(self.folder)


def find_source(name: str, data_dir: Path | None, cache_dir: Path | None) -> Source | None:
    """Return the files of data set `name`: put there by hand, otherwise downloaded earlier.

    Among several layouts the first complete one counts, otherwise the first of those put there by
    hand. An interrupted download does not count and is repeated.
    """
    by_hand = data_dir or default_data_dir()
    for root in (by_hand, downloads_dir(cache_dir), hub_cache_dir()):
        found = list(_candidates(name, root)) if root else []
        complete = next(filter(_is_complete, found), None)
        if complete is not None or (found and root == by_hand):
            return complete or found[0]
    return None


def find_place(name: str, data_dir: Path | None, cache_dir: Path | None) -> Place | None:
    """Return the place of data set `name`; None if there is nothing to prepare it from.

    If the source files are gone, the data prepared from them earlier are used.

    Raises:
        DataError: the files are gone, and several preparations differ.
    """
    row = DATASETS[name]
    stem = _stem(name, cache_dir)
    if row.embedded:
        return Place(folder=stem, origin=row.source)
    source = find_source(name, data_dir, cache_dir)
    if source is not None:
        folder = stem.with_name(f"{stem.name}-{source.key()}")
        return Place(folder=folder, origin=str(source), source=source)
    return _prepared_before(name, stem)


def _stem(name: str, cache_dir: Path | None) -> Path:
    return (cache_dir or default_cache_dir()) / f"{name}-v{DATASETS[name].preparation}"


def _prepared_before(name: str, stem: Path) -> Place | None:
    folders = sorted(path.parent for path in stem.parent.glob(f"{stem.name}-*/{MANIFEST}"))
    notes = {folder: _manifest(folder) for folder in folders}
    if len({str(note.get("sha256")) for note in notes.values()}) > 1:
        origins = " and from ".join(str(note.get("source")) for note in notes.values())
        raise DataError(
            f"data set {name!r} was prepared from {origins}, which differ: "
            f"say with --data-dir FOLDER which files are meant"
        )
    if not folders:
        return None
    origin = f"{notes[folders[0]].get('source')}, prepared before"
    return Place(folder=folders[0], origin=origin)


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        found = json.loads((folder / MANIFEST).read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _candidates(name: str, root: Path) -> Iterator[Source]:
    for layout in LAYOUTS[name]:
        for pattern in layout.folders:
            for folder in sorted(root.glob(pattern)) if "*" in pattern else (root / pattern,):
                files = {role.name: _files(folder, role) for role in layout.roles}
                if any(files.values()):
                    folder = folder.resolve()
                    yield Source(layout=layout, folder=folder, files=files)


def _files(folder: Path, role: Role) -> tuple[Path, ...]:
    for pattern in role.patterns:
        found = sorted(folder.glob(pattern)) if role.many else [folder / pattern]
        files = tuple(path.absolute() for path in found if path.is_file())
        if files:
            return files
    return ()


def _is_complete(source: Source) -> bool:
    try:
        source.check()
    except DataError:
        return False
    return True
