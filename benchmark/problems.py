"""The table of problems: each is a model on a data set, with its numbers; no optimizer, no torch.

A combination that is not in the table gets the numbers of its model's first row.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from benchmark.models.registry import MODELS
from benchmark.spec import Workload
from datamodules.registry import DATASETS
from optimizers.pick import pick


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One row: a model, a data set, and the default length of training.

    Args:
        workload: The numbers that go into every trial.
        twin: Name of the embedded problem that replaces this one when its data are unavailable;
            empty for embedded problems.
        epoch_seconds: Measured seconds of one epoch with its evaluation, on one CPU core with
            Adam; used only for estimates.
    """

    workload: Workload
    twin: str = ""
    epoch_seconds: float

    @property
    def name(self) -> str:
        """The problem's name, model/data set."""
        return self.workload.problem


def _row(
    name: str, *, epochs: int, epoch_seconds: float, twin: str = "", dropout: bool = False
) -> Problem:
    model, dataset = name.split("/")
    workload = Workload(
        problem=name, model=model, dataset=dataset, epochs=epochs, batch_size=128, dropout=dropout
    )
    return Problem(workload=workload, twin=twin, epoch_seconds=epoch_seconds)


_ROWS = (
    _row("logreg/mnist", epochs=10, epoch_seconds=0.4, twin="logreg/digits"),
    _row("logreg/imdb", epochs=10, epoch_seconds=0.4, twin="logreg/reviews", dropout=True),
    _row("mlp/mnist", epochs=10, epoch_seconds=13, twin="mlp/digits"),
    _row("cnn/cifar10", epochs=10, epoch_seconds=100, twin="cnn/digits"),
    _row("logreg/digits", epochs=20, epoch_seconds=0.01),
    _row("mlp/digits", epochs=10, epoch_seconds=0.15),
    _row("cnn/digits", epochs=5, epoch_seconds=0.25),
    _row("logreg/reviews", epochs=10, epoch_seconds=0.02, dropout=True),
)

PROBLEMS = {row.name: row for row in _ROWS}


def problems_of(model: str, dataset: str | None) -> Problem:
    """Return the problem of `model` on `dataset`.

    Args:
        model: Registered name or import path.
        dataset: Registered name or import path; None for the data set of the model's paper.

    Raises:
        ValueError: a name without a dot is not registered; the message suggests others.
    """
    if "." not in model:
        pick(MODELS, model, "model")
    if dataset is None:
        dataset = MODELS[model].dataset if model in MODELS else "mnist"
    elif "." not in dataset:
        pick(DATASETS, dataset, "data set")
    name = f"{model}/{dataset}"
    return PROBLEMS.get(name) or _unlisted(name, model, dataset)


def _unlisted(name: str, model: str, dataset: str) -> Problem:
    same_model: Sequence[Problem] = [row for row in _ROWS if row.workload.model == model]
    base = same_model[0] if same_model else PROBLEMS["mlp/mnist"]
    workload = replace(base.workload, problem=name, model=model, dataset=dataset)
    return Problem(workload=workload, epoch_seconds=base.epoch_seconds)
