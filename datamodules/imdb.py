"""IMDB film reviews. Source: Maas et al., "Learning Word Vectors for Sentiment Analysis", 2011."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from datamodules import parquet
from datamodules.bag_of_words import bag_tensors
from datamodules.base import ResidentDataModule
from datamodules.cache import Tensors
from datamodules.errors import DataCorruptError


@dataclass(frozen=True)
class _Part:
    texts: list[str]
    labels: list[int]
    source: Path  # the folder, or the pattern of files, to name if reviews are missing


class IMDB(ResidentDataModule):
    """Which of the 10,000 most frequent training words a review has: 1 or 0, kept sparse.

    The vocabulary is that of the training split. The Adam paper does not say whether its bags hold
    counts or occurrences; occurrences gave the better test accuracy here.
    """

    dataset = "imdb"

    def build(self) -> Tensors:
        """Read the reviews, downloading them if they are not there, and count their words."""
        from sklearn.feature_extraction.text import CountVectorizer

        num_train, num_val, num_test = self.sizes
        read = self._reader()
        texts, labels = _checked(read("train"), num_train + num_val)
        test_texts, test_labels = _checked(read("test"), num_test)
        train, val = self.train_val_rows(len(texts))
        vectorizer = CountVectorizer(max_features=self.input_shape[0], binary=True)
        train_matrix = vectorizer.fit_transform([texts[row] for row in train])
        return {
            **bag_tensors("train", train_matrix, _pick(labels, train)),
            **bag_tensors("val", vectorizer.transform([texts[i] for i in val]), _pick(labels, val)),
            **bag_tensors("test", vectorizer.transform(test_texts), torch.tensor(test_labels)),
        }

    def _reader(self) -> Callable[[str], _Part]:
        folder = self.laid_down()
        return partial(_read_shards, folder) if folder else self._download()

    def _download(self) -> Callable[[str], _Part]:
        downloads = self.downloads()
        from datasets import load_dataset

        try:
            found: Any = load_dataset("stanfordnlp/imdb", cache_dir=str(downloads))
        except Exception as error:  # the hub's client raises a dozen kinds
            raise self.unavailable(f"and the download failed ({error})") from error
        source = downloads / "stanfordnlp___imdb"  # as the library names it
        return lambda part: _Part(list(found[part]["text"]), list(found[part]["label"]), source)


def _read_shards(folder: Path, part: str) -> _Part:
    texts: list[str] = []
    labels: list[int] = []
    for path in parquet.shards(folder, part):
        columns = parquet.read(path, ["text", "label"])
        if not set(columns["label"]) <= {0, 1}:
            raise DataCorruptError(path, "labels outside 0 to 1")
        texts += columns["text"]
        labels += columns["label"]
    return _Part(texts, labels, folder / f"{part}-*.parquet")


def _checked(part: _Part, size: int) -> tuple[list[str], list[int]]:
    if len(part.texts) != size:
        raise DataCorruptError(part.source, f"expected {size} reviews, found {len(part.texts)}")
    return part.texts, part.labels


def _pick(labels: list[int], rows: Tensor) -> Tensor:
    return torch.tensor(labels)[rows]
