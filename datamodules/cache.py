"""Prepared data sets on disk: built once, checked by digest, mapped into memory by every worker."""

import hashlib
import json
import os
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from datamodules.errors import DataError, DataWarning

Tensors = Mapping[str, Tensor]
LAYOUT = (
    2  # version of names and meaning of the tensors; 1 had separate training and validation rows
)


class Cache:
    """One prepared data set: a tensor file and a manifest with its digest.

    Args:
        folder: Folder of the two files, created when needed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._tensors = folder / "tensors.pt"
        self._manifest = folder / "manifest.json"

    def prepare(
        self, build: Callable[[], Tensors], note: Callable[[], Mapping[str, Any]] = dict
    ) -> None:
        """Make sure that the cache exists and is whole; call `build` if it is not.

        Args:
            build: Function that returns the tensors.
            note: Function, called after `build`, that returns further entries of the manifest.

        One process builds, and others wait for it meanwhile. A whole cache is only read, so it may
        lie in a folder that this user cannot write.

        Raises:
            OSError: the folder cannot be written, or the disk is full; no partial file is left.
        """
        from filelock import FileLock

        if self._whole():
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        with FileLock(self.folder / ".lock"):
            if self._whole():  # another process has built it meanwhile
                return
            if self._manifest.exists():
                is_old = self._layout() not in (LAYOUT, None)
                what = "of another version of the suite" if is_old else "damaged"
                words = f"the prepared data in {self.folder} are {what}; made again"
                warnings.warn(words, DataWarning, stacklevel=2)
            self._write(build(), note)

    def load(self) -> Tensors:
        """Return the tensors, mapped from the file without a copy and shared by all processes.

        Raises:
            FileNotFoundError: `prepare` has not been called.
            DataError: another version of the suite has prepared them, or the manifest is damaged.
        """
        if self._tensors.exists() and self._layout() != LAYOUT:
            raise DataError(
                f"the prepared data in {self.folder} are damaged or of another version of the "
                "suite: run the command again, which prepares them anew"
            )
        tensors: Tensors = torch.load(self._tensors, mmap=True, weights_only=True)
        return tensors

    def checksum(self) -> str:
        """Return the SHA-256 of the prepared tensors from the manifest."""
        return str(self.manifest()["sha256"])

    def manifest(self) -> dict[str, Any]:
        """Return the entries of the manifest, those of `prepare`'s `note` included.

        Raises:
            FileNotFoundError: `prepare` has not been called.
        """
        found: dict[str, Any] = json.loads(self._manifest.read_text())
        return found

    def _layout(self) -> int | None:
        """Return the layout of the tensors; 1 if the manifest names none, None if unreadable."""
        try:
            return int(json.loads(self._manifest.read_text()).get("layout", 1))
        except (OSError, ValueError, TypeError, AttributeError):
            return None

    def _whole(self) -> bool:
        if self._layout() != LAYOUT:
            return False
        try:
            recorded = json.loads(self._manifest.read_text())["sha256"]
            with self._tensors.open("rb") as file:
                return bool(hashlib.file_digest(file, "sha256").hexdigest() == recorded)
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def _write(self, tensors: Tensors, note: Callable[[], Mapping[str, Any]]) -> None:
        self._manifest.unlink(missing_ok=True)
        temporary = self.folder / "tensors.tmp"  # a fixed name, so killed attempts leave one file
        try:
            with temporary.open("wb") as file:
                try:
                    torch.save({name: t.contiguous() for name, t in tensors.items()}, file)
                except RuntimeError as error:  # torch's own, where the file cannot be written
                    raise OSError(f"{temporary}: {error}") from error
                file.flush()
                os.fsync(file.fileno())
            with temporary.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            temporary.replace(self._tensors)
        finally:
            temporary.unlink(missing_ok=True)
        shapes: dict[str, Any] = {name: list(t.shape) for name, t in tensors.items()}
        manifest = {"layout": LAYOUT, "sha256": digest, "shapes": shapes, **note()}
        written = self.folder / "manifest.tmp"
        try:
            written.write_text(json.dumps(manifest, indent=1))
            written.replace(self._manifest)
        finally:
            written.unlink(missing_ok=True)
