"""MNIST. Source: LeCun, Cortes & Burges, "The MNIST database of handwritten digits", 1998."""

import gzip
import math
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from datamodules.base import Part, ResidentDataModule, check_shape
from datamodules.cache import Tensors
from datamodules.errors import DataIncompleteError, reading


class MNIST(ResidentDataModule):
    """28×28 grey images of ten digits, normalised by one mean and deviation."""

    dataset = "mnist"

    def build(self) -> Tensors:
        """Read the four files, downloading them if they are not there."""
        folder = self.laid_down() or self._downloaded()
        num_train, num_val, num_test = self.sizes
        train = self._part(folder, "train", num_train + num_val)
        test = self._part(folder, "t10k", num_test)
        return self.image_tensors(train, test, (0, 1, 2, 3))

    def _part(self, folder: Path, name: str, size: int) -> Part:
        source = _find(folder, f"{name}-images-idx3-ubyte")
        labels_source = _find(folder, f"{name}-labels-idx1-ubyte")
        images = _read(source)
        check_shape(source, images, (size, *self.input_shape[1:]))  # the files have no channels
        return Part(images.unsqueeze(1), _read(labels_source).long(), labels_source)

    def _downloaded(self) -> Path:
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
    raise DataIncompleteError(folder, f"{name}.gz")


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
