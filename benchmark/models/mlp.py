"""Multilayer perceptron. Paper: Kingma & Ba, "Adam", ICLR 2015, section 6.2."""

import math
from collections.abc import Sequence

from torch import Tensor, nn

from benchmark.models.base import Classifier
from benchmark.models.dropout import Dropout
from benchmark.models.layers import drop_stacked, shared_linear, stacked_linear


class Perceptron(nn.Sequential):
    """Two hidden layers of 1000 ReLU units.

    `dropout` follows both of them, p = 0.5. The paper uses dropout, but does not say where and how
    much; this is the setting of Srivastava et al. (2014) on MNIST, without dropout of the input.
    """

    def __init__(
        self,
        input_shape: tuple[int, ...],
        num_classes: int,
        *,
        dropout: bool = False,
        dropout_seed: int = 0,
    ) -> None:
        p = 0.5 * dropout
        super().__init__(
            nn.Flatten(),
            nn.Linear(math.prod(input_shape), 1000),
            nn.ReLU(),
            Dropout(p, seed=dropout_seed),
            nn.Linear(1000, 1000),
            nn.ReLU(),
            Dropout(p, seed=dropout_seed + 1),
            nn.Linear(1000, num_classes),
        )

    def forward_stacked(self, params: Sequence[Tensor], inputs: Tensor) -> Tensor:
        """Return the outputs of n copies of this network for the same inputs, (n, batch, classes).

        Args:
            params: The parameters of the copies in the order of `parameters`, (n, *shape).
            inputs: A batch.
        """
        first, second = (layer for layer in self if isinstance(layer, Dropout))
        hidden = shared_linear(params[0], params[1], inputs.flatten(1))
        hidden = drop_stacked(first, hidden.relu())
        hidden = drop_stacked(second, stacked_linear(params[2], params[3], hidden).relu())
        return stacked_linear(params[4], params[5], hidden)


class MLP(Classifier):
    """The perceptron as a LightningModule that learns classes."""

    network_class = Perceptron
