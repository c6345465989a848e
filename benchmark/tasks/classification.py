"""Classification: each example has one of several classes; cross-entropy is the loss."""

from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchmetrics import MeanMetric
from torchmetrics.classification import MulticlassAccuracy

from benchmark.metrics import ACCURACY, LOSS, Metric
from benchmark.tasks.base import Batch, Meters, multiplies, number_fault, shape_fault


class Classification:
    """A task with mean cross-entropy of logits (batch, classes) and classes (batch,), and accuracy.

    Args:
        num_classes: Number of classes.
    """

    name: ClassVar[str] = "classification"
    metrics: ClassVar[tuple[Metric, ...]] = (LOSS, ACCURACY)
    size_name: ClassVar[str] = "num_classes"
    network_contract: ClassVar[str] = (
        "built as Model(input_shape, num_classes), that maps inputs (batch, *input_shape) to "
        "logits (batch, num_classes)"
    )
    data_contract: ClassVar[str] = (
        "with attributes input_shape and num_classes, whose train, val and test dataloaders yield "
        "(inputs float (batch, *input_shape), targets (batch,), whole numbers)"
    )

    def __init__(self, num_classes: int) -> None:
        self.num_classes = num_classes

    @property
    def num_outputs(self) -> int:
        """The number of classes: one logit for each."""
        return self.num_classes

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """Return the mean cross-entropy."""
        inputs, targets = batch
        return functional.cross_entropy(network(inputs), targets)

    def stacked_loss(self, logits: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return the losses of n networks for one batch.

        Args:
            logits: (n, batch, classes).
            batch: Inputs and targets.

        Returns:
            The sum of the n losses, with its graph; and each, (n,), on a CPU rounded as by `loss`.
        """
        targets, (n, size, classes) = batch[1], logits.shape
        if n == 1:
            loss = functional.cross_entropy(logits[0], targets)
            return loss, loss.detach().unsqueeze(0)
        logs = functional.log_softmax(logits.reshape(n * size, classes), -1)
        each = functional.nll_loss(logs, targets.repeat(n), reduction="none").view(n, size)
        means = each.mean(1)
        if logits.device.type != "cpu":  # n small calls would take longer than the network
            return means.sum(), means.detach()
        values = [functional.nll_loss(own, targets) for own in logs.detach().view(n, size, -1)]
        return means.sum(), torch.stack(values)

    def stacked_values(self, logits: Tensor, batch: Batch) -> dict[str, Tensor]:
        """Return what each example adds to each metric of n networks, (n, batch) by name.

        The means over all examples are the metrics, on a CPU with the bits of `evaluate`.

        Args:
            logits: (n, batch, classes).
            batch: Inputs and targets.
        """
        targets, (n, size, classes) = batch[1], logits.shape
        flat = logits.float().reshape(n * size, classes)
        nats = functional.cross_entropy(flat, targets.repeat(n), reduction="none").view(n, size)
        is_right = flat.argmax(-1).view(n, size) == targets
        return {"accuracy": is_right.float(), "loss": nats}

    def meters(self) -> Meters:
        """Return new meters."""
        accuracy = MulticlassAccuracy(self.num_classes, average="micro", validate_args=False)
        return Meters(
            {"loss": MeanMetric(nan_strategy="disable"), "accuracy": accuracy},
            compute_groups=False,
        )

    def evaluate(self, network: nn.Module, batch: Batch, meters: Meters) -> None:
        """Add one batch to the meters; every example has the same weight."""
        inputs, targets = batch
        logits = network(inputs).float()
        # Pass one value per example, because torchmetrics 1.9 ignores weights unless it checks for
        # NaN.
        meters["loss"].update(functional.cross_entropy(logits, targets, reduction="none"))
        meters["accuracy"].update(logits, targets)

    def is_diverged(self, loss: float, initial: float) -> bool:
        """Return whether the loss has diverged by `multiplies`; cross-entropy is never negative."""
        return multiplies(loss, initial)

    def output_fault(self, outputs: Any, batch: Batch) -> str:
        """Return the fault in the shape of the logits, or ""."""
        if not isinstance(outputs, Tensor):
            return f"gives a {type(outputs).__name__}, not a tensor"
        found, expected = tuple(outputs.shape), (len(batch[1]), self.num_classes)
        return "" if found == expected else f"gives {found}, not {expected}"

    def as_targets(self, targets: Tensor) -> Tensor:
        """Return targets as int64 if all of them are whole numbers, otherwise as they are."""
        if targets.is_complex() or (targets.is_floating_point() and not _all_whole(targets)):
            return targets
        return targets.long()

    def data_fault(self, inputs: Tensor, targets: Tensor, input_shape: tuple[int, ...]) -> str:
        """Return the fault in types, shapes, inputs or classes, or ""."""
        if not inputs.is_floating_point() or targets.is_floating_point() or targets.is_complex():
            fractions = " that are not whole" if targets.is_floating_point() else ""
            return f"yields inputs {inputs.dtype} and targets {targets.dtype}{fractions}"
        return (
            shape_fault(inputs, targets, input_shape, ())
            or number_fault(inputs, "inputs")
            or self._class_fault(targets)
        )

    def _class_fault(self, targets: Tensor) -> str:
        low, high = int(targets.min()), int(targets.max())
        if low < 0 or high >= self.num_classes:
            return f"yields targets {low} to {high}, with num_classes {self.num_classes}"
        return ""


def _all_whole(targets: Tensor) -> bool:
    return bool((targets.isfinite() & (targets == targets.floor())).all())
