"""A task that the suite does not have, with data and networks: what anyone may plug in."""

import math

import torch
from lightning.pytorch import LightningDataModule
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from torchmetrics import MeanMetric, MeanSquaredError, R2Score

from benchmark.metrics import LOSS, MAE, R2, RMSE, Metric, Unit
from benchmark.models.base import TaskModel
from benchmark.tasks.base import Meters, number_fault, rises, shape_fault


class GaussianRegression:
    """Numbers, each with its own deviation; the loss −log p(y) is negative where both are good."""

    name = "gaussian"
    metrics = (LOSS, RMSE, R2)
    size_name = "num_targets"
    network_contract = (
        "built as Model(input_shape, num_outputs), that maps inputs (batch, *input_shape) to means "
        "and log-deviations (batch, 2 * num_targets)"
    )
    data_contract = (
        "with attributes input_shape and num_targets, whose train, val and test dataloaders yield "
        "(inputs float (batch, *input_shape), targets float (batch, num_targets))"
    )

    def __init__(self, num_targets):
        self.num_targets = num_targets

    @property
    def num_outputs(self):
        return 2 * self.num_targets

    def loss(self, network, batch):
        return self._negative_log_likelihood(network(batch[0]), batch[1]).mean()

    def meters(self):
        rmse = MeanSquaredError(squared=False, num_outputs=self.num_targets)
        return Meters({"loss": MeanMetric(nan_strategy="disable"), "rmse": rmse, "r2": R2Score()})

    def evaluate(self, network, batch, meters):
        outputs = network(batch[0])
        meters["loss"].update(self._negative_log_likelihood(outputs, batch[1]))
        for name in ("rmse", "r2"):
            meters[name].update(outputs.chunk(2, 1)[0], batch[1])

    def is_diverged(self, loss, initial):
        return rises(loss, initial)

    def output_fault(self, outputs, batch):
        found, expected = tuple(outputs.shape), (len(batch[1]), self.num_outputs)
        return "" if found == expected else f"gives {found}, not {expected}"

    def as_targets(self, targets):
        return targets.float()

    def data_fault(self, inputs, targets, input_shape):
        return shape_fault(inputs, targets, input_shape, (self.num_targets,)) or number_fault(
            targets, "targets"
        )

    def _negative_log_likelihood(self, outputs, targets):
        mean, log_deviation = outputs.chunk(2, dim=1)
        distance = (targets - mean) * (-log_deviation).exp()
        return (0.5 * distance.square() + log_deviation + 0.5 * math.log(2 * math.pi)).sum(1)


class Line(LightningDataModule):
    """Keeps the contract: one number, linear in three, with a deviation of 0.05."""

    task = GaussianRegression
    input_shape = (3,)
    num_targets = 1

    def setup(self, stage=None):
        draw = torch.Generator().manual_seed(0)
        self.inputs = torch.randn(400, 3, generator=draw)
        noise = 0.05 * torch.randn(400, 1, generator=draw)
        self.targets = self.inputs @ torch.tensor([[0.5], [-0.3], [0.2]]) + noise

    def _loader(self, begin, end):
        return DataLoader(TensorDataset(self.inputs[begin:end], self.targets[begin:end]), 50)

    def train_dataloader(self):
        return self._loader(0, 300)

    def val_dataloader(self):
        return self._loader(300, 350)

    def test_dataloader(self):
        return self._loader(350, 400)


class LineByPath(Line):
    """Names its task by import path."""

    task = f"{__name__}.GaussianRegression"


class Noise(Line):
    """Targets near zero, which `Confident` fits before its first step."""

    def setup(self, stage=None):
        super().setup(stage)
        self.targets = 0.02 * self.targets


class ClassTargets(Line):
    """Targets of another shape than the task's."""

    def setup(self, stage=None):
        super().setup(stage)
        self.targets = (self.targets > 0)[:, 0]


class Sizeless(Line):
    """Does not say how many targets there are."""

    @property
    def num_targets(self):
        raise AttributeError("num_targets")


class UnknownTask(Line):
    """Names a task that there is not."""

    task = "regresion"


class NoTask(Line):
    """Names a class that is no task."""

    task = nn.Linear


SPREAD = Metric(
    name="spread",
    words="{split} spread",
    heading="spread",
    better="lower",
    unit=Unit(sign="cm", words="centimetres", factor=100.0, decimals=1),
    tabled=("val", "test"),
    meaning="Mean deviation that the network states.",
)


class Spreading(GaussianRegression):
    """Measures what the suite's table of metrics lacks, and brings the row along."""

    metrics = (LOSS, SPREAD)

    def meters(self):
        return Meters({"loss": MeanMetric(nan_strategy="disable"), "spread": MeanMetric()})

    def evaluate(self, network, batch, meters):
        outputs = network(batch[0])
        meters["loss"].update(self._negative_log_likelihood(outputs, batch[1]))
        meters["spread"].update(outputs.chunk(2, 1)[1].exp())


class SpreadLine(Line):
    """Has a task with a metric of its own."""

    task = Spreading


class Mismeasures(GaussianRegression):
    """Says that it measures more than it does."""

    metrics = (*GaussianRegression.metrics, MAE)


class Mismeasured(Line):
    """Has a task whose metrics are not those that it measures."""

    task = Mismeasures


class Confident(nn.Linear):
    """Predicts zero, and deviations of about 0.05."""

    def __init__(self, input_shape, num_outputs):
        super().__init__(math.prod(input_shape), num_outputs)
        nn.init.zeros_(self.weight)
        with torch.no_grad():
            self.bias.copy_(torch.tensor([0.0, -3.0]))


class ByName(TaskModel):
    """A LightningModule that names its task and its network."""

    task_class = GaussianRegression
    network_class = Confident
