"""CIFAR-10. Source: Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009."""

import io
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from datamodules import parquet
from datamodules.base import Raw, ResidentDataModule
from datamodules.cache import Tensors
from datamodules.errors import reading


class CIFAR10(ResidentDataModule):
    """32×32 colour images of ten classes, normalised per channel."""

    dataset = "cifar10"

    def build(self) -> Tensors:
        """Read parquet shards or torchvision's batches, downloading if neither is there."""
        folder = self.data_dir / "cifar10" if self.data_dir else None
        if folder and (train := parquet.shards(folder, "train")):
            parts = [_read_all(train), _read_all(parquet.shards(folder, "test"))]
        else:
            folder = self._torchvision_root()
            with reading(folder):
                parts = [_read_torchvision(folder, is_train) for is_train in (True, False)]
        return self.image_tensors(Raw(*parts[0], *parts[1]), (0, 2, 3), folder)

    def _torchvision_root(self) -> Path:
        if self.data_dir is not None and (self.data_dir / "cifar-10-batches-py").is_dir():
            return self.data_dir
        root = self.downloads()
        from torchvision import datasets

        try:
            datasets.CIFAR10(str(root), download=True)
        except (OSError, RuntimeError) as error:
            raise self.unavailable(f"and the download failed ({error})") from error
        return root


def _read_torchvision(root: Path, is_train: bool) -> tuple[Tensor, Tensor]:
    from torchvision import datasets

    found = datasets.CIFAR10(str(root), train=is_train)
    return torch.from_numpy(found.data).permute(0, 3, 1, 2), torch.tensor(found.targets)


def _read_all(paths: list[Path]) -> tuple[Tensor, Tensor]:
    parts = [_read_shard(path) for path in paths]
    if not parts:
        return torch.empty(0, 3, 32, 32), torch.empty(0, dtype=torch.int64)
    return torch.cat([images for images, _ in parts]), torch.cat([labels for _, labels in parts])


def _read_shard(path: Path) -> tuple[Tensor, Tensor]:
    from PIL import Image

    columns = parquet.read(path, ["img", "label"])
    with reading(path):
        arrays = [np.asarray(Image.open(io.BytesIO(img["bytes"]))) for img in columns["img"]]
        images = torch.from_numpy(np.stack(arrays)).permute(0, 3, 1, 2)
        return images, torch.tensor(columns["label"])
