"""MNIST. Source: LeCun, Cortes & Burges, "The MNIST database of handwritten digits", 1998."""

import gzip
import hashlib
import math
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from datamodules.base import Part, ResidentDataModule, check_shape
from datamodules.cache import Tensors
from datamodules.errors import DataCorruptError, reading
from datamodules.images import read_images
from datamodules.labels import class_labels

_TITLES = {  # data sets with the same file names, by the names of their classes in torchvision
    "MNIST": "MNIST",
    "FashionMNIST": "Fashion-MNIST",
    "KMNIST": "Kuzushiji-MNIST",
}


class MNIST(ResidentDataModule):
    """28×28 grey images of ten digits, normalised by one mean and deviation.

    Fashion-MNIST and Kuzushiji-MNIST have the same file names. Their downloaded files are refused,
    recognised by their MD5. Their unpacked files, and any other unknown file, are read with a
    warning. Parquet files are not compared.

    Attributes:
        original: Name of its class in torchvision.
        unpacked: MD5 of the four original files without gzip.
    """

    dataset = "mnist"
    original: ClassVar[str] = "MNIST"
    unpacked: ClassVar[dict[str, str]] = {
        "train-images": "6bbc9ace898e44ae57da46a324031adb",
        "train-labels": "a25bea736e30d166cdddb491f175f624",
        "t10k-images": "2646ac647ad5339dbf082846283269ea",
        "t10k-labels": "27ae3e4e09519cfbb04c329615203637",
    }

    def build(self) -> Tensors:
        """Read the images in any of the known layouts."""
        if self.source.layout.kind == "parquet":
            train, test = (read_images(self.source, part, "L", 10) for part in ("train", "test"))
        else:
            num_train, num_val, num_test = self.sizes
            train = self._part("train", num_train + num_val)
            test = self._part("t10k", num_test)
        return self.image_tensors(train, test, (0, 1, 2, 3))

    def download(self, folder: Path) -> None:
        """Let torchvision fetch the four files."""
        from torchvision import datasets

        getattr(datasets, self.original)(str(folder), download=True)

    def _part(self, name: str, size: int) -> Part:
        source, images = self._read(f"{name}-images")
        labels_source, labels = self._read(f"{name}-labels")
        check_shape(source, images, (size, *self.input_shape[1:]))  # the files have no channels
        check_shape(labels_source, labels, (size,))
        targets = class_labels(labels_source, labels.numpy(), self.num_classes)
        return Part(images.unsqueeze(1), targets, labels_source)

    def _read(self, role: str) -> tuple[Path, Tensor]:
        path = self.source.files[role][0]
        with reading(path):
            content = path.read_bytes()
            _refuse_others(path, _md5(content), self.original)
            if path.suffix == ".gz":
                content = gzip.decompress(content)
            array = _array(content)
        if _md5(content) != self.unpacked[role]:
            self.notice(f"{path} is no known file of {_TITLES[self.original]}; it is used as it is")
        return path, array


def _refuse_others(path: Path, md5: str, own: str) -> None:
    """Raise if the MD5 of `path` is that of another data set with the same file names."""
    from torchvision import datasets

    for other, title in _TITLES.items():
        if other != own and md5 in {known for _, known in getattr(datasets, other).resources}:
            problem = f"it is a file of {title}, which has the same names"
            raise DataCorruptError(path, problem, f"put the file of {_TITLES[own]} in its place")


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def _array(content: bytes) -> Tensor:
    """Return the array of one IDX file: magic number, sizes as big-endian int32, then bytes."""
    if content[:3] != b"\x00\x00\x08":
        raise ValueError("it does not begin like an IDX file of bytes")
    num_dims = content[3]
    shape = np.frombuffer(content, ">i4", num_dims, offset=4).tolist()
    values = np.frombuffer(content, np.uint8, offset=4 + 4 * num_dims)
    if len(values) != math.prod(shape) or min(shape, default=0) < 0:
        raise ValueError(f"expected {math.prod(shape)} values, found {len(values)}")
    return torch.from_numpy(values.copy()).reshape(shape)
