"""CIFAR-10. Source: Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from datamodules.base import Part, ResidentDataModule, one_thread
from datamodules.cache import Cache, Tensors
from datamodules.errors import DataCorruptError, reading
from datamodules.images import read_images
from datamodules.labels import class_labels
from datamodules.sources import Source
from datamodules.whitening import fit_whitening

_CLASSES = 10
_EPSILON = 1e-5  # of the whitening: eight times the variance of rounding to 256 levels
_WHITENED = 1  # raise it whenever whitened images change
_SHAPE = (3, 32, 32)  # also the order of the bytes in the original batches


class CIFAR10(ResidentDataModule):
    """32×32 colour images of ten classes, normalised per channel."""

    dataset = "cifar10"

    def build(self) -> Tensors:
        """Read the images in any of the known layouts."""
        read = _READERS[self.source.layout.kind]
        return self.image_tensors(read(self.source, "train"), read(self.source, "test"), (0, 2, 3))

    def download(self, folder: Path) -> None:
        """Let torchvision fetch and unpack the original archive."""
        from torchvision import datasets

        datasets.CIFAR10(str(folder), download=True)


class CIFAR10ZCA(CIFAR10):
    """The same images, whitened (ZCA) by the training rows of each seed.

    Neither validation nor test images enter the transform, so every seed has its own. What is
    prepared for all seeds, and has the checksum, are the pixels; the first trial of a seed whitens
    them, and the others of that seed map the result into memory.
    """

    dataset = "cifar10_zca"

    def build(self) -> Tensors:
        """Read the images in any of the known layouts, and leave them as they are."""
        num_train, num_val, num_test = self.sizes
        read = _READERS[self.source.layout.kind]
        pool, test = read(self.source, "train"), read(self.source, "test")
        self.check(pool, num_train + num_val)
        self.check(test, num_test)
        return {
            "pool.inputs": pool.images,
            "pool.targets": pool.targets,
            "test.inputs": test.images,
            "test.targets": test.targets,
        }

    def fitted(self, prepared: Tensors, train: torch.Tensor) -> Tensors:
        """Return the whitened images of this seed, from `cache_dir` if they are there already."""
        folder = (
            self.cache_dir
            / f"{self.dataset}-whitened-{_WHITENED}-{_EPSILON}-{self.checksum}"
            / f"{self.split_seed}"
        )
        cache = Cache(folder)
        with one_thread():
            cache.prepare(lambda: _whitened(prepared, train))
        return cache.load()


def _whitened(tensors: Tensors, train: torch.Tensor) -> Tensors:
    whitening = fit_whitening(tensors["pool.inputs"], train, _EPSILON)
    images = {name: whitening(tensors[name]) for name in tensors if name.endswith(".inputs")}
    return {**tensors, **images}


def _read_shards(source: Source, part: str) -> Part:
    return read_images(source, part, "RGB", _CLASSES)


def _read_pickles(source: Source, part: str) -> Part:
    from torchvision import datasets

    _check_pickles(source)
    with reading(source.folder):
        found = datasets.CIFAR10(str(source.folder.parent), train=part == "train")
    images = torch.from_numpy(found.data).permute(0, 3, 1, 2)
    return Part(images, torch.tensor(found.targets), source.folder)


def _check_pickles(source: Source) -> None:
    """Raise an error that names the wrong file; torchvision only says that one is wrong."""
    from torchvision import datasets
    from torchvision.datasets.utils import check_md5

    theirs = datasets.CIFAR10
    meta = (theirs.meta["filename"], theirs.meta["md5"])
    for name, md5 in (meta, *theirs.train_list, *theirs.test_list):
        for path in source.files[name]:
            if not check_md5(str(path), md5):
                raise DataCorruptError(path, f"its MD5 is not {md5}")


def _read_binary(source: Source, part: str) -> Part:
    """Read rows that consist of a label and 3,072 pixels, one byte each."""
    prefix = "test_batch" if part == "test" else "data_batch"
    paths = [
        file for name, files in source.files.items() if name.startswith(prefix) for file in files
    ]
    rows = [_binary_rows(path) for path in paths]
    images = np.concatenate([row[:, 1:] for row in rows]).reshape(-1, *_SHAPE)
    # The memory layout is that of the other formats, so that sums have the same bits.
    images = np.ascontiguousarray(images.transpose(0, 2, 3, 1))
    labels = [
        class_labels(path, row[:, 0], _CLASSES) for path, row in zip(paths, rows, strict=True)
    ]
    pattern = source.folder / f"{prefix}*.bin"
    return Part(torch.from_numpy(images).permute(0, 3, 1, 2), torch.cat(labels), pattern)


def _binary_rows(path: Path) -> "np.ndarray[Any, Any]":
    size = 1 + int(np.prod(_SHAPE))
    with reading(path):
        content = np.fromfile(path, np.uint8)
        if not len(content) or len(content) % size:
            raise ValueError(f"expected rows of {size} bytes, found {len(content)} bytes")
        return content.reshape(-1, size)


_READERS: dict[str, Callable[[Source, str], Part]] = {
    "parquet": _read_shards,
    "pickles": _read_pickles,
    "binary": _read_binary,
}
