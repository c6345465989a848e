"""Selection of the paths to show: start, noise, and choice of the learning rate."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from benchmark.report.words import counted
from benchmark.workbench.landscape.trajectories import Trajectories

NO_PATH = -1  # index for a walker that diverged at every learning rate


@dataclass(frozen=True, kw_only=True)
class View:
    """A selection of the paths of `Trajectories`.

    Args:
        start: Index among the starts of a surface.
        noisy: Show the paths with gradient noise.
        lr: Each walker's ``best`` of the grid, each walker's ``own``, or one value of the grid.
    """

    start: int = 0
    noisy: bool = False
    lr: float | Literal["best", "own"] = "best"

    def places(self, trajectories: Trajectories) -> list[list[int]]:
        """Return the index on the learning-rate axis, or `NO_PATH`, for each walker and scene."""
        if self.lr == "best":
            found: list[list[int]] = trajectories.best()[:, :, self.start, int(self.noisy)].tolist()
            return found
        place = len(trajectories.lrs) if self.lr == "own" else trajectories.lrs.index(self.lr)
        return [[place] * len(trajectories.scenes) for _ in trajectories.walkers]

    def rates(self, trajectories: Trajectories) -> list[str]:
        """Return each walker's learning rates as text, empty if all walkers have the same."""
        if not isinstance(self.lr, str):
            return [""] * len(trajectories.walkers)
        return [
            _rates([self._rate(trajectories, walker.lr, place) for place in places])
            for walker, places in zip(trajectories.walkers, self.places(trajectories), strict=True)
        ]

    def _rate(self, trajectories: Trajectories, own: float | None, place: int) -> str:
        if own is None:
            return ""
        if place == NO_PATH:
            return "–"
        return f"{(*trajectories.lrs, own)[place]:g}"

    def words(self, trajectories: Trajectories) -> str:
        """Return a description of the selection, for captions."""
        if self.lr == "best":
            ends = f"from {trajectories.lrs[0]:g} to {trajectories.lrs[-1]:g}"
            grid = f"{counted(len(trajectories.lrs), 'learning rate')} {ends}"
            rate = f"each at its best of {grid} (lowest mean of log loss, diverged ones left out)"
            if len(trajectories.scenes) > 1:
                rate += ", lr in the order of the surfaces where they differ"
        else:
            rate = "each at its own rate" if self.lr == "own" else f"all at {self.lr:g}"
        noise = f"gradient noise, seed {trajectories.seed}" if self.noisy else "no gradient noise"
        return f"{counted(trajectories.steps, 'step')}, {rate}, {noise}"


def _rates(rates: Sequence[str]) -> str:
    """Return learning rates for a legend: one if all are equal."""
    return rates[0] if len(set(rates)) == 1 else " · ".join(rates)
