"""The table of models: names and where they live, no torch."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ModelRow:
    """One model: where its LightningModule lives and which data it takes.

    Args:
        name: Name for ``--model``.
        target: Its class as ``module:attribute``.
        dataset: Data set of the paper's experiment.
        twin: Embedded data set that stands in for it.
        summary: One line for ``list``.
        takes_images: True if inputs must be images, (channels, height, width).
    """

    name: str
    target: str
    dataset: str
    twin: str
    summary: str
    takes_images: bool = False


_ROWS = (
    ModelRow(
        name="logreg",
        target="benchmark.models.logreg:LogReg",
        dataset="mnist",
        twin="digits",
        summary="multinomial logistic regression (Adam paper, 6.1)",
    ),
    ModelRow(
        name="mlp",
        target="benchmark.models.mlp:MLP",
        dataset="mnist",
        twin="digits",
        summary="two hidden layers of 1000 ReLU units (Adam paper, 6.2)",
        takes_images=True,
    ),
    ModelRow(
        name="cnn",
        target="benchmark.models.cnn:CNN",
        dataset="cifar10",
        twin="digits",
        summary="c64-c64-c128-1000, 5×5 filters, 3×3 max-pooling (Adam paper, 6.3)",
        takes_images=True,
    ),
)

MODELS = {row.name: row for row in _ROWS}
