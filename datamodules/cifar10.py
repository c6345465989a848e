"""CIFAR-10. Source: Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009."""

import io
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from datamodules import parquet
from datamodules.base import Part, ResidentDataModule
from datamodules.cache import Tensors
from datamodules.errors import DataCorruptError, DataIncompleteError, reading

_BATCHES = "cifar-10-batches-py"  # the folder in the original archive


class CIFAR10(ResidentDataModule):
    """32×32 colour images of ten classes, normalised per channel."""

    dataset = "cifar10"

    def build(self) -> Tensors:
        """Read parquet shards or torchvision's batches, downloading if neither is there."""
        folder = self.laid_down() or self._downloaded()
        read = _read_batches if folder.name == _BATCHES else _read_shards
        return self.image_tensors(read(folder, "train"), read(folder, "test"), (0, 2, 3))

    def _downloaded(self) -> Path:
        root = self.downloads()
        from torchvision import datasets

        try:
            datasets.CIFAR10(str(root), download=True)
        except (OSError, RuntimeError) as error:
            raise self.unavailable(f"and the download failed ({error})") from error
        return root / _BATCHES


def _read_batches(folder: Path, part: str) -> Part:
    from torchvision import datasets

    _check_batches(folder)
    with reading(folder):
        found = datasets.CIFAR10(str(folder.parent), train=part == "train")
    images = torch.from_numpy(found.data).permute(0, 3, 1, 2)
    return Part(images, torch.tensor(found.targets), folder)


def _check_batches(folder: Path) -> None:
    """Find the file that is wrong; torchvision only says that one is."""
    from torchvision import datasets
    from torchvision.datasets.utils import check_md5

    theirs = datasets.CIFAR10
    meta = (theirs.meta["filename"], theirs.meta["md5"])
    for name, md5 in (meta, *theirs.train_list, *theirs.test_list):
        if not (folder / name).is_file():
            raise DataIncompleteError(folder, name)
        if not check_md5(str(folder / name), md5):
            raise DataCorruptError(folder / name, f"its MD5 is not {md5}")


def _read_shards(folder: Path, part: str) -> Part:
    shards = [_read_shard(path) for path in parquet.shards(folder, part)]
    images, labels = (torch.cat(tensors) for tensors in zip(*shards, strict=True))
    return Part(images, labels, folder / f"{part}-*.parquet")


def _read_shard(path: Path) -> tuple[Tensor, Tensor]:
    from PIL import Image

    columns = parquet.read(path, ["img", "label"])
    with reading(path):
        arrays = [np.asarray(Image.open(io.BytesIO(img["bytes"]))) for img in columns["img"]]
        images = torch.from_numpy(np.stack(arrays)).permute(0, 3, 1, 2)
        return images, torch.tensor(columns["label"])
