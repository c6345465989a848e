"""MNIST. Source: LeCun, Cortes & Burges, "The MNIST database of handwritten digits", 1998."""

import gzip
import math
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from datamodules.base import Raw, ResidentDataModule
from datamodules.cache import Tensors
from datamodules.errors import DataCorruptError, reading

_FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


class MNIST(ResidentDataModule):
    """28×28 grey images of ten digits, normalised by one mean and deviation."""

    dataset = "mnist"

    def build(self) -> Tensors:
        """Read the four files, downloading them if they are not there."""
        folder = self._folder()
        train, train_labels, test, test_labels = (_read(_find(folder, name)) for name in _FILES)
        raw = Raw(train.unsqueeze(1), train_labels.long(), test.unsqueeze(1), test_labels.long())
        return self.image_tensors(raw, (0, 1, 2, 3), folder)

    def _folder(self) -> Path:
        if self.data_dir is not None:
            folder = self.data_dir / "MNIST" / "raw"
            if folder.is_dir():
                return folder
        root = self.downloads()
        from torchvision import datasets

        try:
            datasets.MNIST(str(root), download=True)
        except (OSError, RuntimeError) as error:
            raise self.unavailable(f"and the download failed ({error})") from error
        return root / "MNIST" / "raw"


def _find(folder: Path, name: str) -> Path:
    for path in (folder / f"{name}.gz", folder / name):
        if path.exists():
            return path
    raise DataCorruptError(folder, f"{name}.gz is missing")


def _read(path: Path) -> Tensor:
    """Return the array of one IDX file: magic number, sizes as big-endian int32, bytes."""
    with reading(path):
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        if content[:3] != b"\x00\x00\x08":
            raise ValueError("it does not begin like an IDX file of bytes")
        num_dims = content[3]
        shape = np.frombuffer(content, ">i4", num_dims, offset=4).tolist()
        values = np.frombuffer(content, np.uint8, offset=4 + 4 * num_dims)
        if len(values) != math.prod(shape):
            raise ValueError(f"expected {math.prod(shape)} values, found {len(values)}")
        return torch.from_numpy(values.copy()).reshape(shape)
