"""Images in the parquet shards of the Hugging Face hub: PNG or JPEG bytes, and labels."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from datamodules import shards
from datamodules.base import Part
from datamodules.errors import DataCorruptError, reading
from datamodules.labels import class_labels
from datamodules.sources import Source

_IMAGE, _LABEL = ("img", "image"), ("label", "labels")


def read_images(source: Source, part: str, mode: str, num_classes: int) -> Part:
    """Return one part, ``train`` or ``test``, of a source of parquet shards.

    Args:
        source: Source whose layout has a role named `part`.
        part: ``train`` or ``test``.
        mode: Pillow's mode: ``L`` for grey images, ``RGB`` for colour images.
        num_classes: Number of classes; labels are 0 to num_classes − 1.

    Raises:
        DataCorruptError: a shard is damaged, a picture is not an image, or a label is no class.
    """
    found = [_read(path, mode, num_classes) for path in source.files[part]]
    images, labels = (torch.cat(tensors) for tensors in zip(*found, strict=True))
    return Part(images, labels, source.folder / f"{part}-*.parquet")


def _read(path: Path, mode: str, num_classes: int) -> tuple[Tensor, Tensor]:
    pictures, labels = shards.read(path, _IMAGE, _LABEL)
    targets = class_labels(path, labels, num_classes)
    if not pictures:
        raise DataCorruptError(path, "it has no rows")
    with reading(path):
        arrays = [_pixels(path, row, picture, mode) for row, picture in enumerate(pictures)]
        images = torch.from_numpy(np.stack(arrays))
    return images.unsqueeze(1) if images.ndim == 3 else images.permute(0, 3, 1, 2), targets


def _pixels(path: Path, row: int, picture: Any, mode: str) -> "np.ndarray[Any, Any]":
    """Return one picture, uint8 (height, width), or (height, width, channels)."""
    from PIL import Image

    content = picture.get("bytes") if isinstance(picture, dict) else picture
    if not isinstance(content, bytes):
        kind = "null" if content is None else f"of type {type(content).__name__}"
        raise DataCorruptError(path, f"the image of row {row} is {kind}, not the bytes of a file")
    image = Image.open(io.BytesIO(content))
    if image.mode != mode:
        raise DataCorruptError(path, f"the image of row {row} is {image.mode}, not {mode}")
    return np.asarray(image)
