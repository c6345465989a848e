"""The batches of several seeds, side by side."""

from collections.abc import Iterator, Sequence
from typing import Any

from benchmark.runner import Loaders


class Chunks:
    """Chunks of equal length, one for each seed, for one call of the training step."""

    def __init__(self, chunks: Sequence[Any]) -> None:
        self._chunks = [[each] if isinstance(each, tuple) else each for each in chunks]

    def __len__(self) -> int:
        return len(self._chunks[0])

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        """Yield the batches of each step, one for each seed."""
        return zip(*self._chunks, strict=True)


class Training:
    """The training loaders of all seeds as one that yields `Chunks`."""

    def __init__(self, loaders: Sequence[Any]) -> None:
        self._loaders = loaders

    def __iter__(self) -> Iterator[Chunks]:
        return map(Chunks, zip(*self._loaders, strict=True))


class Evaluation:
    """The loaders of one split of all seeds as one; each item has a batch for each seed."""

    def __init__(self, loaders: Sequence[Any]) -> None:
        self._loaders = loaders

    def __len__(self) -> int:
        return len(self._loaders[0])

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return zip(*self._loaders, strict=True)


def joined(each: Sequence[Loaders]) -> Loaders:
    """Return the loaders of all seeds as those of one training run."""
    return Loaders(
        training=Training([own.training for own in each]),
        iterations=each[0].iterations,
        evaluation=[
            Evaluation(split) for split in zip(*(own.evaluation for own in each), strict=True)
        ],
    )
