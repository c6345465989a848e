"""The table of tasks, with their import paths; torch is not loaded."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class TaskRow:
    """One task.

    Args:
        target: Its class as ``module:attribute``.
        size_name: Attribute of a data set for this task, as in `base.Task`.
        can_stack: True if the class has `stacked_loss`, so that trials can be one network.
    """

    target: str
    size_name: str
    can_stack: bool = False


TASKS = {
    "classification": TaskRow(
        target="benchmark.tasks.classification:Classification",
        size_name="num_classes",
        can_stack=True,
    ),
    "regression": TaskRow(target="benchmark.tasks.regression:Regression", size_name="num_targets"),
    "image_regression": TaskRow(
        target="benchmark.tasks.regression:ImageRegression", size_name="num_targets"
    ),
    "language": TaskRow(target="benchmark.tasks.language:Language", size_name="num_characters"),
    "vae": TaskRow(target="benchmark.tasks.vae:EvidenceBound", size_name="num_pixels"),
}
