"""Convolutional network c64-c64-c128-1000. Paper: Kingma & Ba, "Adam", ICLR 2015, section 6.3."""

import math
from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmark.models.base import Classifier
from benchmark.models.dropout import Dropout
from benchmark.models.layers import drop_stacked, stacked_linear


class ConvolutionalNetwork(nn.Sequential):
    """Three stages of 5×5 convolution and 3×3 max-pooling with stride 2, then 1000 ReLU units.

    The paper does not say how borders are padded before pooling. Here they are, so that every stage
    halves the image (32, 16, 8, 4); `UnpaddedNetwork` has the other reading.
    `dropout` applies to the input (p = 0.2) and to the fully connected layer (p = 0.5): the places
    are those of the paper, the probabilities those of Srivastava et al. (2014). The paper whitens
    its images; here the data module decides, and most normalise each channel.
    """

    pool_padding: ClassVar[int] = 1

    def __init__(
        self,
        input_shape: tuple[int, ...],
        num_classes: int,
        *,
        dropout: bool = False,
        dropout_seed: int = 0,
    ) -> None:
        channels, height, width = input_shape
        pools = _Pool(height, self.pool_padding), _Pool(width, self.pool_padding)
        super().__init__(
            _ChannelsLast(),
            Dropout(0.2 * dropout, seed=dropout_seed),
            *_stage(channels, 64, *pools),
            *_stage(64, 64, *pools),
            *_stage(64, 128, *pools),
            nn.Flatten(),
            nn.Linear(128 * math.prod(pool.size for pool in pools), 1000),
            nn.ReLU(),
            Dropout(0.5 * dropout, seed=dropout_seed + 1),
            nn.Linear(1000, num_classes),
        )
        self.to(memory_format=torch.channels_last)

    def forward_stacked(self, params: Sequence[Tensor], inputs: Tensor) -> Tensor:
        """Return the outputs of n copies of this network for the same inputs, (n, batch, classes).

        Args:
            params: The parameters of the copies in the order of `parameters`, (n, *shape).
            inputs: A batch of images.
        """
        before, after = (layer for layer in self if isinstance(layer, Dropout))
        pools = [layer for layer in self if isinstance(layer, nn.MaxPool2d)]
        images = before(inputs.contiguous(memory_format=torch.channels_last))
        for place, pool in enumerate(pools):  # (batch, n·channels, …); the images are shared
            groups = len(params[0]) if place else 1
            images = pool(_convolved(params[2 * place], params[2 * place + 1], images, groups))
        features = images.reshape(len(images), len(params[0]), -1).transpose(0, 1)
        hidden = stacked_linear(params[6], params[7], features).relu()
        return stacked_linear(params[8], params[9], drop_stacked(after, hidden))


class UnpaddedNetwork(ConvolutionalNetwork):
    """The same network without padding before pooling (32, 15, 7, 3).

    Where an image is smaller than the pooling window, the window is as large as the image.
    """

    pool_padding = 0


class CNN(Classifier):
    """The convolutional network as a LightningModule that learns classes."""

    network_class = ConvolutionalNetwork


class UnpaddedCNN(Classifier):
    """The network without padding before pooling, as a LightningModule that learns classes."""

    network_class = UnpaddedNetwork


class _ChannelsLast(nn.Module):
    """A conversion of images to the channels-last layout, in which convolutions are faster."""

    def forward(self, images: Tensor) -> Tensor:
        return images.contiguous(memory_format=torch.channels_last)


class _Pool:
    """Max-pooling with stride 2 along one side of an image, stage after stage.

    Attributes:
        size: Length of the side after the stages so far.
    """

    def __init__(self, size: int, padding: int) -> None:
        self.size = size
        self.padding = padding

    def next_window(self) -> int:
        """Pool once more, and return the length of the window."""
        padded = self.size + 2 * self.padding
        window = min(3, padded)
        self.size = (padded - window) // 2 + 1
        return window


def _stage(inputs: int, outputs: int, high: _Pool, wide: _Pool) -> tuple[nn.Module, ...]:
    window = high.next_window(), wide.next_window()
    return (
        nn.Conv2d(inputs, outputs, kernel_size=5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(kernel_size=window, stride=2, padding=high.padding),
    )


def _convolved(weight: Tensor, bias: Tensor, images: Tensor, groups: int) -> Tensor:
    """Convolve with the filters of n copies, each its own group of channels or all one group."""
    weight = weight.flatten(0, 1).contiguous(memory_format=torch.channels_last)
    return functional.conv2d(images, weight, bias.flatten(), padding=2, groups=groups).relu()
