"""Regression: one or several numbers to predict; the mean squared error is the loss."""

from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchmetrics import MeanAbsoluteError, MeanMetric, MeanSquaredError
from torchmetrics import Metric as Meter
from torchmetrics.image import PeakSignalNoiseRatio

from benchmark.metrics import LOSS, MAE, PSNR, R2, RMSE, Metric
from benchmark.tasks.base import Batch, Meters, multiplies, number_fault, shape_fault


class Regression:
    """A task with the mean squared error of outputs and targets, both (batch, targets).

    The loss is a mean over examples and targets, so no other metric repeats it as "mse".

    Args:
        num_targets: Number of real numbers to predict for each example.
    """

    name: ClassVar[str] = "regression"
    metrics: ClassVar[tuple[Metric, ...]] = (LOSS, RMSE, MAE, R2)
    size_name: ClassVar[str] = "num_targets"
    network_contract: ClassVar[str] = (
        "built as Model(input_shape, num_targets), that maps inputs (batch, *input_shape) to "
        "predictions (batch, num_targets)"
    )
    data_contract: ClassVar[str] = (
        "with attributes input_shape and num_targets, whose train, val and test dataloaders yield "
        "(inputs float (batch, *input_shape), targets float (batch, num_targets))"
    )

    def __init__(self, num_targets: int) -> None:
        self.num_targets = num_targets

    @property
    def num_outputs(self) -> int:
        """The number of targets: one output for each."""
        return self.num_targets

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """Return the mean squared error."""
        inputs, targets = batch
        return functional.mse_loss(network(inputs), targets)

    def meters(self) -> Meters:
        """Return new meters."""
        return Meters(
            {
                "loss": MeanMetric(nan_strategy="disable"),
                "rmse": MeanSquaredError(squared=False),
                "mae": MeanAbsoluteError(),
                "r2": ExplainedShare(self.num_targets),
            },
            compute_groups=False,
        )

    def evaluate(self, network: nn.Module, batch: Batch, meters: Meters) -> None:
        """Add one batch to the meters; every example has the same weight."""
        inputs, targets = batch
        # torchmetrics views them as one row, and a network may return a transposed tensor
        outputs, targets = network(inputs).float().contiguous(), targets.float().contiguous()
        meters["loss"].update((outputs - targets).square().mean(dim=1))
        for metric in self.metrics[1:]:
            meters[metric.name].update(outputs, targets)

    def is_diverged(self, loss: float, initial: float) -> bool:
        """Return whether the loss has diverged by `multiplies`; a square is never negative."""
        return multiplies(loss, initial)

    def output_fault(self, outputs: Any, batch: Batch) -> str:
        """Return the fault in the shape of the predictions, or ""."""
        if not isinstance(outputs, Tensor):
            return f"gives a {type(outputs).__name__}, not a tensor"
        found, expected = tuple(outputs.shape), (len(batch[1]), self.num_targets)
        return "" if found == expected else f"gives {found}, not {expected}"

    def as_targets(self, targets: Tensor) -> Tensor:
        """Return real targets as float32, (examples, targets); complex ones as they are.

        If there is one target, its dimension may be missing.
        """
        if targets.is_complex():
            return targets
        is_flat = targets.ndim == 1 and self.num_targets == 1
        return (targets[:, None] if is_flat else targets).float()

    def data_fault(self, inputs: Tensor, targets: Tensor, input_shape: tuple[int, ...]) -> str:
        """Return the fault in types, shapes, inputs or targets, or ""."""
        if not inputs.is_floating_point() or not targets.is_floating_point():
            return f"yields inputs {inputs.dtype} and targets {targets.dtype}"
        return (
            shape_fault(inputs, targets, input_shape, (self.num_targets,))
            or number_fault(inputs, "inputs")
            or number_fault(targets, "targets")
        )


class ImageRegression(Regression):
    """Regression of colours or brightnesses in [0, 1], which also measures PSNR in decibels."""

    name: ClassVar[str] = "image_regression"
    metrics: ClassVar[tuple[Metric, ...]] = (*Regression.metrics, PSNR)

    def meters(self) -> Meters:
        """Return new meters."""
        meters = super().meters()
        # The mean of squares is over the whole split. A mean of the batches' PSNRs would be higher.
        meters.add_metrics({"psnr": PeakSignalNoiseRatio(data_range=1.0)})
        return meters


class ExplainedShare(Meter):
    """R²: one minus the sum of squared errors over that of the targets' distances from their means.

    Both sums are over examples and targets; each target has its own mean. The moments of batches
    are joined as by Chan, Golub & LeVeque (The American Statistician 37, 1983), which loses no
    digits of targets far from zero, as years are. The value is NaN if all targets are equal.

    Args:
        num_targets: Number of targets of each example.
    """

    higher_is_better = True
    full_state_update = False
    count: Tensor
    mean: Tensor
    spread: Tensor
    errors: Tensor

    def __init__(self, num_targets: int) -> None:
        super().__init__()
        self.add_state("count", torch.tensor(0.0))
        self.add_state("mean", torch.zeros(num_targets))
        self.add_state("spread", torch.tensor(0.0))
        self.add_state("errors", torch.tensor(0.0))

    def update(self, outputs: Tensor, targets: Tensor) -> None:
        """Add one batch, both (batch, targets)."""
        size, mean = len(targets), targets.mean(dim=0)
        total, shift = self.count + size, mean - self.mean
        between = shift.square().sum() * (self.count * size / total)
        self.spread = self.spread + (targets - mean).square().sum() + between
        self.mean = self.mean + shift * (size / total)
        self.count = total
        self.errors = self.errors + (outputs - targets).square().sum()

    def compute(self) -> Tensor:
        """Return R², a scalar."""
        share = 1 - self.errors / self.spread
        return torch.where(self.spread > 0, share, torch.full_like(share, torch.nan))
