"""Dropout with a random generator of its own, so that trials of one seed share their masks."""

import torch
from torch import Tensor

from benchmark.models.drawing import Drawing


class Dropout(Drawing):
    """A layer that in training zeroes each element with probability `p`, and scales the others.

    The scale is 1/(1-p). Unlike `torch.nn.Dropout` this layer does not touch the global random
    state. Source: Srivastava et al., "Dropout", JMLR 2014, in the inverted form.

    Args:
        p: Probability of zeroing, in [0, 1).
        seed: Seed of the masks; each device has its own generator with this seed.
    """

    def __init__(self, p: float, *, seed: int) -> None:
        super().__init__(seed=seed)
        if not 0 <= p < 1:
            raise ValueError(f"dropout probability: expected a number in [0, 1), got {p}")
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        """Return `x` with the mask applied; any shape."""
        mask = self.mask(x)
        return x if mask is None else x * mask

    def mask(self, x: Tensor) -> Tensor | None:
        """Draw the factors of the elements of `x`, 0 or 1/(1-p); None if nothing is zeroed."""
        if not self.training or self.p == 0:
            return None
        keep = 1 - self.p
        drawn = torch.empty_like(x).bernoulli_(keep, generator=self.generator(x.device))
        return drawn.mul_(1 / keep)

    def extra_repr(self) -> str:
        """Show the probability in the module's repr."""
        return f"p={self.p}"
