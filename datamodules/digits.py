"""scikit-learn's handwritten digits: real 8×8 images that come with the library."""

from pathlib import Path

import torch

from datamodules.base import DATA_SEED, Part, ResidentDataModule
from datamodules.cache import Tensors


class Digits(ResidentDataModule):
    """8×8 grey images of ten digits, normalised by one mean and deviation."""

    dataset = "digits"

    def build(self) -> Tensors:
        """Set apart test images, the same for all seeds, in the same proportions; normalise."""
        from sklearn.datasets import load_digits
        from sklearn.model_selection import train_test_split

        found = load_digits()
        rows = train_test_split(
            range(len(found.target)),
            test_size=self.sizes[2],
            random_state=DATA_SEED,
            stratify=found.target,
        )
        images = torch.from_numpy(found.images).float().unsqueeze(1)
        targets = torch.from_numpy(found.target).long()
        train, test = (Part(images[part], targets[part], Path("scikit-learn")) for part in rows)
        return self.image_tensors(train, test, (0, 1, 2, 3))
