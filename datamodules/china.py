"""scikit-learn's photograph of a temple in China: the colour of each pixel from its place."""

import torch

from datamodules.base import DATA_SEED, ResidentDataModule
from datamodules.cache import Tensors


class China(ResidentDataModule):
    """Pixels of one photograph: two coordinates, and red, green and blue in [0, 1].

    The photograph has 427×640 pixels. Each block of 2×2 pixels becomes one pixel with its mean
    colour, 213×320 in all; the last row of the photograph, which has no partner, is left out. An
    epoch then has 416 batches of 128.

    The inputs are (x, y), the centre of a pixel from the left and upper edge. The unit is the
    width, so a distance is the same in both directions: x is in (0, 1), y in (0, 0.67). Test pixels
    are drawn at random, once for all seeds.
    """

    dataset = "china"
    task = "image_regression"

    def build(self) -> Tensors:
        """Halve the photograph, and set test pixels apart."""
        from sklearn.datasets import load_sample_image
        from sklearn.model_selection import train_test_split

        photograph = torch.from_numpy(load_sample_image("china.jpg").copy())
        height, width, channels = photograph.shape
        blocks = photograph[: height // 2 * 2].reshape(height // 2, 2, width // 2, 2, channels)
        sums = blocks.sum(dim=(1, 3))  # whole numbers, so the order of summation changes no bit
        colours = sums.float() / (4 * 255)
        y, x = torch.meshgrid(*map(torch.arange, sums.shape[:2]), indexing="ij")
        places = (torch.stack([x, y], dim=-1).float() + 0.5) / sums.shape[1]
        rows = train_test_split(
            range(sums.shape[0] * sums.shape[1]), test_size=self.sizes[2], random_state=DATA_SEED
        )
        inputs, targets = places.flatten(0, 1), colours.flatten(0, 1)
        return {
            f"{part}.{name}": values[each]
            for part, each in zip(("pool", "test"), rows, strict=True)
            for name, values in (("inputs", inputs), ("targets", targets))
        }
