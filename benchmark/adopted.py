"""A user's data module, by import path: its loaders are read once, and kept as they were read.

The launching process reads the loaders into memory and keeps the tensors in the cache, from which
the trials map them, as those of registered data sets: no trial waits for the loaders, and all train
on the same numbers. Without that copy, on another machine, the loaders are read anew.
"""

import hashlib
import inspect
import itertools
import math
import os
import shutil
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from numbers import Integral
from pathlib import Path
from typing import Any, ClassVar, cast

import torch
from lightning.pytorch import LightningDataModule, seed_everything
from torch import Tensor

from benchmark.errors import UsageError
from benchmark.plain_text import error_line
from benchmark.tasks.base import Task
from datamodules.base import SPLITS, ResidentDataModule, one_thread
from datamodules.cache import Cache, Tensors
from datamodules.errors import DataError, DataWarning
from datamodules.folders import default_cache_dir
from datamodules.loaders import DenseRows, Examples, Split

# A larger task, or a larger example, would fill the memory before training starts.
_MAX_SIZE = 1_000_000  # size of a task, such as its number of classes
_MAX_VALUES = 100_000_000  # values in one example
_MAX_BATCHES = 1_000_000  # a loader with more batches probably never ends
_MAX_FLOAT32 = torch.finfo(torch.float32).max
_FOLDER = "own"  # below the cache's folder
_DIGITS = 16  # of a digest, as the name of a copy
# Of one data set the last copies are kept, as studies may have other data of it, and all those that
# were used not long ago, as a study that runs may need them.
_MOST_KEPT = 3
_SAFE_SECONDS = 7 * 86_400.0


def data_contract(task: type[Task]) -> str:
    """Return the contract of a data set for `task`, in words."""
    return (
        f"a data set is a LightningDataModule class, built without arguments, {task.data_contract};"
        " they are read once, into memory"
    )


@contextmanager
def users_code(what: str, contract: str) -> Iterator[None]:
    """Turn any exception of a user's code into a one-line UsageError with the contract."""
    try:
        yield
    except (UsageError, DataError):
        raise
    except (Exception, SystemExit, KeyboardInterrupt) as error:  # workers ignore Ctrl-C itself
        raise UsageError(f"{what} ({error_line(error, 200)}): {contract}") from error


def resident(
    name: str, cls: type[LightningDataModule], task: type[Task]
) -> type[ResidentDataModule]:
    """Return a data module that reads the loaders of `cls`, called `name`, into memory."""
    learnt = task

    class Adopted(_Adopted):
        dataset = name
        task = learnt
        theirs = cls

    return Adopted


class _Adopted(ResidentDataModule):
    """A data module that reads the loaders of the class `theirs` into memory.

    All code of `theirs` runs with one thread, whatever a trial has, so every process reads the same
    bits.
    """

    task: type[Task]
    theirs: ClassVar[type[LightningDataModule]]

    def __init__(
        self,
        *,
        data_dir: Path | str | None = None,
        cache_dir: Path | str | None = None,
        batch_size: int = 128,
        seed: int = 0,
        split_seed: int = 0,  # unused: these loaders bring a split of their own
        chunk_size: int = 1,
    ) -> None:
        LightningDataModule.__init__(self)
        self.batch_size, self.seed, self.chunk_size = batch_size, seed, chunk_size
        with one_thread():
            self._theirs = _instance(self.dataset, self.theirs, self.task)
        self.input_shape = tuple(self._theirs.input_shape)
        size = int(getattr(self._theirs, self.task.size_name))
        setattr(self, self.task.size_name, size)
        self._task = self.task(size)
        self._splits: dict[str, Split] = {}
        self._copies = Path(cache_dir) if cache_dir else default_cache_dir()
        self._copies /= f"{_FOLDER}/{_file_name(self.dataset)}"
        self._cache: Cache | None = None

    def prepare_data(self) -> None:
        """Read the loaders, and keep what they yield; one that cannot be kept is only read."""
        with one_thread():
            self._theirs.prepare_data()
        self._read()
        cache = Cache(self._copies / _digest_with_forms(self._checksum, self._tensors())[:_DIGITS])
        try:
            cache.prepare(self._tensors, lambda: {"digest": self._checksum})
        except OSError as error:
            warnings.warn(
                f"every trial reads the loaders of {self.dataset!r} anew: they cannot be kept "
                f"({error_line(error, 100)})",
                DataWarning,
                stacklevel=2,
            )
            return
        self._cache = cache
        _touch(cache.folder)
        self._forget_the_oldest()

    def use_prepared(self, folder: Path) -> None:
        """Use the copy in `folder`, unless another study's has taken its place meanwhile."""
        if (folder / "manifest.json").exists():
            self._cache = Cache(folder)
            _touch(folder)

    def setup(self, stage: str | None = None) -> None:
        """Map the kept copy into memory, or read the loaders if there is none.

        Raises:
            UsageError: the loaders break their contract.
        """
        if self._cache is None:
            if not self._splits:  # a copy that could not be kept was read a moment ago
                self._read()
            return
        try:
            tensors = self._cache.load()
            self._checksum = str(self._cache.manifest()["digest"])
        except (OSError, DataError, KeyError):  # another command has taken it away
            self._read()
            return
        self._splits = {
            split: Split(
                Examples(DenseRows(tensors[f"{split}.inputs"]), tensors[f"{split}.targets"])
            )
            for split in SPLITS
        }

    @property
    def checksum(self) -> str:
        return self._checksum

    @property
    def origin(self) -> str:
        return "its own loaders"

    @property
    def prepared_folder(self) -> Path | None:
        return None if self._cache is None else self._cache.folder

    def _read(self) -> None:
        seed_everything(0, verbose=False)  # so a shuffling loader gives a fixed order
        with one_thread():
            self._theirs.setup("fit")
            self._theirs.setup("test")
            for split in SPLITS:
                self._splits[split] = _read_split(
                    self.dataset, self._theirs, split, self.input_shape, self._task
                )
        self._checksum = _digest(self._splits.values())

    def _tensors(self) -> Tensors:
        found = {}
        for name, split in self._splits.items():
            found[f"{name}.inputs"] = cast(DenseRows, split.examples.inputs).values.detach()
            found[f"{name}.targets"] = split.examples.targets.detach()
        return found

    def _forget_the_oldest(self) -> None:
        now = datetime.now(UTC).timestamp()
        with suppress(OSError):  # another process may forget them at the same time
            copies = [each for each in self._copies.iterdir() if each.is_dir()]
            copies.sort(key=lambda each: each.stat().st_mtime, reverse=True)
            for each in copies[_MOST_KEPT:]:
                if now - each.stat().st_mtime > _SAFE_SECONDS:
                    shutil.rmtree(each, ignore_errors=True)


def _touch(folder: Path) -> None:
    """Make a copy the youngest; in a folder that this user cannot write, it stays as it is."""
    with suppress(OSError):
        os.utime(folder)


def _digest_with_forms(checksum: str, tensors: Tensors) -> str:
    """Return a digest that also tells apart tensors of the same bytes and other types or shapes."""
    forms = [(name, str(each.dtype), tuple(each.shape)) for name, each in tensors.items()]
    return hashlib.sha256(f"{checksum} {forms}".encode()).hexdigest()


def _file_name(dataset: str) -> str:
    """Return a name of a folder that no other data set has.

    >>> _file_name("mine.Data")
    'mine.Data-7cc00230'
    """
    digest = hashlib.sha256(dataset.encode()).hexdigest()
    return f"{''.join(c if c.isalnum() or c in '._-' else '-' for c in dataset)[-60:]}-{digest[:8]}"


def _read_split(
    name: str, module: LightningDataModule, split: str, shape: tuple[int, ...], task: Task
) -> Split:
    contract = data_contract(type(task))
    read, targets = _read_loader(name, module, split, contract)
    inputs, targets = _as_float32(read), task.as_targets(targets)
    if fault := _range_fault(read, inputs) or task.data_fault(inputs, targets, shape):
        raise UsageError(f"data set {name!r}, {split} loader {fault}: {contract}")
    return Split(Examples(DenseRows(inputs), targets))


def _as_float32(inputs: Tensor) -> Tensor:
    """Return real inputs as float32, the type of a network's weights; others as they are."""
    return inputs.float() if inputs.is_floating_point() else inputs


def _range_fault(read: Tensor, inputs: Tensor) -> str:
    """Return a message if `read` has finite values that are infinite as `inputs`, otherwise ""."""
    if read.dtype == inputs.dtype or bool((read.isfinite() <= inputs.isfinite()).all()):
        return ""
    largest = float(read[read.isfinite()].abs().max())
    return f"yields inputs up to {largest:g}, and float32 ends at {_MAX_FLOAT32:g}"


def _digest(splits: Iterable[Split]) -> str:
    digest = hashlib.sha256()
    for split in splits:
        for tensor in (cast(DenseRows, split.examples.inputs).values, split.examples.targets):
            digest.update(
                tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes()
            )
    return digest.hexdigest()


def _instance(name: str, cls: type[LightningDataModule], task: type[Task]) -> Any:
    contract = data_contract(task)
    required = [
        p.name
        for p in inspect.signature(cls).parameters.values()
        if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]
    if required:
        raise UsageError(f"data set {name!r} needs {', '.join(required)}: {contract}")
    instance: Any = cls()
    for attribute in ("input_shape", task.size_name):
        if not hasattr(instance, attribute):
            raise UsageError(f"data set {name!r} has no {attribute}: {contract}")
    shape, size = instance.input_shape, getattr(instance, task.size_name)
    if not isinstance(shape, (tuple, list)) or not all(map(_is_count, (*shape, size))):
        raise UsageError(
            f"data set {name!r} has input_shape {shape!r} and {task.size_name} {size!r}, not a "
            f"tuple of positive whole numbers and one such number: {contract}"
        )
    if math.prod(shape) > _MAX_VALUES or size > _MAX_SIZE:
        raise UsageError(
            f"data set {name!r} has {math.prod(shape)} values per example and {size} "
            f"{task.size_name.removeprefix('num_')}; at most {_MAX_VALUES} and {_MAX_SIZE} fit: "
            f"{contract}"
        )
    return instance


def _is_count(value: Any) -> bool:
    return isinstance(value, Integral) and int(value) > 0


def _read_loader(
    name: str, module: LightningDataModule, split: str, contract: str
) -> tuple[Tensor, Tensor]:
    with warnings.catch_warnings(), users_code(f"data set {name!r}, {split} loader", contract):
        warnings.simplefilter("ignore")
        loader = getattr(module, f"{split}_dataloader")()
        batches = [(x, y) for x, y in itertools.islice(loader, _MAX_BATCHES + 1)]
        if len(batches) > _MAX_BATCHES:
            raise UsageError(
                f"data set {name!r}, {split} loader yields more than {_MAX_BATCHES} batches, "
                f"perhaps without end: {contract}"
            )
        if not any(len(y) for _, y in batches):
            raise UsageError(f"data set {name!r}, {split} loader yields nothing: {contract}")
        inputs, targets = (torch.cat([pair[place] for pair in batches]) for place in (0, 1))
        return inputs.as_subclass(Tensor), targets.as_subclass(Tensor)
