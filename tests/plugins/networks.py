"""Networks that keep the contract for plug-ins, and some that do not."""

import torch
from lightning.pytorch import LightningModule
from torch import nn
from torch.nn import functional

from benchmark.models.base import Classifier
from benchmark.models.dropout import Dropout


class Tiny(nn.Module):
    """Keeps the contract."""

    def __init__(self, input_shape, num_classes):
        super().__init__()
        features = int(torch.tensor(input_shape).prod())
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(features, num_classes))

    def forward(self, inputs):
        return self.layers(inputs)


class Normed(Tiny):
    """Normalizes each batch, which takes two examples at least."""

    def __init__(self, input_shape, num_classes):
        super().__init__(input_shape, num_classes)
        self.layers.append(nn.BatchNorm1d(num_classes))


class TinyWithSeed(Tiny):
    """A network whose seed is its own affair."""

    def __init__(self, input_shape, num_classes, *, dropout_seed=0):
        super().__init__(input_shape, num_classes)
        self.seed = dropout_seed


class TinyWithDropout(Tiny):
    """Takes the suite's dropout, which is on its inputs."""

    def __init__(self, input_shape, num_classes, *, dropout=False, dropout_seed=0):
        super().__init__(input_shape, num_classes)
        self.dropout = Dropout(0.5 * dropout, seed=dropout_seed)

    def forward(self, inputs):
        return super().forward(self.dropout(inputs))


class Smoothed(Classifier):
    """A LightningModule with a network and a loss of its own."""

    def build(self, input_shape, num_classes, dropout, dropout_seed):
        return Tiny(input_shape, num_classes)

    def loss(self, inputs, targets):
        return functional.cross_entropy(self.network(inputs), targets, label_smoothing=0.5)


class _NoGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx, inputs):
        return inputs.clone()

    @staticmethod
    def backward(ctx, gradient):
        raise RuntimeError("no kernel for the gradient")


class NoBackward(Tiny):
    """Gives logits, and raises in the backward pass."""

    def forward(self, inputs):
        return _NoGradient.apply(super().forward(inputs))


class OneLogit(Tiny):
    """Gives one number for every example."""

    def forward(self, inputs):
        return super().forward(inputs)[:, :1]


class Pair(Tiny):
    """Gives its logits and something else."""

    def forward(self, inputs):
        return super().forward(inputs), inputs


class WrongShape(Tiny):
    """Raises on every input."""

    def forward(self, inputs):
        return inputs @ torch.zeros(3, 3)


class RaisesWhenBuilt(Tiny):
    """Raises when it is built."""

    def __init__(self, input_shape, num_classes):
        raise ImportError("no compiler")


class OwnStep(LightningModule):
    """Trains itself."""


def not_a_class(input_shape, num_classes):
    """Return a network, without being a class."""
    return Tiny(input_shape, num_classes)
