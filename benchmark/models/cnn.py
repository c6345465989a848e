"""Convolutional network c64-c64-c128-1000. Paper: Kingma & Ba, "Adam", ICLR 2015, section 6.3."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmark.models.base import Classifier
from benchmark.models.dropout import Dropout
from benchmark.models.layers import drop_stacked, stacked_linear


class ConvolutionalNetwork(nn.Sequential):
    """Three stages of 5×5 convolution and 3×3 max-pooling with stride 2, then 1000 ReLU units.

    The paper does not say how borders are padded; here every stage halves the image (32, 16, 8, 4).
    `dropout` applies to the input (p = 0.2) and to the fully connected layer (p = 0.5): the places
    are those of the paper, the probabilities those of Srivastava et al. (2014). The paper whitens
    its images; here the data module normalises each channel.
    """

    def __init__(
        self,
        input_shape: tuple[int, ...],
        num_classes: int,
        *,
        dropout: bool = False,
        dropout_seed: int = 0,
    ) -> None:
        channels, height, width = input_shape
        super().__init__(
            _ChannelsLast(),
            Dropout(0.2 * dropout, seed=dropout_seed),
            *_stage(channels, 64),
            *_stage(64, 64),
            *_stage(64, 128),
            nn.Flatten(),
            nn.Linear(128 * _halved(height) * _halved(width), 1000),
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
        images = before(inputs.contiguous(memory_format=torch.channels_last))
        for place in range(3):  # (batch, n·channels, height, width); the images are shared
            groups = len(params[0]) if place else 1
            images = _stacked_stage(params[2 * place], params[2 * place + 1], images, groups)
        features = images.reshape(len(images), len(params[0]), -1).transpose(0, 1)
        hidden = stacked_linear(params[6], params[7], features).relu()
        return stacked_linear(params[8], params[9], drop_stacked(after, hidden))


class CNN(Classifier):
    """The convolutional network as a LightningModule that learns classes."""

    network_class = ConvolutionalNetwork


class _ChannelsLast(nn.Module):
    """A conversion of images to the channels-last layout, in which convolutions are faster."""

    def forward(self, images: Tensor) -> Tensor:
        return images.contiguous(memory_format=torch.channels_last)


def _stage(inputs: int, outputs: int) -> tuple[nn.Module, ...]:
    return (
        nn.Conv2d(inputs, outputs, kernel_size=5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(kernel_size=3, stride=2, padding=1),
    )


def _stacked_stage(weight: Tensor, bias: Tensor, images: Tensor, groups: int) -> Tensor:
    """Apply a stage of n copies, each to its own group of channels or all to one group."""
    weight = weight.flatten(0, 1).contiguous(memory_format=torch.channels_last)
    images = functional.conv2d(images, weight, bias.flatten(), padding=2, groups=groups).relu()
    return functional.max_pool2d(images, kernel_size=3, stride=2, padding=1)


def _halved(size: int) -> int:
    for _ in range(3):
        size = (size + 1) // 2
    return size
