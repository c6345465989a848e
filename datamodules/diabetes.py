"""Progression of diabetes in 442 patients: a small table of numbers that comes with scikit-learn.

Source: Efron, Hastie, Johnstone & Tibshirani, "Least Angle Regression", Annals of Statistics 2004.
"""

import torch

from datamodules.base import DATA_SEED, ResidentDataModule
from datamodules.cache import Tensors


class Diabetes(ResidentDataModule):
    """Ten measurements of each patient, and the progression of the disease after one year.

    Test patients are drawn at random, once for all seeds. Every measurement, and the progression,
    has mean 0 and deviation 1 over all others: the training and validation rows of a seed together.
    So the mean of their progressions has a mean squared error of 1 on these rows, and about 1 on
    the rows of one split. An error of 1 is a deviation of the progression.
    """

    dataset = "diabetes"
    task = "regression"

    def build(self) -> Tensors:
        """Set test patients apart, and standardise by all others."""
        from sklearn.datasets import load_diabetes
        from sklearn.model_selection import train_test_split

        found = load_diabetes(scaled=False)
        rows = train_test_split(
            range(len(found.target)), test_size=self.sizes[2], random_state=DATA_SEED
        )
        tensors: dict[str, torch.Tensor] = {}
        for name, values in (("inputs", found.data), ("targets", found.target[:, None])):
            pool, test = (values[part] for part in rows)
            mean, deviation = pool.mean(axis=0), pool.std(axis=0)  # in 64 bits
            for part, each in (("pool", pool), ("test", test)):
                tensors[f"{part}.{name}"] = torch.from_numpy((each - mean) / deviation).float()
        return tensors
