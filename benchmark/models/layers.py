"""Layers of n copies of a network, for stacks of trials; `forward_stacked` uses them.

On a CPU each copy has products of its own, which are as fast there and do not depend on the number
of copies in any bit. On a GPU all copies share one call, whose sums may depend on it.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

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
    if inputs.device.type == "cpu":
        return _one_by_one(weight, bias, [inputs] * len(weight))
    product = torch.addmm(bias.flatten(), inputs, weight.flatten(0, 1).t())
    return product.view(len(inputs), *bias.shape).transpose(0, 1)


def stacked_linear(weight: Tensor, bias: Tensor, inputs: Tensor) -> Tensor:
    """Return x·Wᵀ + b of each copy for its own inputs, (n, batch, inputs)."""
    if inputs.device.type == "cpu":
        return _one_by_one(weight, bias, inputs.unbind())
    return torch.baddbmm(bias.unsqueeze(1), inputs, weight.transpose(1, 2))


def drop_stacked(dropout: Dropout, values: Tensor) -> Tensor:
    """Apply one mask to all copies, (n, batch, …): trials of a seed share their masks."""
    mask = dropout.mask(values[0])
    return values if mask is None else values * mask


def _one_by_one(weight: Tensor, bias: Tensor, inputs: Sequence[Tensor]) -> Tensor:
    each = zip(inputs, weight.unbind(), bias.unbind(), strict=True)
    return torch.stack([functional.linear(*own) for own in each])
