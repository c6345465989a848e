"""Language: each next character of a text is to be predicted; cross-entropy is the loss."""

import math
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchmetrics import MeanMetric

from benchmark.metrics import BITS, LOSS, Metric
from benchmark.tasks.base import Batch, Meters, multiplies, shape_fault


class Language:
    """A task with the mean cross-entropy of characters, in nats, and in bits per character.

    Logits are (batch, positions, characters), targets (batch, positions). Both means are over all
    positions of all examples.

    Args:
        num_characters: Number of different characters.
    """

    name: ClassVar[str] = "language"
    metrics: ClassVar[tuple[Metric, ...]] = (LOSS, BITS)
    size_name: ClassVar[str] = "num_characters"
    network_contract: ClassVar[str] = (
        "built as Model(input_shape, num_characters), that maps the numbers of characters (batch, "
        "positions) to logits (batch, positions, num_characters) of the character that follows each"
    )
    data_contract: ClassVar[str] = (
        "with attributes input_shape = (positions,) and num_characters, whose train, val and test "
        "dataloaders yield (inputs (batch, positions), targets (batch, positions)), both whole "
        "numbers below num_characters"
    )

    def __init__(self, num_characters: int) -> None:
        self.num_characters = num_characters

    @property
    def num_outputs(self) -> int:
        """The number of characters: one logit for each, at every position."""
        return self.num_characters

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """Return the mean cross-entropy in nats."""
        inputs, targets = batch
        return functional.cross_entropy(network(inputs).flatten(0, 1), targets.long().flatten())

    def meters(self) -> Meters:
        """Return new meters."""
        means = {metric.name: MeanMetric(nan_strategy="disable") for metric in self.metrics}
        return Meters(dict(means), compute_groups=False)

    def evaluate(self, network: nn.Module, batch: Batch, meters: Meters) -> None:
        """Add one batch to the meters; every example has the same weight."""
        inputs, targets = batch
        logits = network(inputs).float().transpose(1, 2)  # (batch, characters, positions)
        nats = functional.cross_entropy(logits, targets.long(), reduction="none").mean(dim=1)
        meters[LOSS.name].update(nats)
        meters[BITS.name].update(nats / math.log(2))

    def is_diverged(self, loss: float, initial: float) -> bool:
        """Return whether the loss has diverged by `multiplies`; cross-entropy is never negative."""
        return multiplies(loss, initial)

    def output_fault(self, outputs: Any, batch: Batch) -> str:
        """Return the fault in the shape of the logits, or ""."""
        if not isinstance(outputs, Tensor):
            return f"gives a {type(outputs).__name__}, not a tensor"
        found, expected = tuple(outputs.shape), (*batch[1].shape, self.num_characters)
        return "" if found == expected else f"gives {found}, not {expected}"

    def as_targets(self, targets: Tensor) -> Tensor:
        """Return targets of any type of whole numbers as int64, others as they are."""
        return targets.long() if _is_whole(targets) else targets

    def data_fault(self, inputs: Tensor, targets: Tensor, input_shape: tuple[int, ...]) -> str:
        """Return the fault in types, shapes or characters, or ""."""
        if not _is_whole(inputs) or not _is_whole(targets):
            return f"yields inputs {inputs.dtype} and targets {targets.dtype}"
        if len(input_shape) != 1:
            return f"has input_shape {input_shape}, not (positions,)"
        return (
            shape_fault(inputs, targets, input_shape, input_shape)
            or self._character_fault(inputs, "inputs")
            or self._character_fault(targets, "targets")
        )

    def _character_fault(self, values: Tensor, what: str) -> str:
        low, high = int(values.min()), int(values.max())
        if low < 0 or high >= self.num_characters:
            return f"yields {what} {low} to {high}, with num_characters {self.num_characters}"
        return ""


def _is_whole(values: Tensor) -> bool:
    return not (values.is_floating_point() or values.is_complex() or values.dtype == torch.bool)
