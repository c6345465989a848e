"""The table of problems: each is a model on a data set, with its numbers; no optimizer, no torch.

A combination that is not in the table gets the numbers of the first row of its model, or of the
model that it is a variant of.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from benchmark.metrics import LOSS, NO_UNIT, RUNNING_LOSS, Unit, metric_of
from benchmark.models.registry import MODELS
from benchmark.spec import Workload
from benchmark.tasks.registry import TASKS
from datamodules.registry import DATASETS
from optimizers.pick import is_import_path, pick


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One row: a model, a data set, and the default length of training.

    Args:
        workload: The numbers that go into every trial.
        twin: Name of the embedded problem that replaces this one when its data are unavailable;
            empty for embedded problems.
        epoch_seconds: Measured seconds of a trial over its epochs, evaluation included, on one CPU
            core with Adam; used only for estimates.
        evaluation_cost: Measured time to evaluate an example, over the time to train on it with
            Adam; it decides how many examples are evaluated during training.
        needs_gpu: True if a trial takes a day on a CPU; ``all`` leaves it out.
        target: Validation loss for times to a target: that of tuned Adam's median seed after three
            quarters of the default epochs; None where it has not been measured.
    """

    workload: Workload
    twin: str = ""
    epoch_seconds: float
    evaluation_cost: float
    needs_gpu: bool = False
    target: float | None = None

    @property
    def name(self) -> str:
        """The problem's name, model/data set."""
        return self.workload.problem


def _row(
    name: str, *, epochs: int, batch_size: int = 128, dropout: bool = False, **measured: Any
) -> Problem:
    model, dataset = name.split("/")
    workload = Workload(
        problem=name,
        model=model,
        dataset=dataset,
        epochs=epochs,
        batch_size=batch_size,
        dropout=dropout,
    )
    return Problem(workload=workload, **measured)


_ROWS = (
    _row(
        "logreg/mnist",
        epochs=5,
        epoch_seconds=0.47,
        evaluation_cost=0.26,
        target=0.284,
        twin="logreg/digits",
    ),
    _row(
        "logreg/imdb",
        epochs=5,
        epoch_seconds=0.42,
        evaluation_cost=0.14,
        target=0.291,
        twin="logreg/reviews",
        dropout=True,
    ),
    _row(
        "mlp/mnist",
        epochs=3,
        epoch_seconds=14,
        evaluation_cost=0.25,
        target=0.0905,
        twin="mlp/digits",
    ),
    _row(
        "cnn/cifar10",
        epochs=2,
        epoch_seconds=280,
        evaluation_cost=0.36,
        twin="cnn/digits",
        target=1.08,
    ),
    _row(
        "resnet/cifar10",
        epochs=30,
        epoch_seconds=3_000,  # from two steps of 8.6 s; no GPU was at hand
        evaluation_cost=0.25,
        needs_gpu=True,
        twin="resnet/digits",
    ),
    _row(
        "logreg/fashion",
        epochs=5,
        epoch_seconds=0.47,
        evaluation_cost=0.26,
        twin="logreg/digits",
    ),
    _row("mlp/fashion", epochs=3, epoch_seconds=15, evaluation_cost=0.25, twin="mlp/digits"),
    _row("cnn/fashion", epochs=2, epoch_seconds=110, evaluation_cost=0.36, twin="cnn/digits"),
    _row("logreg/digits", epochs=20, epoch_seconds=0.0095, evaluation_cost=0.65, target=0.102),
    _row("mlp/digits", epochs=8, epoch_seconds=0.24, evaluation_cost=0.27, target=0.0796),
    _row("cnn/digits", epochs=5, epoch_seconds=0.74, evaluation_cost=0.26, target=0.308),
    _row("resnet/digits", epochs=3, epoch_seconds=12, evaluation_cost=0.15),
    _row(
        "logreg/reviews",
        epochs=10,
        epoch_seconds=0.04,
        evaluation_cost=0.2,
        target=0.329,
        dropout=True,
    ),
    _row("image/china", epochs=5, epoch_seconds=1, evaluation_cost=0.15, target=0.00728),
    _row(
        "regression/diabetes",
        epochs=40,
        batch_size=32,
        epoch_seconds=0.011,
        evaluation_cost=0.03,
        target=0.518,
    ),
    _row(
        "charlm/manual",
        epochs=6,
        batch_size=32,
        epoch_seconds=9.9,
        evaluation_cost=0.36,
        target=1.75,
    ),
    _row(
        "charlm/imdb_text",
        epochs=1,
        batch_size=32,
        epoch_seconds=120,
        evaluation_cost=0.36,
        twin="charlm/manual",
    ),
    _row("vae/mnist", epochs=5, epoch_seconds=6, evaluation_cost=0.3, twin="vae/digits"),
    _row("vae/digits", epochs=40, epoch_seconds=0.064, evaluation_cost=0.3, target=26.2),
)

PROBLEMS = {row.name: row for row in _ROWS}
_FORWARD_SHARE = 1 / 3  # evaluation cost where none is measured: a step goes forward and back


def evaluation_cost(problem: str) -> float:
    """Return the time to evaluate an example, over the time to train on it."""
    row = PROBLEMS.get(problem)
    return row.evaluation_cost if row else _FORWARD_SHARE


def everyday_problems() -> list[str]:
    """Return the names of the problems that need no GPU."""
    return [name for name, row in PROBLEMS.items() if not row.needs_gpu]


def everyday_models() -> list[str]:
    """Return the names of the models, without variants, whose own problem needs no GPU."""
    return [
        row.name
        for row in MODELS.values()
        if not row.variant_of and f"{row.name}/{row.dataset}" in everyday_problems()
    ]


def is_augmented(model: str, dataset: str) -> bool:
    """Return whether `model` trains on random crops and mirror images of `dataset`."""
    row, data = MODELS.get(model), DATASETS.get(dataset)
    return row is not None and row.augments and data is not None and data.croppable


def unit_on(metric: str, problems: Collection[str]) -> Unit:
    """Return the unit of a metric's values on some problems; that of a loss is its task's.

    A loss has none where the units differ, or where a model or a data set is not registered.

    >>> unit_on("val/loss", ["vae/digits", "mlp/mnist"]).sign
    'nats'
    >>> unit_on("val/loss", ["vae/digits", "image/china"]).sign
    ''
    """
    row = metric_of(metric)
    if row not in (LOSS, RUNNING_LOSS):
        return row.unit
    units = {_loss_unit(*each.partition("/")[::2]) for each in problems}
    return units.pop() if len(units) == 1 else NO_UNIT


def knows_unit(metric: str, problem: str) -> bool:
    """Return whether `unit_on` knows the unit of a metric on a problem, even if it is none.

    >>> knows_unit("val/loss", "image/china"), knows_unit("val/loss", "mine.Net/digits")
    (True, False)
    """
    model, _, dataset = problem.partition("/")
    is_loss = metric_of(metric) in (LOSS, RUNNING_LOSS)
    return not is_loss or (model in MODELS and dataset in DATASETS)


def _loss_unit(model: str, dataset: str) -> Unit:
    if model not in MODELS or dataset not in DATASETS:
        return NO_UNIT
    return TASKS[MODELS[model].task or DATASETS[dataset].targets.task].loss_unit


def problem_and_metric(key: str) -> tuple[str, str]:
    """Return what a target that a user gave is for: a problem, "" for all, and a metric.

    >>> problem_and_metric("mlp/digits:val/loss"), problem_and_metric("val/loss")
    (('mlp/digits', 'val/loss'), ('', 'val/loss'))
    """
    problem, _, metric = key.rpartition(":")
    return problem, metric


def problems_of(model: str, dataset: str | None) -> Problem:
    """Return the problem of `model` on `dataset`.

    Args:
        model: Registered name or import path.
        dataset: Registered name or import path; None for the data set of the model's paper.

    Raises:
        ValueError: a name without a dot is not registered; the message suggests others.
    """
    if not is_import_path(model):
        pick(MODELS, model, "model")
    if dataset is None:
        dataset = MODELS[model].dataset if model in MODELS else "mnist"
    elif not is_import_path(dataset):
        pick(DATASETS, dataset, "data set")
    name = f"{model}/{dataset}"
    return PROBLEMS.get(name) or _unlisted(name, model, dataset)


def _unlisted(name: str, model: str, dataset: str) -> Problem:
    models = {model, MODELS[model].variant_of} if model in MODELS else {model}
    alike: Sequence[Problem] = [row for row in _ROWS if row.workload.model in models]
    base = alike[0] if alike else PROBLEMS["mlp/mnist"]
    workload = replace(base.workload, problem=name, model=model, dataset=dataset)
    return Problem(
        workload=workload, epoch_seconds=base.epoch_seconds, evaluation_cost=_FORWARD_SHARE
    )
