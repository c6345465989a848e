"""Random crops and mirror images of training batches, the usual augmentation of CIFAR-10.

Source: He et al., "Deep Residual Learning for Image Recognition", CVPR 2016, section 4.2.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from datamodules.loaders import DenseRows

_PADDING = 4  # pixels on each side, of value 0: the mean of normalised images


@dataclass(frozen=True)
class CroppedRows(DenseRows):
    """Images that each batch draws anew: shifted by up to 4 pixels, and half of them mirrored.

    The draws come from a generator on the CPU, in the order of the batches, so they do not depend
    on the device; the images are cut on their own device.

    Args:
        values: Images, (examples, channels, height, width).
        generator: Generator of the shifts and mirrors.
    """

    generator: torch.Generator

    def select(self, rows: Tensor) -> Tensor:
        """Return the images `rows`, int64 (batch,), drawn anew."""
        return cropped(super().select(rows), self.generator)

    def to(self, device: torch.device) -> "CroppedRows":
        """Return the same rows on another device, with the same generator."""
        return CroppedRows(self.values.to(device), self.generator)


def cropped(images: Tensor, generator: torch.Generator) -> Tensor:
    """Return a random crop of each image, padded before, mirrored with probability 1/2.

    Args:
        images: Images, (batch, channels, height, width).
        generator: Generator on the CPU.
    """
    batch, channels, height, width = images.shape
    shifts = torch.randint(2 * _PADDING + 1, (2, batch, 1), generator=generator)
    is_mirrored = torch.randint(2, (batch, 1), generator=generator).bool()
    places = torch.arange(width).expand(batch, width)
    columns = shifts[1] + torch.where(is_mirrored, places.flip(1), places)
    lines = shifts[0] + torch.arange(height)
    picked = (
        torch.arange(batch)[:, None, None, None],
        torch.arange(channels)[None, :, None, None],
        lines[:, None, :, None],
        columns[:, None, None, :],
    )
    padded = functional.pad(images, (_PADDING,) * 4)
    return padded[tuple(index.to(images.device) for index in picked)]
