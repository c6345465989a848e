"""The base class of all data sets: cache, splits, loaders. A subclass states only differences."""

import copy
import math
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from lightning.pytorch import LightningDataModule
from torch import Tensor

from datamodules.augmentation import CroppedRows
from datamodules.cache import Cache, Tensors
from datamodules.errors import DataCorruptError, DataError, DataUnavailableError, DataWarning
from datamodules.folders import default_cache_dir, default_data_dir, downloads_dir
from datamodules.loaders import (
    DenseRows,
    Examples,
    GreyRows,
    InOrder,
    Shuffled,
    Split,
    Stretches,
    moved,
    with_examples,
)
from datamodules.network import reachable
from datamodules.places import download_url, where_to_put
from datamodules.registry import DATASETS
from datamodules.sources import Place, Source, find_place
from datamodules.sparse import SparseRows

SPLITS = ("train", "val", "test")
PARTS = ("pool", "test")  # prefixes of the prepared tensors
DATA_SEED = 1412_6980  # what digits and reviews draw themselves; the Adam paper's number on arXiv
TRAIN_EVAL_SIZE = 10_000  # training examples on which the training loss is evaluated
EVAL_BATCH_SIZE = 1_000  # largest batch; a CIFAR-10 image needs 500 KB of CNN activations
EVAL_VALUES = 784_000  # most numbers in a batch of images: 1,000 of MNIST or 255 of CIFAR-10


@dataclass(frozen=True)
class Part:
    """The training part or the test part of a set of images, as read from its files.

    Args:
        images: Images, uint8 or float, (examples, channels, height, width).
        targets: Classes, int64 (examples,).
        source: File or pattern of files to name in an error about these images.
    """

    images: Tensor
    targets: Tensor
    source: Path


class ResidentDataModule(LightningDataModule):
    """A data set that is prepared once and then mapped into memory from a file.

    The prepared tensors are a pool of all rows of the data set's training part, and its test part.
    They are the same for all seeds. `split_seed` draws which rows of the pool are for training and
    which for validation; batches are cut from the pool by these rows, which copies no example.

    Subclasses give `dataset`, a row of `registry.DATASETS`, and `build`. Those that are not
    embedded also give `download` and have a row in `layouts.LAYOUTS`. Those with a transform that
    is fitted to the training rows of each seed give `fitted`.

    `task` is the task that its targets belong to: a name, import path or class. The size that the
    task asks for is an attribute with the name in the row, such as `num_classes`.

    Attributes:
        augmentation_seed: Seed of random crops and mirror images of training batches; None for
            the images themselves.

    Args:
        data_dir: Folder of files put there by hand; by default $BENCHMARK_DATA_DIR.
        cache_dir: Folder for prepared data; by default $BENCHMARK_CACHE_DIR, or the user's cache.
        batch_size: Examples per training batch.
        seed: Seed of the order of training batches.
        split_seed: Seed of the division of the training part into training and validation rows.
        chunk_size: Batches per `Chunk` that the training loader yields; 1 yields plain batches.
    """

    dataset: ClassVar[str]
    task: str | type[Any] = "classification"
    num_classes: int  # only if the targets are classes
    num_pixels: int  # only of `as_pixels`
    augmentation_seed: int | None = None

    def __init__(
        self,
        *,
        data_dir: Path | str | None = None,
        cache_dir: Path | str | None = None,
        batch_size: int = 128,
        seed: int = 0,
        split_seed: int = 0,
        chunk_size: int = 1,
    ) -> None:
        super().__init__()
        row = DATASETS[self.dataset]
        self.input_shape, self.sizes = row.input_shape, row.sizes
        setattr(self, row.targets.name, row.targets.size)
        self.data_dir = Path(data_dir) if data_dir else default_data_dir()
        self.cache_dir = Path(cache_dir) if cache_dir else default_cache_dir()
        self.batch_size = batch_size
        self.seed = seed
        self.split_seed = split_seed
        self.chunk_size = chunk_size
        self._cache: Cache | None = None
        self._source: Source | None = None
        self._notices: list[str] = []
        self._splits: dict[str, Split] = {}

    def build(self) -> Tensors:
        """Return the tensors of the training part and of the test part, from the source files.

        Their names begin with ``pool.`` and ``test.``: dense examples are ``pool.inputs`` and
        ``pool.targets``, sparse ones are as `bag_of_words.bag_tensors` returns them. Whatever is
        fitted to the data, such as a mean or a vocabulary, is fitted to the whole pool.

        Raises:
            DataUnavailableError: the files are neither in `data_dir` nor downloadable.
            DataCorruptError: a file is damaged.
        """
        raise NotImplementedError

    def download(self, folder: Path) -> None:
        """Download the source files into `folder`, in one of the layouts of this data set."""
        raise NotImplementedError

    def prepare_data(self) -> None:
        """Build the cache if it is missing, otherwise check its digest. Called once per study.

        Raises:
            DataError: the data cannot be had, or are damaged.
        """
        place = self._find_place() or self._downloaded()
        self._source, self._notices = place.source, []
        self._cache = Cache(place.folder)
        note = {"source": place.origin, "notices": self._notices}
        self._cache.prepare(self._build, lambda: note)
        for notice in place.manifest().get("notices", ()):
            warnings.warn(str(notice), DataWarning, stacklevel=2)

    def use_prepared(self, folder: Path) -> None:
        """Use the tensors in `folder` without searching for their source files.

        The workers of a study call this: the launching process has prepared the tensors, and a
        search through a folder of 50,000 files takes seconds.
        """
        self._cache = Cache(folder)

    @property
    def prepared_folder(self) -> Path | None:
        """Return the folder of the prepared tensors; None for a data set that is not cached."""
        return self._prepared().folder

    def setup(self, stage: str | None = None) -> None:
        """Map the prepared tensors into memory.

        Raises:
            DataError: `prepare_data` has not been called, or the source files have changed since.
        """
        prepared = self._prepared().load()
        train, val = self.train_val_rows(len(prepared["pool.targets"]))
        tensors = self.fitted(prepared, train)
        pool, test = (_examples(tensors, part) for part in PARTS)
        self._splits = {"train": Split(pool, train), "val": Split(pool, val), "test": Split(test)}

    @property
    def checksum(self) -> str:
        """Return the SHA-256 of the prepared tensors."""
        return self._prepared().checksum()

    @property
    def origin(self) -> str:
        """Return a description of the source of the prepared data."""
        place = self._find_place()
        return place.origin if place else "files that are gone"

    @property
    def source(self) -> Source:
        """The files that `build` reads.

        Raises:
            DataUnavailableError: no source files exist.
        """
        if self._source is None:
            raise self._unavailable("and the files it was prepared from are gone")
        return self._source

    def notice(self, words: str) -> None:
        """Warn about the source files, now and whenever these data are used."""
        self._notices.append(words)

    def _build(self) -> Tensors:
        if self._source is not None:
            self._source.check()
        with one_thread():
            return self.build()

    def _find_place(self) -> Place | None:
        return find_place(self.dataset, self.data_dir, self.cache_dir)

    def _prepared(self) -> Cache:
        if self._cache is None:
            place = self._find_place()
            if place is None or not place.manifest():
                of = f" from {place.origin}" if place else ""
                raise DataError(
                    f"data set {self.dataset!r} is not prepared{of}: "
                    "if its files were changed meanwhile, run the command again"
                )
            self._cache = Cache(place.folder)
        return self._cache

    def _downloaded(self) -> Place:
        if not reachable(download_url(self.dataset)):
            raise self._unavailable("and there is no network to download them")
        folder = downloads_dir(self.cache_dir)
        try:
            self.download(folder)
        except Exception as error:  # torchvision and the hub's client raise a dozen types
            words = " ".join(str(error).split())[:200]
            raise self._unavailable(f"and the download failed ({words})") from error
        place = self._find_place()
        if place is None:
            raise self._unavailable(f"and the download left no files in {folder}")
        return place

    def _unavailable(self, why: str) -> DataUnavailableError:
        return DataUnavailableError(where_to_put(self.dataset, self.data_dir, why))

    def as_pixels(self) -> Self:
        """Return a second module of the same images, which yields grey values in [0, 1].

        In each channel, black is the least value of the training part and white the greatest one;
        no image is copied. The second module has `num_pixels`, the values of an image.

        Raises:
            ValueError: the examples are no images, or a channel has only one value.
        """
        pool = self._splits["train"].examples.inputs
        if not (
            isinstance(pool, DenseRows)
            and pool.values.is_floating_point()
            and len(self.input_shape) == 3
        ):
            raise ValueError("expected images of real numbers, (channels, height, width)")
        black, white = torch.aminmax(pool.values.transpose(0, 1).flatten(1), dim=1)
        black, white = (each.view(-1, 1, 1) for each in (black, white))
        if not bool((black < white).all()):
            raise ValueError("a channel has the same value in all images")
        seen = copy.copy(self)
        seen.num_pixels = math.prod(self.input_shape)
        seen._splits = with_examples(
            self._splits,
            lambda images: Examples(GreyRows(images.inputs.values, black, white), images.targets),
        )
        return seen

    @property
    def num_train(self) -> int:
        """Return the number of examples in the training split."""
        return len(self._splits["train"])

    @property
    def num_evaluated(self) -> tuple[int, int, int]:
        """The numbers of training, validation and test examples in a whole evaluation."""
        num_train_eval = min(TRAIN_EVAL_SIZE, self.num_train)
        return num_train_eval, len(self._splits["val"]), len(self._splits["test"])

    def to(self, device: torch.device) -> None:
        """Move all examples to `device`; batches are then cut there."""
        self._splits = moved(self._splits, device)

    def train_dataloader(self) -> Shuffled:
        """Return the training batches in an order drawn from `seed`, different in each epoch."""
        split = self._splits["train"]
        if self.augmentation_seed is not None:
            split = _augmented(split, self.augmentation_seed)
        return Shuffled(split, self.batch_size, self.seed, self.chunk_size)

    def training_stretches(self, ends: Iterable[int]) -> Stretches:
        """Return the training batches of all epochs, in iterations that end at these steps."""
        return Stretches(self.train_dataloader(), ends)

    def train_eval_dataloader(self) -> InOrder:
        """Return the first `TRAIN_EVAL_SIZE` training examples of the split, in a fixed order."""
        return InOrder(self._splits["train"], self._eval_batch_size, TRAIN_EVAL_SIZE)

    def val_dataloader(self, limit: int | None = None) -> InOrder:
        """Return the validation split in a fixed order, or its first `limit` examples."""
        return InOrder(self._splits["val"], self._eval_batch_size, limit)

    def test_dataloader(self) -> InOrder:
        """Return the test split in a fixed order."""
        return InOrder(self._splits["test"], self._eval_batch_size)

    @property
    def _eval_batch_size(self) -> int:
        if len(self.input_shape) < 3:
            return EVAL_BATCH_SIZE
        return max(1, min(EVAL_BATCH_SIZE, EVAL_VALUES // math.prod(self.input_shape)))

    def transfer_batch_to_device(self, batch: Any, device: Any, dataloader_idx: int) -> Any:
        """Return the batch unchanged: it was cut on the device of the examples."""
        return batch

    def train_val_rows(self, num_examples: int) -> tuple[Tensor, Tensor]:
        """Return the rows of the training part for training and those for validation.

        `draw_order` draws them from `split_seed`.

        Raises:
            ValueError: the number of rows is not that of the data set.
        """
        num_train, num_val, _ = self.sizes
        if num_examples != num_train + num_val:
            raise ValueError(f"expected {num_train + num_val} examples, found {num_examples}")
        generator = torch.Generator().manual_seed(self.split_seed)
        order = self.draw_order(num_examples, generator)
        return order[:num_train], order[num_train:]

    def fitted(self, prepared: Tensors, train: Tensor) -> Tensors:
        """Return the tensors to train on: the prepared ones, unless a subclass transforms them.

        Args:
            prepared: Tensors of the pool and of the test part.
            train: Rows of the pool for training; a transform is fitted to these alone.
        """
        return prepared

    def draw_order(self, num_examples: int, generator: torch.Generator) -> Tensor:
        """Return all rows of the training part, int64 (rows,): those for training come first.

        They are a plain random draw, in random order, so the first rows for training and for
        validation are random samples too. The draw does not balance the classes.
        """
        return torch.randperm(num_examples, generator=generator)

    def image_tensors(self, train: Part, test: Part, dims: tuple[int, ...]) -> dict[str, Tensor]:
        """Return the tensors of images, normalised by mean and deviation of the training part.

        Args:
            train: Images of the training part.
            test: Images of the test part.
            dims: Dimensions over which the statistics are taken.

        Raises:
            DataCorruptError: images or labels do not fit the data set.
        """
        num_train, num_val, num_test = self.sizes
        self.check(train, num_train + num_val)
        self.check(test, num_test)
        images = train.images.float()
        mean, deviation = images.mean(dims, keepdim=True), images.std(dims, keepdim=True)
        if not bool((deviation > 0).all()):
            raise DataCorruptError(train.source, "every pixel has the same value")
        return {
            "pool.inputs": images.sub_(mean).div_(deviation),
            "pool.targets": train.targets,
            "test.inputs": test.images.float().sub_(mean).div_(deviation),
            "test.targets": test.targets,
        }

    def check(self, part: Part, size: int) -> None:
        """Check that `part` has `size` images of the data set's shape, and labels of its classes.

        Raises:
            DataCorruptError: images or labels do not fit the data set.
        """
        check_shape(part.source, part.targets, (size,))
        check_shape(part.source, part.images, (size, *self.input_shape))
        if part.images.is_floating_point() and not bool(part.images.isfinite().all()):
            raise DataCorruptError(part.source, "pixels that are NaN or infinite")
        if int(part.targets.min()) < 0 or int(part.targets.max()) >= self.num_classes:
            raise DataCorruptError(part.source, f"labels outside 0 to {self.num_classes - 1}")


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch use one thread, because the last bits of a mean depend on the number of threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def check_shape(source: Path, values: Tensor, expected: tuple[int, ...]) -> None:
    """Check that `values`, (examples, …), read from `source`, have the shape `expected`.

    Raises:
        DataCorruptError: the number of examples or their shape differs.
    """
    found = tuple(values.shape)
    if found[:1] != expected[:1]:
        raise DataCorruptError(source, f"expected {expected[0]} examples, found {len(values)}")
    if found != expected:
        sizes = ["×".join(map(str, shape[1:])) for shape in (expected, found)]
        raise DataCorruptError(source, f"expected examples of {sizes[0]}, found {sizes[1]}")


def _augmented(split: Split, seed: int) -> Split:
    inputs, targets = split.examples.inputs, split.examples.targets
    assert isinstance(inputs, DenseRows), "images are dense"
    crops = CroppedRows(inputs.values, torch.Generator().manual_seed(seed))
    return Split(Examples(crops, targets), split.rows)


def _examples(tensors: Tensors, part: str) -> Examples:
    if f"{part}.inputs" in tensors:
        inputs: DenseRows | SparseRows = DenseRows(tensors[f"{part}.inputs"])
    else:
        inputs = SparseRows(
            *(tensors[f"{part}.{each}"] for each in ("starts", "indices", "values"))
        )
    return Examples(inputs, tensors[f"{part}.targets"])
