"""The table of tasks, with their import paths; torch is not loaded."""

from dataclasses import dataclass

from benchmark.metrics import LOSS_NATS, NO_UNIT, Unit


@dataclass(frozen=True, kw_only=True)
class TaskRow:
    """One task.

    Args:
        target: Its class as ``module:attribute``.
        loss_unit: Unit of its loss.
        can_stack: True if the class has `stacked_loss`, so that trials can be one network.
    """

    target: str
    loss_unit: Unit = NO_UNIT
    can_stack: bool = False


TASKS = {
    "classification": TaskRow(
        target="benchmark.tasks.classification:Classification",
        loss_unit=LOSS_NATS,
        can_stack=True,
    ),
    "regression": TaskRow(target="benchmark.tasks.regression:Regression"),
    "image_regression": TaskRow(target="benchmark.tasks.regression:ImageRegression"),
    "language": TaskRow(target="benchmark.tasks.language:Language", loss_unit=LOSS_NATS),
    "vae": TaskRow(target="benchmark.tasks.vae:EvidenceBound", loss_unit=LOSS_NATS),
}
