"""Which of the computed paths are looked at: a start, noise or none, a way to choose the rate."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from benchmark.landscape.motion import Motion
from benchmark.report.words import counted

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

    def rates(self, motion: Motion) -> list[str]:
        """Return each walker's learning rates where they are its own, one or one per scene."""
        if not isinstance(self.lr, str):
            return [""] * len(motion.walkers)
        return [
            _rates([self._rate(motion, walker.lr, place) for place in places])
            for walker, places in zip(motion.walkers, self.places(motion), strict=True)
        ]

    def _rate(self, motion: Motion, own: float | None, place: int) -> str:
        if own is None:
            return ""
        if place == NO_PATH:
            return "–"
        return f"{(*motion.lrs, own)[place]:g}"

    def words(self, motion: Motion) -> str:
        """Return what is looked at, for captions."""
        if self.lr == "best":
            ends = f"from {motion.lrs[0]:g} to {motion.lrs[-1]:g}"
            grid = f"{counted(len(motion.lrs), 'learning rate')} {ends}"
            rate = f"each at its best of {grid} (lowest mean of log loss, diverged ones left out)"
            if len(motion.scenes) > 1:
                rate += ", lr in the order of the surfaces where they differ"
        else:
            rate = "each at its own rate" if self.lr == "own" else f"all at {self.lr:g}"
        noise = f"gradient noise, seed {motion.seed}" if self.noisy else "no gradient noise"
        return f"{counted(motion.steps, 'step')}, {rate}, {noise}"


def _rates(rates: Sequence[str]) -> str:
    """Return rates as a legend has them: one if all are alike."""
    return rates[0] if len(set(rates)) == 1 else " · ".join(rates)
