"""The protocol of tasks, and two rules for when a loss has diverged.

A task is what is learnt and how it is scored. It alone takes a batch apart and knows what a loss
or a metric means. A data set names its task, because the task follows from the targets; a network
is built for as many outputs as the task needs, so one network can serve several tasks.
"""

from collections.abc import Sequence
from typing import Any, ClassVar, Protocol

from torch import Tensor, nn
from torchmetrics import MetricCollection

from benchmark.metrics import Metric

# What a data module's loaders yield, such as (inputs, targets); only its task takes it apart.
Batch = Sequence[Any]
# Adds up the metrics of an evaluation, by their names.
Meters = MetricCollection

FACTOR = 100.0


class Task(Protocol):
    """What is learnt and how it is scored.

    Args:
        size: What `size_name` of the data set is.

    Attributes:
        name: One word for people.
        metrics: Rows of `benchmark.metrics` that are evaluated; `LOSS` is the first.
        size_name: Attribute of the data set that gives a positive whole number, such as how many
            classes there are.
        network_contract: How a network is built and what it returns, after "a model is a
            torch.nn.Module class, ".
        data_contract: What a data set has and yields, after "a data set is a LightningDataModule
            class, built without arguments, ".
    """

    name: ClassVar[str]
    metrics: ClassVar[tuple[Metric, ...]]
    size_name: ClassVar[str]
    network_contract: ClassVar[str]
    data_contract: ClassVar[str]

    def __init__(self, size: int) -> None: ...

    @property
    def num_outputs(self) -> int:
        """Numbers that a network returns for each example."""
        ...

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """Return the loss to train on, a mean over the batch: a scalar with its graph."""
        ...

    def meters(self) -> Meters:
        """Return new meters, one for each of `metrics` under its name."""
        ...

    def evaluate(self, network: nn.Module, batch: Batch, meters: Meters) -> None:
        """Add one batch of a split to the meters of that split."""
        ...

    def is_diverged(self, loss: float, initial: float) -> bool:
        """Return whether a trial is given up for its finite loss.

        Args:
            loss: Evaluated on training data after an epoch.
            initial: The same before the first step.
        """
        ...

    def output_fault(self, outputs: Any, batch: Batch) -> str:
        """Return how a network's outputs for `batch` break its contract; empty if they keep it."""
        ...

    def as_targets(self, targets: Tensor) -> Tensor:
        """Return the targets of anyone's loader in the type that `loss` takes, where possible."""
        ...

    def data_fault(self, inputs: Tensor, targets: Tensor, input_shape: tuple[int, ...]) -> str:
        """Return how the examples of one split break `data_contract`; empty if they keep it.

        Args:
            inputs: All inputs, (examples, …).
            targets: All targets, (examples, …), out of `as_targets`.
            input_shape: The shape of one example, as the data set says it.
        """
        ...


def multiplies(loss: float, initial: float) -> bool:
    """Return whether a loss that cannot be negative has diverged: `FACTOR` times its start.

    A start at zero has no multiples; `rises` then decides.

    >>> multiplies(231.0, 2.3), multiplies(229.0, 2.3), multiplies(1.0, 0.0)
    (True, False, False)
    """
    return loss > FACTOR * initial if initial > 0 else rises(loss, initial)


def rises(loss: float, initial: float) -> bool:
    """Return whether a loss of any sign, such as −log p(y), has diverged.

    It has risen by more than `FACTOR` − 1 times its distance from zero at the start, and by more
    than `FACTOR` − 1. For a start of at least one that is the rule of `multiplies`.

    >>> rises(-4.0, -0.5), rises(3.0, 0.01), rises(99.0, -0.5), rises(231.0, 2.3)
    (False, False, True, True)
    """
    return loss - initial > (FACTOR - 1) * max(abs(initial), 1.0)


def shape_fault(
    inputs: Tensor, targets: Tensor, input_shape: tuple[int, ...], target_shape: tuple[int, ...]
) -> str:
    """Return how inputs and targets differ from these shapes of one example, empty if they fit."""
    found = tuple(inputs.shape), tuple(targets.shape)
    if found == ((len(inputs), *input_shape), (len(inputs), *target_shape)):
        return ""
    return f"yields inputs {found[0]} and targets {found[1]}, with input_shape {input_shape}"


def number_fault(values: Tensor, what: str) -> str:
    """Return that some of `values`, which are called `what`, are no numbers; empty if all are."""
    return "" if bool(values.isfinite().all()) else f"yields {what} that are NaN or infinite"
