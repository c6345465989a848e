"""A coordinate network, which learns one image: the colour of a pixel from its place.

Paper: Tancik et al., "Fourier Features Let Networks Learn High Frequency Functions in Low
Dimensional Domains", NeurIPS 2020. A perceptron on bare coordinates learns only the coarse shapes.
"""

import math

import torch
from torch import Tensor, nn

from benchmark.models.base import TaskModel
from benchmark.models.dropout import Dropout
from benchmark.tasks.regression import ImageRegression

_FREQUENCIES = 64
_WIDTH = 128
_SCALE = 10.0  # of the frequencies, in cycles per unit of a coordinate; the paper's for images
_SEED = 2006_10739  # of the frequencies; the paper's number on arXiv


class CoordinateNetwork(nn.Sequential):
    """64 Fourier features with random frequencies, and three hidden layers of 128 ReLU units.

    The paper has 256 features and 256 units, and a sigmoid at the output, which is left out here so
    that any targets can be learnt. The frequencies are not trained and are the same for all seeds.
    `dropout` follows the last hidden layer, p = 0.5; the paper has none.
    """

    def __init__(
        self,
        input_shape: tuple[int, ...],
        num_outputs: int,
        *,
        dropout: bool = False,
        dropout_seed: int = 0,
    ) -> None:
        super().__init__(
            nn.Flatten(),
            FourierFeatures(math.prod(input_shape)),
            *(nn.Linear(2 * _FREQUENCIES, _WIDTH), nn.ReLU()),
            *(nn.Linear(_WIDTH, _WIDTH), nn.ReLU()),
            *(nn.Linear(_WIDTH, _WIDTH), nn.ReLU()),
            Dropout(0.5 * dropout, seed=dropout_seed),
            nn.Linear(_WIDTH, num_outputs),
        )


class FourierFeatures(nn.Module):
    """The map x ↦ [cos(2π·B·x), sin(2π·B·x)] with a fixed normal matrix B.

    Args:
        num_inputs: Number of coordinates.
    """

    frequencies: Tensor

    def __init__(self, num_inputs: int) -> None:
        super().__init__()
        draw = torch.Generator().manual_seed(_SEED)
        shape = (_FREQUENCIES, num_inputs)
        matrix = torch.randn(shape, generator=draw, device="cpu", dtype=torch.float32)
        self.register_buffer("frequencies", 2 * math.pi * _SCALE * matrix)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the features of coordinates (batch, coordinates), (batch, 2 × frequencies)."""
        # Angles reach hundreds of radians, where numbers of 16 bits are up to 1 apart.
        wide = torch.promote_types(inputs.dtype, torch.float32)
        with torch.autocast(inputs.device.type, enabled=False):
            angles = inputs.to(wide) @ self.frequencies.to(wide).t()
            return torch.cat([angles.cos(), angles.sin()], dim=1).to(inputs.dtype)


class Image(TaskModel):
    """The coordinate network as a LightningModule that learns an image."""

    network_class = CoordinateNetwork
    task_class = ImageRegression
