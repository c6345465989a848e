"""Minibatches as slices of tensors already in memory: no workers, no copies per example."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from datamodules.sparse import Bag, SparseRows

Batch = tuple[Tensor | Bag, Tensor]


@dataclass(frozen=True)
class DenseRows:
    """All examples of a split as dense rows.

    Args:
        values: Examples, float32, (examples, …).
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
class Split:
    """The examples of one split and their classes, int64 (examples,)."""

    inputs: DenseRows | SparseRows
    targets: Tensor

    def __len__(self) -> int:
        return len(self.targets)

    def to(self, device: torch.device) -> "Split":
        """Return the same split on another device."""
        return Split(self.inputs.to(device), self.targets.to(device))

    def select(self, rows: Tensor) -> Batch:
        """Return the examples `rows` as one batch."""
        return self.inputs.select(rows), self.targets.index_select(0, rows)


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
            yield self._split.inputs.slice(begin, end), self._split.targets[begin:end]


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
        order = torch.randperm(len(self._split), generator=self._generator)
        rows = torch.split(order.to(self._split.targets.device), self._batch_size)
        if self._chunk_size == 1:
            yield from map(self._split.select, rows)
        else:
            for begin in range(0, len(rows), self._chunk_size):
                yield Chunk(self._split, rows[begin : begin + self._chunk_size])


class Chunk:
    """Consecutive batches for one call of the training step, each cut out when its turn comes.

    Chunks amortise the cost of Lightning's loop. A chunk never crosses the end of an epoch.
    """

    def __init__(self, split: Split, rows: tuple[Tensor, ...]) -> None:
        self._split = split
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Batch]:
        return map(self._split.select, self._rows)
