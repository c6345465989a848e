"""What comes out of walks over surfaces, for pages and figures: names, numbers, no torch."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

GAP_FLOOR = 1e-12  # what is nearer to the lowest loss counts as this near, so that logs are finite

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A surface as it is shown; the fields up to `lowest` are those of its `Surface`.

    Args:
        gaps: Loss above `lowest` on a regular grid over the window, shape (rows, columns): row 0
            is the lowest y, column 0 the lowest x.
        noise: Standard deviation of the gradient noise in either coordinate, 0 for none.
    """

    name: str
    title: str
    formula: str
    note: str
    source: str
    window: tuple[float, float, float, float]
    starts: tuple[tuple[float, float], ...]
    minima: tuple[tuple[float, float], ...]
    lowest: float
    gaps: Array
    noise: float


@dataclass(frozen=True, kw_only=True)
class Walker:
    """An optimizer that walks.

    Args:
        name: Registered name or import path; decides colour and marker.
        label: What legends call it.
        summary: Its hyperparameters and schedule, for reading.
        lr: Its own learning rate; None if it has none.
    """

    name: str
    label: str
    summary: str
    lr: float | None


class PathIndex(NamedTuple):
    """Which path: its place on each axis of `Trajectories` before the steps."""

    walker: int
    scene: int
    start: int
    noise: int
    lr: int


@dataclass(frozen=True, kw_only=True)
class Trajectories:
    """The paths of all walkers on all scenes.

    The axes W, S, P, N, L, T are walkers, scenes, starts, noise (off, and on if there is any),
    learning rates (those of `lrs`, then the walker's own) and steps (0 is the start).

    Args:
        lrs: The grid, rising.
        positions: Shape (W, S, P, N, L, T, 2); NaN from where a path has diverged.
        gaps: Loss above the scene's lowest, without noise, shape (W, S, P, N, L, T); NaN likewise.
        noise: Of the gradient, as a part of each surface's median gradient norm.
        seed: Of the noise.
    """

    scenes: tuple[Scene, ...]
    walkers: tuple[Walker, ...]
    lrs: tuple[float, ...]
    positions: Array
    gaps: Array
    noise: float
    seed: int

    @property
    def steps(self) -> int:
        """How many steps a path has."""
        return int(self.gaps.shape[-1]) - 1

    def best(self) -> NDArray[np.int64]:
        """Return the place in `lrs` of each walker's best learning rate, shape (W, S, P, N).

        Best is the lowest mean over all steps of log10 of the gap, floored at `GAP_FLOOR`: fast
        and deep both count. Diverged paths are out; where all have diverged the place is -1.
        """
        scores = log_gaps(self.gaps[..., : len(self.lrs), :]).mean(axis=-1)  # (W, S, P, N, L)
        scores = np.where(np.isnan(scores), np.inf, scores)
        return np.where(np.isinf(scores.min(axis=-1)), -1, scores.argmin(axis=-1))

    def diverged_at(self) -> NDArray[np.int64]:
        """Return the first step that is not finite, steps + 1 if none, shape (W, S, P, N, L)."""
        lost = np.isnan(self.gaps)
        return np.where(lost.any(axis=-1), lost.argmax(axis=-1), self.steps + 1)


def log_gaps(gaps: Array) -> Array:
    """Return log10 of the gaps, floored; NaN stays.

    >>> log_gaps(np.array([0.0, 1.0, 100.0])).tolist()
    [-12.0, 0.0, 2.0]
    """
    return np.asarray(np.log10(np.maximum(gaps, GAP_FLOOR)))
