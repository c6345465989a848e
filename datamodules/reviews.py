"""Synthetic reviews, drawn from a fixed seed: sparse bags of words that need no network."""

import numpy as np
import torch

from datamodules.bag_of_words import bag_tensors
from datamodules.base import DATA_SEED, ResidentDataModule
from datamodules.cache import Tensors

_MEAN_WORDS = 100  # words drawn per review, giving as many distinct ones as IMDB's shorter reviews
_TILT = 0.4  # standard deviation of the words' log-odds between the classes


class Reviews(ResidentDataModule):
    """Synthetic reviews of two classes; words follow Zipf's law, and each word favours one class.

    Word r has frequency proportional to 1/r (Zipf 1949). Its log-odds between the classes are
    normal, so rare words are as informative as frequent ones: the setting in which the Adam paper
    expects adaptive methods to do well. The classes overlap.
    """

    dataset = "reviews"

    def build(self) -> Tensors:
        """Draw the training part and the test part."""
        from scipy.sparse import csr_matrix

        rng = np.random.default_rng(DATA_SEED)
        words = self.input_shape[0]
        frequency = 1 / np.arange(1, words + 1)
        tilt = rng.normal(scale=_TILT, size=words)
        odds = np.stack([frequency * np.exp(-tilt / 2), frequency * np.exp(tilt / 2)])
        odds /= odds.sum(axis=1, keepdims=True)
        tensors: dict[str, torch.Tensor] = {}
        num_train, num_val, num_test = self.sizes
        for part, size in (("pool", num_train + num_val), ("test", num_test)):
            targets = rng.integers(2, size=size)
            lengths = rng.poisson(_MEAN_WORDS, size=size)
            pairs = zip(lengths, targets, strict=True)
            counts = np.stack([rng.multinomial(length, odds[target]) for length, target in pairs])
            bags = csr_matrix((counts > 0).astype(np.float32))
            tensors |= bag_tensors(part, bags, torch.from_numpy(targets))
        return tensors
