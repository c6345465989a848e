"""Multinomial logistic regression, on dense inputs or on sparse bags of words.

Paper: Kingma & Ba, "Adam", ICLR 2015, section 6.1: L2-regularised on MNIST; 50 % dropout on the
bag-of-words features of IMDB.
"""

import math
from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmark.models.base import Classifier
from benchmark.models.dropout import Dropout
from datamodules.sparse import Bag


class LinearMap(nn.Module):
    """The map W·x + b; `dropout` applies to the inputs, p = 0.5.

    Inputs may be dense or sparse; the results are the same, only the cost differs. The weight is
    (classes, features), as in `torch.nn.Linear`. Dense inputs enter as W·Xᵀ, which is faster than
    X·Wᵀ for few classes. Each row of W has sums of its own there: in batches of two examples or
    more, rows of other trials below it change no bit (measured: 10 classes, 1 to 64 trials).
    """

    def __init__(
        self,
        input_shape: tuple[int, ...],
        num_classes: int,
        *,
        dropout: bool = False,
        dropout_seed: int = 0,
    ) -> None:
        super().__init__()
        num_features = math.prod(input_shape)
        self.dropout = Dropout(0.5 * dropout, seed=dropout_seed)
        self.weight = nn.Parameter(torch.empty(num_classes, num_features))
        self.bias = nn.Parameter(torch.zeros(num_classes))
        bound = 1 / math.sqrt(num_features)  # as torch.nn.Linear
        nn.init.uniform_(self.weight, -bound, bound)

    def forward(self, inputs: Tensor | Bag) -> Tensor:
        """Return W·x + b, (batch, classes)."""
        if isinstance(inputs, Bag):
            values = self.dropout(inputs.values)
            product = _BagProduct.apply(self.weight, inputs.indices, inputs.offsets, values)
        else:
            product = torch.mm(self.weight, self.dropout(inputs.flatten(1)).t()).t()
        return cast(Tensor, product + self.bias)

    def forward_stacked(self, params: Sequence[Tensor], inputs: Tensor | Bag) -> Tensor:
        """Return the outputs of n copies of this map for the same inputs, (n, batch, classes).

        Args:
            params: Weight (n, classes, features) and bias (n, classes). For bags the weight's
                memory is best in the order (features, classes, n), which nothing then has to copy.
            inputs: A batch.
        """
        weight, bias = params
        if isinstance(inputs, Bag):
            values = self.dropout(inputs.values)
            product = _StackedBagProduct.apply(weight, inputs.indices, inputs.offsets, values)
        else:
            product = _stacked_product(weight, self.dropout(inputs.flatten(1)))
        return cast(Tensor, product + bias.unsqueeze(1))


def _stacked_product(weight: Tensor, inputs: Tensor) -> Tensor:
    """Return X·Wᵀ of each weight, (n, batch, classes)."""
    if len(inputs) == 1:  # the sums of a single column would depend on the number of rows
        return torch.stack([torch.mm(each, inputs.t()).t() for each in weight.unbind()])
    product = torch.mm(weight.reshape(-1, weight.shape[-1]), inputs.t())
    return product.view(*weight.shape[:2], -1).transpose(1, 2)


class _BagProduct(torch.autograd.Function):
    """The product of a weight (classes, features) and a bag.

    The backward pass of `embedding_bag` sorts the indices and takes 2.7 ms for 128 IMDB reviews;
    this one takes 0.4 ms. Each class has its own sums, in the order of the examples.
    """

    @staticmethod
    def forward(
        ctx: Any, weight: Tensor, indices: Tensor, offsets: Tensor, values: Tensor
    ) -> Tensor:
        ctx.save_for_backward(indices, offsets, values)
        ctx.shape = weight.shape
        return functional.embedding_bag(
            indices, weight.t().contiguous(), offsets, mode="sum", per_sample_weights=values
        )

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        indices, offsets, values = ctx.saved_tensors
        lengths = torch.diff(offsets, append=offsets.new_tensor([len(indices)]))
        examples = torch.repeat_interleave(lengths)  # (non-zeros,)
        parts = gradient.t().index_select(1, examples) * values  # (classes, non-zeros)
        return gradient.new_zeros(ctx.shape).index_add(1, indices, parts), None, None, None


class _StackedBagProduct(torch.autograd.Function):
    """The products of n weights (n, classes, features) and one bag, (n, batch, classes).

    Sums have the order of `_BagProduct`, so each weight gets the bits that it would get alone.
    """

    @staticmethod
    def forward(
        ctx: Any, weight: Tensor, indices: Tensor, offsets: Tensor, values: Tensor
    ) -> Tensor:
        ctx.save_for_backward(indices, offsets, values)
        ctx.shape = weight.shape
        n, classes, features = weight.shape
        table = weight.permute(2, 1, 0).reshape(features, classes * n)
        product = functional.embedding_bag(
            indices, table, offsets, mode="sum", per_sample_weights=values
        )
        return product.view(-1, classes, n).permute(2, 0, 1)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        indices, offsets, values = ctx.saved_tensors
        n, classes, features = ctx.shape
        lengths = torch.diff(offsets, append=offsets.new_tensor([len(indices)]))
        examples = torch.repeat_interleave(lengths)  # (non-zeros,)
        rows = gradient.permute(1, 2, 0).reshape(-1, classes * n)
        parts = rows.index_select(0, examples).mul_(values.unsqueeze(1))  # (non-zeros, classes·n)
        sums = gradient.new_zeros(features, classes * n).index_add_(0, indices, parts)
        return sums.view(features, classes, n).permute(2, 1, 0), None, None, None


class LogReg(Classifier):
    """The linear map as a LightningModule that learns classes."""

    network_class = LinearMap
