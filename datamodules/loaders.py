"""Minibatches as slices of tensors already in memory: no workers, no copies per example."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from datamodules.sparse import Bag, SparseRows

Batch = tuple[Tensor | Bag, Tensor]


@dataclass(frozen=True)
class DenseRows:
    """Examples as dense rows.

    Args:
        values: Examples, float32 or the whole numbers of characters, (examples, …).
    """

    values: Tensor

    def select(self, rows: Tensor) -> Tensor:
        """Return the examples `rows`, int64 (batch,), as one batch."""
        return self.values.index_select(0, rows)

    def slice(self, begin: int, end: int) -> Tensor:
        """Return the examples from `begin` up to `end` as one batch."""
        return self.values[begin:end]

    def to(self, device: torch.device) -> "DenseRows":
        """Return the same rows on another device."""
        return DenseRows(self.values.to(device))


@dataclass(frozen=True)
class GreyRows(DenseRows):
    """Images whose batches are grey values in [0, 1]; the values themselves stay as they are.

    Args:
        black: Value of each channel that becomes 0, (channels, 1, 1); smaller ones do too.
        white: Value of each channel that becomes 1, (channels, 1, 1); larger ones do too.
    """

    black: Tensor
    white: Tensor

    def select(self, rows: Tensor) -> Tensor:
        """Return the grey values of the images `rows`, int64 (batch,), as one batch."""
        return self._grey(super().select(rows))

    def slice(self, begin: int, end: int) -> Tensor:
        """Return the grey values of the images from `begin` up to `end` as one batch."""
        return self._grey(super().slice(begin, end))

    def to(self, device: torch.device) -> "GreyRows":
        """Return the same images on another device."""
        return GreyRows(*(each.to(device) for each in (self.values, self.black, self.white)))

    def _grey(self, values: Tensor) -> Tensor:
        return ((values - self.black) / (self.white - self.black)).clamp_(0, 1)


@dataclass(frozen=True)
class Examples:
    """Examples in memory and their targets: classes, int64 (examples,), or what the task has."""

    inputs: DenseRows | SparseRows
    targets: Tensor

    def __len__(self) -> int:
        return len(self.targets)

    def to(self, device: torch.device) -> "Examples":
        """Return the same examples on another device."""
        return Examples(self.inputs.to(device), self.targets.to(device))

    def select(self, rows: Tensor) -> Batch:
        """Return the examples `rows`, int64 (batch,), as one batch."""
        return self.inputs.select(rows), self.targets.index_select(0, rows)

    def slice(self, begin: int, end: int) -> Batch:
        """Return the examples from `begin` up to `end` as one batch."""
        return self.inputs.slice(begin, end), self.targets[begin:end]


@dataclass(frozen=True)
class Split:
    """One split: chosen rows of examples that other splits may share. No example is copied.

    Args:
        examples: Examples from which batches are cut.
        rows: Rows of `examples` in this split, in its order, int64 (size,), on the device of the
            examples; None for all rows in their own order.
    """

    examples: Examples
    rows: Tensor | None = None

    def __len__(self) -> int:
        return len(self.examples) if self.rows is None else len(self.rows)

    def slice(self, begin: int, end: int) -> Batch:
        """Return the examples of this split from `begin` up to `end` as one batch."""
        if self.rows is None:
            return self.examples.slice(begin, end)
        return self.examples.select(self.rows[begin:end])

    def permuted(self, order: Tensor) -> Tensor:
        """Return the rows of `examples` at the places `order` of this split, int64 (places,)."""
        order = order.to(self.examples.targets.device)
        return order if self.rows is None else self.rows.index_select(0, order)


def moved(splits: Mapping[str, Split], device: torch.device) -> dict[str, Split]:
    """Return `splits` on `device`; examples that splits share are moved once and stay shared."""
    there = with_examples(splits, lambda examples: examples.to(device))
    return {
        name: Split(split.examples, None if split.rows is None else split.rows.to(device))
        for name, split in there.items()
    }


def with_examples(
    splits: Mapping[str, Split], change: Callable[[Examples], Examples]
) -> dict[str, Split]:
    """Return the same rows of changed examples; those that splits share are changed once."""
    shared = {id(split.examples): split.examples for split in splits.values()}
    changed = {key: change(examples) for key, examples in shared.items()}
    return {name: Split(changed[id(split.examples)], split.rows) for name, split in splits.items()}


class InOrder:
    """Batches of the first `limit` examples, for evaluation."""

    def __init__(self, split: Split, batch_size: int, limit: int | None = None) -> None:
        self._split = split
        self._batch_size = batch_size
        self._size = len(split) if limit is None else min(limit, len(split))

    def __len__(self) -> int:
        return math.ceil(self._size / self._batch_size)

    def __iter__(self) -> Iterator[Batch]:
        for begin in range(0, self._size, self._batch_size):
            end = min(begin + self._batch_size, self._size)
            yield self._split.slice(begin, end)


class Shuffled:
    """Batches in a new random order each epoch; the last one may be smaller.

    The orders come from a separate generator on the CPU, so they do not depend on the device or on
    other code that draws random numbers.

    Args:
        split: Examples to draw from.
        batch_size: Examples per batch.
        seed: Seed of the orders.
        chunk_size: Most batches per `Chunk`; 1 yields plain batches.
    """

    def __init__(self, split: Split, batch_size: int, seed: int, chunk_size: int = 1) -> None:
        self._split = split
        self._batch_size = batch_size
        self._chunk_size = chunk_size
        self._generator = torch.Generator().manual_seed(seed)
        self._num_batches = math.ceil(len(split) / batch_size)

    def __len__(self) -> int:
        return math.ceil(self._num_batches / self._chunk_size)

    def __iter__(self) -> Iterator[Any]:
        return iter(Stretches(self, [self._num_batches]))

    def draw(self) -> tuple[Tensor, ...]:
        """Return the rows of each batch of the next epoch, int64 (batch,)."""
        order = torch.randperm(len(self._split), generator=self._generator)
        return torch.split(self._split.permuted(order), self._batch_size)

    def ends(self) -> tuple[Batch, Batch]:
        """Return the first and the last batch of the next epoch; the last one may be smaller."""
        rows = self.draw()
        return self._split.examples.select(rows[0]), self._split.examples.select(rows[-1])

    def chunk_at(self, rows: tuple[Tensor, ...], begin: int, most: int) -> "tuple[Any, int]":
        """Return the chunk of an epoch's `rows` from batch `begin` on, and the batches in it.

        Chunks end at multiples of the chunk size, whatever cuts came before, and after `most`.
        """
        size = min(self._chunk_size - begin % self._chunk_size, len(rows) - begin, most)
        examples = self._split.examples
        if self._chunk_size == 1:
            return examples.select(rows[begin]), size
        return Chunk(examples, rows[begin : begin + size]), size


class Stretches:
    """The batches of all epochs as one stream; each iteration goes on to the next of given steps.

    The order of batches does not depend on these steps, which are where training pauses.

    Args:
        batches: Batches of an epoch.
        ends: The steps at which iterations end, counted over all epochs, ascending.
    """

    def __init__(self, batches: Shuffled, ends: Iterable[int]) -> None:
        self._batches = batches
        self._ends = iter(ends)
        self._step = 0
        self._rows: tuple[Tensor, ...] = ()
        self._begin = 0

    def __iter__(self) -> Iterator[Any]:
        end = next(self._ends, self._step)
        while self._step < end:
            if self._begin == len(self._rows):
                self._rows, self._begin = self._batches.draw(), 0
            chunk, size = self._batches.chunk_at(self._rows, self._begin, end - self._step)
            self._begin += size
            self._step += size
            yield chunk


class Chunk:
    """Consecutive batches for one call of the training step, each cut out when its turn comes.

    Chunks amortise the cost of Lightning's loop. A chunk crosses neither the end of an epoch nor
    an evaluation.
    """

    def __init__(self, examples: Examples, rows: tuple[Tensor, ...]) -> None:
        self._examples = examples
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Batch]:
        return map(self._examples.select, self._rows)
