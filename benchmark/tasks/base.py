"""The protocol of tasks, and two rules that decide when a loss has diverged.

A task defines what a network learns and how that is scored. Only the task unpacks a batch and
knows the meaning of a loss or a metric. A data set names its task, because the task follows from
the targets. A network is built with as many outputs as the task needs, so one network can serve
several tasks.
"""

from collections.abc import Sequence
from typing import Any, ClassVar, Protocol

from torch import Tensor, nn
from torchmetrics import MetricCollection

from benchmark.metrics import Metric

# One item of a data module's loaders, such as (inputs, targets); only the task unpacks it.
Batch = Sequence[Any]
# Accumulators of the metrics of an evaluation, by name.
Meters = MetricCollection

FACTOR = 100.0


class Task(Protocol):
    """A task: its loss, its metrics, and its contract with networks and data sets.

    Args:
        size: Value of the data set's attribute `size_name`.

    Attributes:
        name: One word, for display.
        metrics: The evaluated rows of `benchmark.metrics`, or rows of its own; `LOSS` is the first.
        size_name: Name of an attribute of the data set that is a positive whole number, such as
            the number of classes.
        network_contract: Words for the construction and the output of a network; they continue "a
            model is a torch.nn.Module class, ".
        data_contract: Words for the attributes and the examples of a data set; they continue "a
            data set is a LightningDataModule class, built without arguments, ".
    """

    name: ClassVar[str]
    metrics: ClassVar[tuple[Metric, ...]]
    size_name: ClassVar[str]
    network_contract: ClassVar[str]
    data_contract: ClassVar[str]

    def __init__(self, size: int) -> None: ...

    @property
    def num_outputs(self) -> int:
        """The number of outputs of a network for each example."""
        ...

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """Return the training loss, a mean over the batch, as a scalar with its graph."""
        ...

    def meters(self) -> Meters:
        """Return new meters, one for each of `metrics` under its name."""
        ...

    def evaluate(self, network: nn.Module, batch: Batch, meters: Meters) -> None:
        """Add one batch of a split to the meters of that split."""
        ...

    def is_diverged(self, loss: float, initial: float) -> bool:
        """Return whether a finite loss counts as diverged, so that the trial ends.

        Args:
            loss: Loss evaluated on training or validation data during training.
            initial: The same loss before the first step.
        """
        ...

    def output_fault(self, outputs: Any, batch: Batch) -> str:
        """Return how a network's outputs for `batch` break its contract, or "" if they keep it."""
        ...

    def as_targets(self, targets: Tensor) -> Tensor:
        """Return the targets of a user's loader in the type that `loss` takes, if possible."""
        ...

    def data_fault(self, inputs: Tensor, targets: Tensor, input_shape: tuple[int, ...]) -> str:
        """Return how the examples of one split break `data_contract`, or "" if they keep it.

        Args:
            inputs: All inputs, (examples, …).
            targets: All targets, (examples, …), as returned by `as_targets`.
            input_shape: The data set's shape of one example.
        """
        ...


def multiplies(loss: float, initial: float) -> bool:
    """Return whether a loss that is never negative has diverged: to `FACTOR` times its start.

    If the loss starts at zero, `rises` decides.

    >>> multiplies(231.0, 2.3), multiplies(229.0, 2.3), multiplies(1.0, 0.0)
    (True, False, False)
    """
    return loss > FACTOR * initial if initial > 0 else rises(loss, initial)


def rises(loss: float, initial: float) -> bool:
    """Return whether a loss of any sign, such as −log p(y), has diverged.

    It has if it rose by more than `FACTOR` − 1 times its distance from zero at the start, and by
    more than `FACTOR` − 1. For a start of at least one, this is the rule of `multiplies`.

    >>> rises(-4.0, -0.5), rises(3.0, 0.01), rises(99.0, -0.5), rises(231.0, 2.3)
    (False, False, True, True)
    """
    return loss - initial > (FACTOR - 1) * max(abs(initial), 1.0)


def shape_fault(
    inputs: Tensor, targets: Tensor, input_shape: tuple[int, ...], target_shape: tuple[int, ...]
) -> str:
    """Return how inputs and targets differ from these shapes of one example, or "" if they fit."""
    found = tuple(inputs.shape), tuple(targets.shape)
    if found == ((len(inputs), *input_shape), (len(inputs), *target_shape)):
        return ""
    return f"yields inputs {found[0]} and targets {found[1]}, with input_shape {input_shape}"


def number_fault(values: Tensor, what: str) -> str:
    """Return a message that calls `values` `what` if some are not finite; otherwise return ""."""
    return "" if bool(values.isfinite().all()) else f"yields {what} that are NaN or infinite"
