"""Layers that draw random numbers, each from a generator of its own."""

import torch
from torch import Tensor, nn


class Drawing(nn.Module):
    """A layer whose random numbers are the same in all trials of one seed.

    It does not touch the global random state, so nothing else that draws changes its numbers.

    Args:
        seed: Seed of the numbers; each device has its own generator with this seed.
    """

    def __init__(self, *, seed: int) -> None:
        super().__init__()
        self.seed = seed
        self._generator: torch.Generator | None = None

    def generator(self, device: torch.device) -> torch.Generator:
        """Return the generator on `device`; a move to another device starts it anew."""
        if self._generator is None or self._generator.device != device:
            self._generator = torch.Generator(device).manual_seed(self.seed)
        return self._generator

    def random_state(self) -> Tensor | None:
        """Return the state that decides all further numbers; None before the first."""
        return None if self._generator is None else self._generator.get_state()

    def set_random_state(self, state: Tensor | None) -> None:
        """Restore a state that `random_state` returned, so that the same numbers follow."""
        if state is None:
            self._generator = None
        elif self._generator is not None:
            self._generator.set_state(state)
