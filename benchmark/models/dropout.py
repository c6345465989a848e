"""Dropout whose masks come from a generator of their own, so that trials of one seed share them."""

import torch
from torch import Tensor, nn


class Dropout(nn.Module):
    """Zero each element with probability `p` while training, and scale the others by 1/(1-p).

    Unlike `torch.nn.Dropout` it does not touch the global random state. Source: Srivastava et al.,
    "Dropout", JMLR 2014, in the inverted form.

    Args:
        p: Probability of zeroing, in [0, 1).
        seed: Of the masks; one generator per device is begun with it.
    """

    def __init__(self, p: float, *, seed: int) -> None:
        super().__init__()
        if not 0 <= p < 1:
            raise ValueError(f"dropout probability: expected a number in [0, 1), got {p}")
        self.p = p
        self.seed = seed
        self._generator: torch.Generator | None = None

    def forward(self, x: Tensor) -> Tensor:
        """Return `x` with the mask applied; any shape."""
        if not self.training or self.p == 0:
            return x
        if self._generator is None or self._generator.device != x.device:
            self._generator = torch.Generator(x.device).manual_seed(self.seed)
        keep = 1 - self.p
        mask = torch.empty_like(x).bernoulli_(keep, generator=self._generator)
        return x * mask.mul_(1 / keep)

    def random_state(self) -> Tensor | None:
        """Return what decides the masks to come; None before the first."""
        return None if self._generator is None else self._generator.get_state()

    def set_random_state(self, state: Tensor | None) -> None:
        """Have the masks come that came after `random_state` returned `state`."""
        if state is None:
            self._generator = None
        elif self._generator is not None:
            self._generator.set_state(state)

    def extra_repr(self) -> str:
        """Show the probability in the module's repr."""
        return f"p={self.p}"
