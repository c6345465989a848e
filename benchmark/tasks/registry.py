"""The table of tasks, with their import paths; torch is not loaded."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class TaskRow:
    """One task.

    Args:
        target: Its class as ``module:attribute``.
        can_stack: True if the class has `stacked_loss`, so that trials can be one network.
    """

    target: str
    can_stack: bool = False


TASKS = {
    "classification": TaskRow(
        target="benchmark.tasks.classification:Classification",
        can_stack=True,
    ),
    "regression": TaskRow(target="benchmark.tasks.regression:Regression"),
    "image_regression": TaskRow(target="benchmark.tasks.regression:ImageRegression"),
    "language": TaskRow(target="benchmark.tasks.language:Language"),
    "vae": TaskRow(target="benchmark.tasks.vae:EvidenceBound"),
}
