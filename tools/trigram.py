"""Bits per character of a trigram model, which a language model has to beat.

`python -m tools.trigram` prints them for each data set of text that is available; titles in
datamodules/registry.py and docs/data.md name them. The model is fitted to the training part, that
is the windows of training and validation, and asked for the test part. There it knows the two
characters before each, also across the windows.

Source: Witten & Bell, "The Zero-Frequency Problem", IEEE Transactions on Information Theory 37,
1991, method C, interpolated down to equal probabilities of all characters.
"""

from typing import Any

import numpy as np

from benchmark.plugins import data_module_class
from datamodules.errors import DataUnavailableError
from datamodules.registry import DATASETS
from datamodules.text import ALPHABET, TextDataModule, codes

Array = np.ndarray[Any, Any]


def main() -> None:
    """Print a line for each data set of text."""
    for name in (row.name for row in DATASETS.values() if row.text):
        try:
            print(f"{name}: {measure(name):.2f} bits per character")
        except DataUnavailableError as error:
            print(error)


def measure(name: str) -> float:
    """Return the bits per character of the test part of data set `name`.

    Raises:
        DataError: the data are unavailable or damaged.
    """
    data = data_module_class(name)()
    assert isinstance(data, TextDataModule)
    data.prepare_data()
    texts = data.texts()
    return bits_per_character(*(codes(texts[part]).numpy() for part in ("pool", "test")))


def bits_per_character(seen: Array, asked: Array, size: int = len(ALPHABET)) -> float:
    """Return the mean of −log₂ p of each character of `asked` after its first two.

    Args:
        seen: Numbers of the characters of the text to which the model is fitted.
        asked: Numbers of the characters to predict.
        size: Number of different characters.

    >>> bits_per_character(np.array([], int), np.array([0, 1, 2, 3]), size=4)
    2.0
    """
    probabilities = np.full((1,) * 2 + (size,), 1 / size)
    for order in range(3):
        probabilities = _interpolated(_counts(seen, order, size), probabilities)
    last = tuple(asked[k : len(asked) - 2 + k].astype(int) for k in range(3))
    return float(-np.log2(probabilities[last]).mean())


def _counts(seen: Array, order: int, size: int) -> Array:
    """Return how often each character follows each of the last `order` characters.

    Returns:
        (size or 1, size or 1, size); the 1s stand for characters that do not matter.
    """
    shape = (1,) * (2 - order) + (size,) * (order + 1)
    counts = np.zeros(shape)
    found = [seen[k : max(len(seen) - order + k, 0)].astype(int) for k in range(order + 1)]
    zeros = [np.zeros_like(found[0])] * (2 - order)
    np.add.at(counts, (*zeros, *found), 1)
    return counts


def _interpolated(counts: Array, shorter: Array) -> Array:
    """Return the probabilities of characters from counts and a model with a shorter memory.

    A context with T different successors gives the weight T to the shorter model.
    """
    total = counts.sum(-1, keepdims=True)
    kinds = (counts > 0).sum(-1, keepdims=True)
    mixed = (counts + kinds * shorter) / np.maximum(total + kinds, 1)
    return np.where(total > 0, mixed, shorter)


if __name__ == "__main__":
    main()
