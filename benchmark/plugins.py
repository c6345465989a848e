"""Lookup of classes by name: registered ones, and users' own by import path on a small contract."""

import inspect
from contextlib import nullcontext
from pathlib import Path
from pkgutil import resolve_name
from typing import Any, cast

import torch
from lightning.pytorch import LightningDataModule, LightningModule
from lightning.pytorch.loggers import Logger, WandbLogger
from torch import nn

from benchmark.adopted import data_contract, resident, users_code
from benchmark.decode import decode_metric, metric_as_json
from benchmark.errors import Misfit, UsageError
from benchmark.metrics import METRICS, Metric, own_rows
from benchmark.models.base import TaskModel, model_of
from benchmark.models.registry import MODELS
from benchmark.plain_text import error_line
from benchmark.tasks.base import Task
from benchmark.tasks.classification import Classification
from benchmark.tasks.language import Language
from benchmark.tasks.registry import TASKS
from datamodules.base import ResidentDataModule
from datamodules.registry import DATASETS
from optimizers.pick import is_import_path, near, shown

TASK_CONTRACT = (
    "the task of a data set is a class with all that benchmark.tasks.base.Task has, such as "
    "benchmark.tasks.classification.Classification; its import path; or one of: " + ", ".join(TASKS)
)
LOGGER_CONTRACT = (
    "a logger is a class derived from lightning.pytorch.loggers.Logger, such as "
    "lightning.pytorch.loggers.CSVLogger"
)
_TASK_MEMBERS = (*Task.__annotations__, *(name for name in vars(Task) if name[0] != "_"))


def model_contract(task: type[Task]) -> str:
    """Return the contract of a model that learns `task`, in words."""
    return (
        f"a model is a torch.nn.Module class, {task.network_contract}; or a subclass of "
        "benchmark.models.base.TaskModel, such as Classifier"
    )


def task_class(task: str | type[Any]) -> type[Task]:
    """Return the task with that name or import path, or `task` itself if it is a class.

    Raises:
        UsageError: the object breaks `TASK_CONTRACT`.
    """
    if isinstance(task, str) and task in TASKS:
        return cast(type[Task], resolve_name(TASKS[task].target))
    if isinstance(task, str) and not is_import_path(task) and (hint := near(task, TASKS)):
        raise UsageError(f"unknown task {shown(task)}.{hint} {TASK_CONTRACT}")
    found = _load(task, "task", TASK_CONTRACT) if isinstance(task, str) else task
    missing = sorted(name for name in _TASK_MEMBERS if not hasattr(found, name))
    if not isinstance(found, type) or missing:
        what = f"has no {', '.join(missing)}" if isinstance(found, type) else "is no class"
        raise UsageError(f"task {_path(task)!r} {what}: {TASK_CONTRACT}")
    for row in cast(type[Task], found).metrics:
        if fault := _row_fault(row):
            raise UsageError(f"task {_path(task)!r}, metrics: {fault}")
    return found


def _row_fault(row: Any) -> str:
    """Return what is wrong with a row of a task's metrics, or ""."""
    if not isinstance(row, Metric):
        return f"expected rows of type benchmark.metrics.Metric, got {shown(row)}"
    known = METRICS.get(row.name)
    if known is not None and known != row and not own_rows([row]):
        return f"the suite has another {row.name}: take its row, or choose another name"
    try:
        decode_metric(metric_as_json(row))
    except (Misfit, TypeError, ValueError) as error:
        return f"{shown(row.name)} is no row that records can keep: {error_line(error, 200)}"
    return ""


def model_class(name: str, task: type[Task] = Classification) -> type[TaskModel]:
    """Return the model with that name or import path, for `task`.

    Raises:
        UsageError: the object breaks `model_contract`, or learns another task.
    """
    contract = model_contract(task)
    if name in MODELS:
        registered = cast(type[TaskModel], resolve_name(MODELS[name].target))
        is_text = issubclass(task, Language)
        if MODELS[name].takes_text != is_text:
            kinds = ("numbers", "characters") if is_text else ("characters", "numbers")
            texts = ", ".join(each for each in MODELS if MODELS[each].takes_text)
            raise UsageError(
                f"model {name!r} takes {kinds[0]}, and a data set for {task.name} has {kinds[1]}: "
                + (f"expected {texts}" if is_text else f"expected another model than {texts}")
                + ", or a network of yours"
            )
        if registered.task_class is task or registered.takes_pixels:
            return registered
        return model_of(registered.network_class, task)
    found = _load(name, "model", contract)
    if not (isinstance(found, type) and issubclass(found, nn.Module)):
        raise UsageError(f"model {name!r} is not a torch.nn.Module class: {contract}")
    if issubclass(found, TaskModel):
        return found
    if issubclass(found, LightningModule):
        raise UsageError(f"model {name!r} brings its own training step: {contract}")
    return model_of(found, task)


def data_module_class(name: str) -> type[ResidentDataModule]:
    """Return the data module with that name or import path.

    Raises:
        UsageError: the object breaks `data_contract`.
    """
    if name in DATASETS:
        return cast(type[ResidentDataModule], resolve_name(DATASETS[name].target))
    contract = data_contract(Classification)
    found = _load(name, "data set", contract)
    if isinstance(found, type) and issubclass(found, ResidentDataModule):
        return found
    if not (isinstance(found, type) and issubclass(found, LightningDataModule)):
        raise UsageError(f"data set {name!r} is no LightningDataModule class: {contract}")
    return resident(name, found, _task_named_by(found))


def logger_class(path: str) -> type[Logger]:
    """Return the logger at an import path.

    Raises:
        UsageError: the object breaks `LOGGER_CONTRACT`, or has one run for all trials.
    """
    found = _load(path, "logger", LOGGER_CONTRACT)
    if not (isinstance(found, type) and issubclass(found, Logger)) or inspect.isabstract(found):
        raise UsageError(f"{path!r} is no Lightning logger: {LOGGER_CONTRACT}")
    if issubclass(found, WandbLogger):
        raise UsageError(
            f"{path!r} writes all trials of a process into one run: use --wandb and --wandb-project"
        )
    return found


def prepare_data(
    name: str,
    data_dir: Path | None,
    cache_dir: Path | None,
    kept: Path | None = None,
) -> ResidentDataModule:
    """Return the data module with that name or import path, prepared and set up.

    Args:
        name: Registered name or import path.
        data_dir: Folder of data sets that the user downloaded; None for the default.
        cache_dir: Folder for prepared data; None for the default.
        kept: Copy of a user's data set that this command has made already; None if it has not.

    Raises:
        UsageError: the module at the import path breaks `data_contract`.
        DataError: data are unavailable or damaged.
    """
    cls = data_module_class(name)
    contract = data_contract(_task_named_by(cls))
    with (
        users_code(f"data set {name!r} fails", contract) if is_import_path(name) else nullcontext()
    ):
        data = cls(data_dir=data_dir, cache_dir=cache_dir)
        if kept is not None and is_import_path(name):
            data.use_prepared(kept)
        else:
            data.prepare_data()
        data.setup("fit")
    return data


def seen_by(name: str, data: ResidentDataModule) -> ResidentDataModule:
    """Return `data` as the model called `name` takes them: as pixels, or as they are.

    Raises:
        UsageError: the model takes pixels, and `data` are no images.
    """
    task = task_class(data.task)
    model = model_class(name, task)
    if not model.takes_pixels or task is model.task_class:
        return data
    with users_code(f"model {name!r} takes images", data_contract(model.task_class)):
        pixels = data.as_pixels()
    pixels.task = model.task_class
    return pixels


def model_for(name: str, data: ResidentDataModule) -> tuple[type[TaskModel], int]:
    """Return the model called `name` for the task of `data`, and the size of that task.

    Raises:
        UsageError: a class breaks its contract, or the model learns another task.
    """
    task = task_class(data.task)
    model = model_class(name, task)
    if not issubclass(model.task_class, task):
        raise UsageError(
            f"model {name!r} learns {model.task_class.name}, data set {data.dataset!r} is for "
            f"{task.name}: {model_contract(task)}"
        )
    return model, getattr(data, task.size_name)


def check_fit(model: str, data: ResidentDataModule, dropout: bool) -> None:
    """Run `model` on one batch of `data`, which must be set up.

    Raises:
        UsageError: model, data or task break their contract.
    """
    data = seen_by(model, data)
    cls, size = model_for(model, data)
    batch = next(iter(data.val_dataloader()))
    contract = model_contract(cls.task_class)
    with users_code(f"model {model!r} does not take {data.input_shape} inputs", contract):
        built = cls(data.input_shape, size, optimizer=torch.optim.SGD, dropout=dropout).eval()
        with torch.no_grad():
            fault = built.task.output_fault(built(batch[0]), batch)
    if fault:
        raise UsageError(f"model {model!r} {fault}: {contract}")
    with users_code(f"task {built.task.name!r} fails on its data", TASK_CONTRACT), torch.no_grad():
        built.validation_step(batch, 0)
        found = [name for name, _ in built.read_metrics()]
    expected = [metric.on("val") for metric in built.task.metrics]
    if sorted(found) != sorted(expected):
        raise UsageError(
            f"task {built.task.name!r} measures {', '.join(found)}, and its metrics are "
            f"{', '.join(expected)}: {TASK_CONTRACT}"
        )


def _load(path: str, kind: str, contract: str) -> Any:
    with users_code(f"{kind} {path!r} cannot be imported", contract):
        try:
            return resolve_name(path)
        except AttributeError as error:
            hint = near(error.name or "", vars(error.obj) if hasattr(error.obj, "__dict__") else {})
            raise AttributeError(f"{error}{hint and '.'}{hint}") from None


def _task_named_by(cls: type[LightningDataModule]) -> type[Task]:
    return task_class(getattr(cls, "task", Classification))


def _path(found: Any) -> str:
    return found if isinstance(found, str) else getattr(found, "__qualname__", repr(found))
