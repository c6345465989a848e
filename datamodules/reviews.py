"""Synthetic reviews, drawn from a fixed seed: sparse bags of words for where no network is."""

import numpy as np
import torch

from datamodules.bag_of_words import bag_tensors
from datamodules.base import SPLIT_SEED, SPLITS, ResidentDataModule
from datamodules.cache import Tensors

_MEAN_WORDS = 100  # drawn per review, about as many distinct ones as IMDB's shorter reviews have
_TILT = 0.4  # how much the two classes differ: their word log-odds have this deviation


class Reviews(ResidentDataModule):
    """Two classes whose words follow Zipf's law, each word leaning to one class; not real data.

    Word r has frequency proportional to 1/r (Zipf 1949); its log-odds between the classes are
    normal, so that rare words tell as much as frequent ones: the setting in which the Adam paper
    expects adaptive methods to shine. The classes overlap.
    """

    dataset = "reviews"

    def build(self) -> Tensors:
        """Draw all three splits."""
        from scipy.sparse import csr_matrix

        rng = np.random.default_rng(SPLIT_SEED)
        words = self.input_shape[0]
        frequency = 1 / np.arange(1, words + 1)
        tilt = rng.normal(scale=_TILT, size=words)
        odds = np.stack([frequency * np.exp(-tilt / 2), frequency * np.exp(tilt / 2)])
        odds /= odds.sum(axis=1, keepdims=True)
        tensors: dict[str, torch.Tensor] = {}
        for split, size in zip(SPLITS, self.sizes, strict=True):
            targets = rng.integers(2, size=size)
            lengths = rng.poisson(_MEAN_WORDS, size=size)
            pairs = zip(lengths, targets, strict=True)
            counts = np.stack([rng.multinomial(length, odds[target]) for length, target in pairs])
            bags = csr_matrix((counts > 0).astype(np.float32))
            tensors |= bag_tensors(split, bags, torch.from_numpy(targets))
        return tensors
