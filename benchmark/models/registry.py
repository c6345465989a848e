"""The table of models, with their import paths; torch is not loaded."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ModelRow:
    """One model: the import path of its LightningModule, and the data it takes."""

    name: str
    target: str
    dataset: str
    twin: str
    summary: str


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
    ),
    ModelRow(
        name="cnn",
        target="benchmark.models.cnn:CNN",
        dataset="cifar10",
        twin="digits",
        summary="c64-c64-c128-1000, 5×5 filters, 3×3 max-pooling (Adam paper, 6.3)",
    ),
)

MODELS = {row.name: row for row in _ROWS}
