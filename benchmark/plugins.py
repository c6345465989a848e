"""From names to classes: registered ones, and anyone's own by import path, on a small contract."""

import inspect
import math
import warnings
from pathlib import Path
from pkgutil import resolve_name
from typing import Any, cast

import torch
from lightning.pytorch import LightningDataModule, LightningModule, seed_everything
from torch import Tensor, nn

from benchmark.models.base import Classifier, classifier_of
from benchmark.models.registry import MODELS
from benchmark.spec import UsageError
from datamodules.base import ResidentDataModule
from datamodules.loaders import DenseRows, Split
from datamodules.registry import DATASETS

MODEL_CONTRACT = (
    "a model is a torch.nn.Module class, built as Model(input_shape, num_classes), that maps "
    "inputs (batch, *input_shape) to logits (batch, num_classes); or a subclass of "
    "benchmark.models.base.Classifier"
)
DATA_CONTRACT = (
    "a data set is a LightningDataModule class, built without arguments, with attributes "
    "input_shape and num_classes, whose train, val and test dataloaders yield (inputs float "
    "(batch, *input_shape), targets int64 (batch,)); they are read once, into memory"
)


def model_class(name: str) -> type[Classifier]:
    """Return the model called `name`, or at that import path.

    Raises:
        UsageError: what is there does not keep `MODEL_CONTRACT`.
    """
    if name in MODELS:
        return cast(type[Classifier], resolve_name(MODELS[name].target))
    found = _load(name, "model")
    if isinstance(found, type) and issubclass(found, Classifier):
        return found
    if not (isinstance(found, type) and issubclass(found, nn.Module)):
        raise UsageError(f"model {name!r} is not a torch.nn.Module class: {MODEL_CONTRACT}")
    if issubclass(found, LightningModule):
        raise UsageError(f"model {name!r} brings its own training step: {MODEL_CONTRACT}")
    return classifier_of(found)


def data_module_class(name: str) -> type[ResidentDataModule]:
    """Return the data module called `name`, or at that import path.

    Raises:
        UsageError: what is there does not keep `DATA_CONTRACT`.
    """
    if name in DATASETS:
        return cast(type[ResidentDataModule], resolve_name(DATASETS[name].target))
    found = _load(name, "data set")
    if isinstance(found, type) and issubclass(found, ResidentDataModule):
        return found
    if not (isinstance(found, type) and issubclass(found, LightningDataModule)):
        raise UsageError(f"data set {name!r} is no LightningDataModule class: {DATA_CONTRACT}")
    return _resident(name, found)


def check_fit(model: str, data: ResidentDataModule, dropout: bool) -> None:
    """Try one batch of `data`, which is set up, on `model`.

    Raises:
        UsageError: the two do not keep the contracts together.
    """
    cls = model_class(model)
    inputs, _ = next(iter(data.val_dataloader()))
    expected = (len(inputs.offsets if hasattr(inputs, "offsets") else inputs), data.num_classes)
    try:
        network = cls(
            data.input_shape, data.num_classes, optimizer=torch.optim.SGD, dropout=dropout
        )
        with torch.no_grad():
            found = tuple(network.eval()(inputs).shape)
    except UsageError:
        raise
    except Exception as error:  # anyone's network may raise anything
        words = " ".join(str(error).split())[:200]
        raise UsageError(
            f"model {model!r} does not take {data.input_shape} inputs ({words}): {MODEL_CONTRACT}"
        ) from error
    if found != expected:
        raise UsageError(f"model {model!r} gives {found}, not {expected}: {MODEL_CONTRACT}")


def _load(path: str, kind: str) -> Any:
    try:
        return resolve_name(path)
    except (ImportError, AttributeError, ValueError) as error:
        raise UsageError(f"{kind} {path!r} cannot be imported: {error}") from None


def _resident(name: str, cls: type[LightningDataModule]) -> type[ResidentDataModule]:
    """Return a data module that reads the loaders of `cls` into memory."""

    class Adopted(ResidentDataModule):
        dataset = name

        def __init__(
            self,
            *,
            data_dir: Path | str | None = None,
            cache_dir: Path | str | None = None,
            batch_size: int = 128,
            seed: int = 0,
            chunk_size: int = 1,
        ) -> None:
            LightningDataModule.__init__(self)
            self.batch_size, self.seed, self.chunk_size = batch_size, seed, chunk_size
            self._theirs = _instance(name, cls)
            self.input_shape = tuple(self._theirs.input_shape)
            self.num_classes = int(self._theirs.num_classes)
            self._splits: dict[str, Split] = {}

        def prepare_data(self) -> None:
            self._theirs.prepare_data()

        def setup(self, stage: str | None = None) -> None:
            seed_everything(0, verbose=False)  # a shuffling loader is read in the same order always
            self._theirs.setup("fit")
            self._theirs.setup("test")
            for split in ("train", "val", "test"):
                self._splits[split] = _read_loader(name, self._theirs, split)
            expected = math.prod(self.input_shape)
            found = self._splits["train"].inputs.slice(0, 1)
            if not isinstance(found, Tensor) or found.numel() != expected:
                raise UsageError(f"data set {name!r} has other inputs: {DATA_CONTRACT}")

        @property
        def checksum(self) -> str:
            return f"read from {name}"

    return Adopted


def _instance(name: str, cls: type[LightningDataModule]) -> Any:
    required = [
        p.name
        for p in inspect.signature(cls).parameters.values()
        if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]
    if required:
        raise UsageError(f"data set {name!r} needs {', '.join(required)}: {DATA_CONTRACT}")
    instance = cls()
    for attribute in ("input_shape", "num_classes"):
        if not hasattr(instance, attribute):
            raise UsageError(f"data set {name!r} has no {attribute}: {DATA_CONTRACT}")
    return instance


def _read_loader(name: str, module: LightningDataModule, split: str) -> Split:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            batches = [(x, y) for x, y in getattr(module, f"{split}_dataloader")()]
        inputs = torch.cat([x for x, _ in batches])
        targets = torch.cat([y for _, y in batches])
    except Exception as error:  # anyone's loader may raise anything
        words = " ".join(str(error).split())[:200]
        raise UsageError(f"data set {name!r}, {split} loader: {words}: {DATA_CONTRACT}") from error
    if not inputs.is_floating_point() or targets.dtype != torch.int64:
        kinds = f"{inputs.dtype} and {targets.dtype}"
        raise UsageError(f"data set {name!r}, {split} loader yields {kinds}: {DATA_CONTRACT}")
    return Split(DenseRows(inputs), targets)
