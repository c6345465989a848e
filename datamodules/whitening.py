"""ZCA whitening: the rotation and scaling that leave images uncorrelated and closest to themselves.

Source: Bell & Sejnowski, "The 'Independent Components' of Natural Scenes Are Edge Filters", 1997.
With the covariance C = U·diag(λ)·Uᵀ of the pixels, an image x becomes (x − mean)·W, where
W = U·diag((λ + ε)^(−1/2))·Uᵀ. Whitened images have the covariance U·diag(λ / (λ + ε))·Uᵀ, which is
the identity but for directions whose variance is not far above ε.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

_BLOCK = 1_000  # images that are converted at a time


@dataclass(frozen=True, kw_only=True)
class Whitening:
    """The transform of images whose d pixels are rows, on the scale from 0 to 1.

    Args:
        mean: The mean image, float64 (d,).
        matrix: W, float64 (d, d).
    """

    mean: Tensor
    matrix: Tensor

    def __call__(self, images: Tensor) -> Tensor:
        """Return whitened images, float32, of images uint8 (examples, …), in the same shape."""
        mean, matrix = self.mean.float(), self.matrix.float()
        whitened = torch.empty(images.shape, dtype=torch.float32)
        for begin in range(0, len(images), _BLOCK):
            block = slice(begin, begin + _BLOCK)
            pixels = images[block].flatten(1).float().div_(255).sub_(mean)
            torch.mm(pixels, matrix, out=whitened[block].flatten(1))
        return whitened


def fit_whitening(images: Tensor, rows: Tensor, epsilon: float) -> Whitening:
    """Return the whitening that is fitted to some of the images.

    Sums and eigenvalues are in 64 bits: the variances of CIFAR-10 span eight orders of magnitude.

    Args:
        images: Images, uint8 (examples, …).
        rows: Those to fit to, int64 (rows,).
        epsilon: ε, added to each variance, on the scale of pixels from 0 to 1.
    """
    size = images[0].numel()
    mean = torch.zeros(size, dtype=torch.float64)
    for some in torch.split(rows, _BLOCK):
        mean += _pixels(images, some).sum(0)
    mean /= len(rows)
    covariance = torch.zeros(size, size, dtype=torch.float64)
    for some in torch.split(rows, _BLOCK):
        centred = _pixels(images, some).sub_(mean)
        covariance.addmm_(centred.t(), centred)
    variances, directions = torch.linalg.eigh(covariance / len(rows))
    scales = (variances.clamp(min=0) + epsilon).rsqrt()
    return Whitening(mean=mean, matrix=(directions * scales) @ directions.t())


def _pixels(images: Tensor, rows: Tensor) -> Tensor:
    return images.index_select(0, rows).flatten(1).double().div_(255)
