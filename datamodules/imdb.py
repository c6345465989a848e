"""IMDB film reviews, as bags of words and as text.

Source: Maas et al., "Learning Word Vectors for Sentiment Analysis", 2011.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from datamodules import shards
from datamodules.bag_of_words import bag_tensors
from datamodules.base import DATA_SEED, PARTS, ResidentDataModule
from datamodules.cache import Tensors
from datamodules.errors import DataCorruptError, reading
from datamodules.labels import class_labels
from datamodules.sources import Source
from datamodules.text import TextDataModule, plain

_PARTS = ("train", "test")  # as in the files, in the order of `PARTS`
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")  # "I <3 it" and "3 < 4" are not tags


@dataclass(frozen=True)
class _Part:
    texts: list[str]
    labels: torch.Tensor  # int64 (reviews,)
    source: Path  # folder or pattern of files to name if reviews are missing


class IMDB(ResidentDataModule):
    """Reviews as sparse vectors: 1 for each of 10,000 words that a review contains, otherwise 0.

    The vocabulary holds the words that occur in most reviews of the training part. The number of
    reviews decides, not the number of occurrences, because the bags do not count occurrences
    either. Among words in equally many reviews, the alphabet decides. HTML tags, such as the
    ``<br />`` of most reviews, are removed first. The Adam paper does not say whether its bags hold
    counts or occurrences; occurrences gave the better test accuracy here.
    """

    dataset = "imdb"

    def build(self) -> Tensors:
        """Read the reviews in any of the known layouts and find their words."""
        from sklearn.feature_extraction.text import CountVectorizer

        num_train, num_val, num_test = self.sizes
        read = _READERS[self.source.layout.kind]
        part = _checked(read(self.source, "train"), num_train + num_val)
        test = _checked(read(self.source, "test"), num_test)
        vectorizer = CountVectorizer(binary=True)
        with reading(part.source):  # scikit-learn raises if there is no word at all
            bags = vectorizer.fit_transform(part.texts)
        words = _in_most_reviews(bags, self.input_shape[0])
        test_bags = vectorizer.transform(test.texts)
        return {
            **bag_tensors("pool", bags[:, words], part.labels),
            **bag_tensors("test", test_bags[:, words], test.labels),
        }

    def download(self, folder: Path) -> None:
        """Let the hub's client fetch the reviews into its own layout."""
        _download(folder)


class IMDBText(TextDataModule):
    """Windows of 64 characters of the reviews, without their classes.

    Each review is one line in the characters of `text.ALPHABET`, without HTML tags. Reviews that
    occur twice are used once. Their order is drawn once, for all seeds and all layouts, from the
    alphabetical one; the first 4 million characters of the training part and the first quarter of a
    million of the test part are used.
    """

    dataset = "imdb_text"

    def texts(self) -> Mapping[str, str]:
        """Read the reviews of both parts in any of the known layouts."""
        num_train, num_val, num_test = self.sizes
        read, (length,) = _READERS[self.source.layout.kind], self.input_shape
        texts: dict[str, str] = {}
        for part, name, count in zip(PARTS, _PARTS, (num_train + num_val, num_test), strict=True):
            found = read(self.source, name)
            texts[part] = _lines(found.texts)
            needed = count * length + 1
            if len(texts[part]) < needed:
                problem = f"expected {needed} characters of reviews, found {len(texts[part])}"
                raise DataCorruptError(found.source, problem)
        return texts

    def download(self, folder: Path) -> None:
        """Let the hub's client fetch the reviews into its own layout."""
        _download(folder)


def _download(folder: Path) -> None:
    from datasets import load_dataset

    load_dataset("stanfordnlp/imdb", cache_dir=str(folder))


def _lines(reviews: Sequence[str]) -> str:
    """Return each different review as a line, in an order that depends on their texts alone."""
    lines = sorted({" ".join(plain(review).split()) for review in reviews})
    order = np.random.default_rng(DATA_SEED).permutation(len(lines))
    return "".join(f"{lines[row]}\n" for row in order)


def _in_most_reviews(bags: Any, size: int) -> "np.ndarray[Any, Any]":
    """Return the at most `size` columns of the 0/1 matrix `bags` with most ones, ascending."""
    num_reviews = np.asarray(bags.sum(axis=0)).ravel()
    return np.sort(np.argsort(-num_reviews, kind="stable")[:size])


def _read_shards(source: Source, part: str) -> _Part:
    texts: list[str] = []
    labels: list[torch.Tensor] = []
    for path in source.files[part]:
        found, classes = shards.read(path, ("text",), ("label",))
        texts += _cleaned(path, found)
        labels.append(class_labels(path, classes, 2))
    return _Part(texts, torch.cat(labels), source.folder / f"{part}-*{path.suffix}")


def _read_texts(source: Source, part: str) -> _Part:
    """Read one file per review; negative and positive reviews lie in two folders."""
    texts: list[str] = []
    labels: list[int] = []
    for label, side in enumerate(("neg", "pos")):
        for path in source.files[f"{part}/{side}"]:
            with reading(path):
                texts += _cleaned(path, [path.read_text(encoding="utf-8")])
            labels.append(label)
    return _Part(texts, torch.tensor(labels), source.folder / part)


_READERS: dict[str, Callable[[Source, str], _Part]] = {
    "parquet": _read_shards,
    "arrow": _read_shards,
    "texts": _read_texts,
}


def _cleaned(path: Path, texts: Sequence[Any]) -> list[str]:
    """Return the reviews without their HTML tags.

    Raises:
        DataCorruptError: a review is null, empty or not a text.
    """
    for row, text in enumerate(texts):
        if not isinstance(text, str) or not text.strip():
            kind = "null" if text is None else type(text).__name__
            kind = "empty" if isinstance(text, str) else kind
            raise DataCorruptError(path, f"the review of row {row} is {kind}, not text")
    return [_TAG.sub(" ", text) for text in texts]


def _checked(part: _Part, size: int) -> _Part:
    if len(part.texts) != size:
        raise DataCorruptError(part.source, f"expected {size} reviews, found {len(part.texts)}")
    return part
