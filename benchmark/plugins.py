"""From names to classes: registered ones, and anyone's own by import path, on a small contract."""

import hashlib
import inspect
import itertools
import math
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from numbers import Integral
from pathlib import Path
from pkgutil import resolve_name
from typing import Any, cast

import torch
from lightning.pytorch import LightningDataModule, LightningModule, seed_everything
from torch import Tensor, nn

from benchmark.models.base import Classifier, classifier_of
from benchmark.models.registry import MODELS
from benchmark.plain_text import error_line
from benchmark.spec import UsageError
from datamodules.base import ResidentDataModule
from datamodules.errors import DataError
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
    "(batch, *input_shape), targets (batch,), whole numbers); they are read once, into memory"
)
_MAX_CLASSES = 1_000_000  # more, or larger examples, fill the memory before anything is learnt
_MAX_VALUES = 100_000_000  # of one example
_MAX_BATCHES = 1_000_000  # of a loader that is read into memory; one that has more never ends


def model_class(name: str) -> type[Classifier]:
    """Return the model called `name`, or at that import path.

    Raises:
        UsageError: what is there does not keep `MODEL_CONTRACT`.
    """
    if name in MODELS:
        return cast(type[Classifier], resolve_name(MODELS[name].target))
    found = _load(name, "model", MODEL_CONTRACT)
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
    found = _load(name, "data set", DATA_CONTRACT)
    if isinstance(found, type) and issubclass(found, ResidentDataModule):
        return found
    if not (isinstance(found, type) and issubclass(found, LightningDataModule)):
        raise UsageError(f"data set {name!r} is no LightningDataModule class: {DATA_CONTRACT}")
    return _resident(name, found)


def prepare_data(
    name: str,
    data_dir: Path | None,
    cache_dir: Path | None,
    prepared: Path | None = None,
) -> ResidentDataModule:
    """Return the data module called `name`, or at that import path, prepared and set up.

    Args:
        name: Registered name or import path.
        data_dir: Where data sets were laid down by hand; None for the default place.
        cache_dir: Where prepared data go; None for the default place.
        prepared: Where they lie already; None to look, and to prepare what is not there.

    Raises:
        UsageError: the module at the import path does not keep `DATA_CONTRACT`.
        DataError: data cannot be had, or are damaged.
    """
    cls = data_module_class(name)
    with _anyones(f"data set {name!r} fails", DATA_CONTRACT) if "." in name else nullcontext():
        data = cls(data_dir=data_dir, cache_dir=cache_dir)
        if prepared is not None:
            data.use_prepared(prepared)
        else:
            data.prepare_data()
        data.setup("fit")
    return data


def check_fit(model: str, data: ResidentDataModule, dropout: bool) -> None:
    """Try one batch of `data`, which is set up, on `model`.

    Raises:
        UsageError: the two do not keep the contracts together.
    """
    cls = model_class(model)
    inputs, _ = next(iter(data.val_dataloader()))
    expected = (len(inputs.offsets if hasattr(inputs, "offsets") else inputs), data.num_classes)
    with _anyones(f"model {model!r} does not take {data.input_shape} inputs", MODEL_CONTRACT):
        network = cls(
            data.input_shape, data.num_classes, optimizer=torch.optim.SGD, dropout=dropout
        )
        with torch.no_grad():
            found = tuple(network.eval()(inputs).shape)
    if found != expected:
        raise UsageError(f"model {model!r} gives {found}, not {expected}: {MODEL_CONTRACT}")


@contextmanager
def _anyones(what: str, contract: str) -> Iterator[None]:
    """Turn whatever anyone's code raises into a UsageError of one line, with the contract."""
    try:
        yield
    except (UsageError, DataError):
        raise
    except (Exception, SystemExit, KeyboardInterrupt) as error:  # workers ignore Ctrl-C itself
        raise UsageError(f"{what} ({error_line(error, 200)}): {contract}") from error


def _load(path: str, kind: str, contract: str) -> Any:
    with _anyones(f"{kind} {path!r} cannot be imported", contract):
        return resolve_name(path)


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
                self._splits[split] = _read_split(
                    name, self._theirs, split, self.input_shape, self.num_classes
                )
            self._checksum = _digest(self._splits.values())

        @property
        def checksum(self) -> str:
            return self._checksum

        @property
        def origin(self) -> str:
            return "its own loaders"

        @property
        def prepared_folder(self) -> None:
            return None

    return Adopted


def _read_split(
    name: str, module: LightningDataModule, split: str, shape: tuple[int, ...], num_classes: int
) -> Split:
    inputs, targets = _read_loader(name, module, split)
    targets = _whole(targets)
    problem = _breach(inputs, targets, shape, num_classes)
    if problem:
        raise UsageError(f"data set {name!r}, {split} loader {problem}: {DATA_CONTRACT}")
    return Split(DenseRows(inputs), targets)


def _digest(splits: Iterable[Split]) -> str:
    digest = hashlib.sha256()
    for split in splits:
        for tensor in (cast(DenseRows, split.inputs).values, split.targets):
            digest.update(
                tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes()
            )
    return digest.hexdigest()


def _instance(name: str, cls: type[LightningDataModule]) -> Any:
    required = [
        p.name
        for p in inspect.signature(cls).parameters.values()
        if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]
    if required:
        raise UsageError(f"data set {name!r} needs {', '.join(required)}: {DATA_CONTRACT}")
    instance: Any = cls()
    for attribute in ("input_shape", "num_classes"):
        if not hasattr(instance, attribute):
            raise UsageError(f"data set {name!r} has no {attribute}: {DATA_CONTRACT}")
    shape, num_classes = instance.input_shape, instance.num_classes
    if not isinstance(shape, (tuple, list)) or not all(map(_is_count, (*shape, num_classes))):
        raise UsageError(
            f"data set {name!r} has input_shape {shape!r} and num_classes {num_classes!r}, not a "
            f"tuple of positive whole numbers and one such number: {DATA_CONTRACT}"
        )
    if math.prod(shape) > _MAX_VALUES or num_classes > _MAX_CLASSES:
        raise UsageError(
            f"data set {name!r} has {math.prod(shape)} values per example and {num_classes} "
            f"classes; at most {_MAX_VALUES} and {_MAX_CLASSES} fit: {DATA_CONTRACT}"
        )
    return instance


def _is_count(value: Any) -> bool:
    return isinstance(value, Integral) and int(value) > 0


def _read_loader(name: str, module: LightningDataModule, split: str) -> tuple[Tensor, Tensor]:
    with warnings.catch_warnings(), _anyones(f"data set {name!r}, {split} loader", DATA_CONTRACT):
        warnings.simplefilter("ignore")
        loader = getattr(module, f"{split}_dataloader")()
        batches = [(x, y) for x, y in itertools.islice(loader, _MAX_BATCHES + 1)]
        if len(batches) > _MAX_BATCHES:
            raise UsageError(
                f"data set {name!r}, {split} loader yields more than {_MAX_BATCHES} batches, "
                f"perhaps without end: {DATA_CONTRACT}"
            )
        if not any(len(y) for _, y in batches):
            raise UsageError(f"data set {name!r}, {split} loader yields nothing: {DATA_CONTRACT}")
        return torch.cat([x for x, _ in batches]), torch.cat([y for _, y in batches])


def _whole(targets: Tensor) -> Tensor:
    """Return targets as int64 if all of them are whole numbers, otherwise as they are."""
    if targets.is_complex() or (targets.is_floating_point() and not _all_whole(targets)):
        return targets
    return targets.long()


def _all_whole(targets: Tensor) -> bool:
    return bool((targets.isfinite() & (targets == targets.floor())).all())


def _breach(inputs: Tensor, targets: Tensor, input_shape: tuple[int, ...], num_classes: int) -> str:
    """Return how the examples of one split break `DATA_CONTRACT`, empty if they keep it."""
    if not inputs.is_floating_point() or targets.dtype != torch.int64:
        fractions = " that are not whole" if targets.is_floating_point() else ""
        return f"yields inputs {inputs.dtype} and targets {targets.dtype}{fractions}"
    shapes, expected = (tuple(inputs.shape), tuple(targets.shape)), len(inputs)
    if shapes != ((expected, *input_shape), (expected,)):
        return f"yields inputs {shapes[0]} and targets {shapes[1]}, with input_shape {input_shape}"
    if not bool(inputs.isfinite().all()):
        return "yields inputs that are NaN or infinite"
    low, high = int(targets.min()), int(targets.max())
    if low < 0 or high >= num_classes:
        return f"yields targets {low} to {high}, with num_classes {num_classes}"
    return ""
