"""Multinomial logistic regression, on dense inputs or on sparse bags of words.

Paper: Kingma & Ba, "Adam", ICLR 2015, section 6.1: L2-regularised on MNIST; 50 % dropout on the
bag-of-words features of IMDB.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmark.models.base import Classifier
from benchmark.models.dropout import Dropout
from datamodules.sparse import Bag


class LinearMap(nn.Module):
    """The map x·W + b; `dropout` applies to the inputs, p = 0.5.

    Inputs may be dense or sparse; the results are the same, only the cost differs.
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
        self.weight = nn.Parameter(torch.empty(num_features, num_classes))
        self.bias = nn.Parameter(torch.zeros(num_classes))
        bound = 1 / math.sqrt(num_features)  # as torch.nn.Linear
        nn.init.uniform_(self.weight, -bound, bound)

    def forward(self, inputs: Tensor | Bag) -> Tensor:
        """Return x·W + b, (batch, classes)."""
        if isinstance(inputs, Bag):
            return self.bias + functional.embedding_bag(
                inputs.indices,
                self.weight,
                inputs.offsets,
                mode="sum",
                per_sample_weights=self.dropout(inputs.values),
            )
        return torch.addmm(self.bias, self.dropout(inputs.flatten(1)), self.weight)


class LogReg(Classifier):
    """The linear map as a LightningModule that learns classes."""

    network_class = LinearMap
