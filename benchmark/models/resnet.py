"""ResNet-18 for small images. Paper: He et al., "Deep Residual Learning", CVPR 2016.

Deviations: the first convolution is 3×3 with stride 1, and no pooling follows it, as usual for
images of 32×32; and group normalisation (Wu & He, "Group Normalization", ECCV 2018) takes the place
of batch normalisation, whose running statistics are no function of the weights.
"""

import torch
from torch import Tensor, nn

from benchmark.models.base import Classifier
from benchmark.models.dropout import Dropout

_WIDTHS = (64, 128, 256, 512)  # of the four stages, with two blocks each
_GROUPS = 32  # Wu & He's


class ResidualNetwork(nn.Sequential):
    """A 3×3 convolution, four stages of two residual blocks, and a linear layer on mean features.

    Each stage but the first halves the image. `dropout` precedes the linear layer, p = 0.5; the
    paper has none.
    """

    def __init__(
        self,
        input_shape: tuple[int, ...],
        num_classes: int,
        *,
        dropout: bool = False,
        dropout_seed: int = 0,
    ) -> None:
        layers: list[nn.Module] = [_convolution(input_shape[0], 64), _norm(64), nn.ReLU()]
        inputs = 64
        for place, width in enumerate(_WIDTHS):
            layers += [_Block(inputs, width, stride=2 if place else 1), _Block(width, width)]
            inputs = width
        super().__init__(
            *layers,
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            Dropout(0.5 * dropout, seed=dropout_seed),
            nn.Linear(inputs, num_classes),
        )
        self.to(memory_format=torch.channels_last)


class _Block(nn.Module):
    """Two 3×3 convolutions, beside the identity or, where the shape changes, a 1×1 convolution."""

    def __init__(self, inputs: int, outputs: int, *, stride: int = 1) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            *(_convolution(inputs, outputs, stride), _norm(outputs), nn.ReLU()),
            *(_convolution(outputs, outputs), _norm(outputs)),
        )
        self.shortcut: nn.Module = nn.Identity()
        if inputs != outputs or stride != 1:
            shortcut = nn.Conv2d(inputs, outputs, kernel_size=1, stride=stride, bias=False)
            self.shortcut = nn.Sequential(shortcut, _norm(outputs))

    def forward(self, images: Tensor) -> Tensor:
        found: Tensor = self.residual(images) + self.shortcut(images)
        return found.relu()


class ResNet(Classifier):
    """The residual network as a LightningModule that learns classes."""

    network_class = ResidualNetwork


def _convolution(inputs: int, outputs: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel_size=3, stride=stride, padding=1, bias=False)


def _norm(channels: int) -> nn.GroupNorm:
    return nn.GroupNorm(_GROUPS, channels)
