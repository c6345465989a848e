"""Which of the computed paths are looked at: a start, noise or none, a way to choose the rate."""

from dataclasses import dataclass
from typing import Literal

from benchmark.landscape.motion import Motion

NO_PATH = -1  # where a walker has diverged at every learning rate


@dataclass(frozen=True, kw_only=True)
class View:
    """A choice among the paths of a `Motion`.

    Args:
        start: Place among the starts of a surface.
        noisy: Whether the gradient has noise.
        lr: Each walker's ``best`` of the grid, each one's ``own``, or one of the grid for all.
    """

    start: int = 0
    noisy: bool = False
    lr: float | Literal["best", "own"] = "best"

    def places(self, motion: Motion) -> list[list[int]]:
        """Return the place on the learning-rate axis, or `NO_PATH`, for each walker and scene."""
        if self.lr == "best":
            found: list[list[int]] = motion.best()[:, :, self.start, int(self.noisy)].tolist()
            return found
        place = len(motion.lrs) if self.lr == "own" else motion.lrs.index(self.lr)
        return [[place] * len(motion.scenes) for _ in motion.walkers]

    def words(self, motion: Motion) -> str:
        """Return what is looked at, for captions."""
        if self.lr == "best":
            grid = f"{len(motion.lrs)} learning rates from {motion.lrs[0]:g} to {motion.lrs[-1]:g}"
            rate = f"each at its best of {grid} (lowest mean of log loss, diverged ones left out)"
        else:
            rate = "each at its own rate" if self.lr == "own" else f"all at {self.lr:g}"
        noise = f"gradient noise, seed {motion.seed}" if self.noisy else "no gradient noise"
        return f"{motion.steps} steps, {rate}, {noise}"
