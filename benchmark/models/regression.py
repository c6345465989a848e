"""A small perceptron for tables of numbers.

Its size is the default of scikit-learn's MLPRegressor (Pedregosa et al., JMLR 2011).
"""

import math

from torch import nn

from benchmark.models.base import TaskModel
from benchmark.models.dropout import Dropout
from benchmark.tasks.regression import Regression


class SmallPerceptron(nn.Sequential):
    """One hidden layer of 100 ReLU units; `dropout` follows it, p = 0.5."""

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
            nn.Linear(math.prod(input_shape), 100),
            nn.ReLU(),
            Dropout(0.5 * dropout, seed=dropout_seed),
            nn.Linear(100, num_outputs),
        )


class Regressor(TaskModel):
    """The small perceptron as a LightningModule that learns numbers."""

    network_class = SmallPerceptron
    task_class = Regression
