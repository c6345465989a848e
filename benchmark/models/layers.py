"""Layers of n copies of a network in one call, for stacks of trials; `forward_stacked` uses them."""

import torch
from torch import Tensor

from benchmark.models.dropout import Dropout


def shared_linear(weight: Tensor, bias: Tensor, inputs: Tensor) -> Tensor:
    """Return x·Wᵀ + b of each copy for inputs that all copies share, as one product.

    Args:
        weight: (n, outputs, inputs).
        bias: (n, outputs).
        inputs: (batch, inputs).

    Returns:
        (n, batch, outputs).
    """
    product = torch.addmm(bias.flatten(), inputs, weight.flatten(0, 1).t())
    return product.view(len(inputs), *bias.shape).transpose(0, 1)


def stacked_linear(weight: Tensor, bias: Tensor, inputs: Tensor) -> Tensor:
    """Return x·Wᵀ + b of each copy for its own inputs, (n, batch, inputs) to (n, batch, outputs)."""
    return torch.baddbmm(bias.unsqueeze(1), inputs, weight.transpose(1, 2))


def drop_stacked(dropout: Dropout, values: Tensor) -> Tensor:
    """Apply one mask to all copies, (n, batch, …): trials of a seed share their masks."""
    mask = dropout.mask(values[0])
    return values if mask is None else values * mask
