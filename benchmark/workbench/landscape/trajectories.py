"""Results of optimizers' paths on surfaces, as names and numbers without torch."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

GAP_FLOOR = 1e-12  # smaller gaps to the lowest loss count as this one, so that logs are finite

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A surface with the data to draw it; the fields up to `lowest` are those of its `Surface`.

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
    """An optimizer whose paths are computed.

    Args:
        name: Registered name or import path, which determines colour and marker.
        label: Name in legends.
        summary: Hyperparameters and schedule as text.
        lr: Its own learning rate; None if it has none.
    """

    name: str
    label: str
    summary: str
    lr: float | None


class PathIndex(NamedTuple):
    """The index of a path: its place on each axis of `Trajectories` before the steps."""

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
        lrs: The grid of learning rates, in ascending order.
        positions: Positions, shape (W, S, P, N, L, T, 2); NaN once a path has diverged.
        gaps: Loss above the scene's lowest, without noise, shape (W, S, P, N, L, T); NaN likewise.
        noise: Standard deviation of the gradient noise, as a share of the surface's median
            gradient norm.
        seed: Seed of the noise.
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
        """The number of steps of each path."""
        return int(self.gaps.shape[-1]) - 1

    def best(self) -> NDArray[np.int64]:
        """Return the index in `lrs` of each walker's best learning rate, shape (W, S, P, N).

        The best has the lowest mean over steps of log10 of the gap, floored at `GAP_FLOOR`, which
        rewards both fast and deep descent. Diverged paths do not count; if all diverged, the index
        is -1.
        """
        scores = log_gaps(self.gaps[..., : len(self.lrs), :]).mean(axis=-1)  # (W, S, P, N, L)
        scores = np.where(np.isnan(scores), np.inf, scores)
        return np.where(np.isinf(scores.min(axis=-1)), -1, scores.argmin(axis=-1))

    def diverged_at(self) -> NDArray[np.int64]:
        """Return the first step that is not finite, or steps + 1, shape (W, S, P, N, L)."""
        lost = np.isnan(self.gaps)
        return np.where(lost.any(axis=-1), lost.argmax(axis=-1), self.steps + 1)


def log_gaps(gaps: Array) -> Array:
    """Return log10 of the gaps, floored at `GAP_FLOOR`; NaN stays NaN.

    >>> log_gaps(np.array([0.0, 1.0, 100.0])).tolist()
    [-12.0, 0.0, 2.0]
    """
    return np.asarray(np.log10(np.maximum(gaps, GAP_FLOOR)))
