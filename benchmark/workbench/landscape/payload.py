"""Trajectories as JSON for the page, with paths and relief as compressed 16-bit numbers.

The script `assets/landscape.js` reads it; the constants that both need are part of the payload.
"""

import base64
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmark.report.page.packing import to_json
from benchmark.report.palette import Style, styles
from benchmark.workbench.landscape.trajectories import Array, Scene, Trajectories, log_gaps
from benchmark.workbench.landscape.view import View

_UNITS = 8192  # units of position per side of the window
_BOX = 8  # windows per side of the range of positions; points further out are pulled to its edge
_GAP_LOW, _GAP_STEP = -12.0, 2.8e-4  # log10 of gaps: 65,536 steps of 0.06 % reach 2e6
_RELIEF_UNITS = 4095
_LOWEST_PERCENTILE = 1  # percentile of a window's gaps at the lowest contour


@dataclass(frozen=True, kw_only=True)
class DrawnWalker:
    """An optimizer with its look; the other fields are those of its `Walker`."""

    label: str
    summary: str
    lr: float | None
    style: Style


@dataclass(frozen=True, kw_only=True)
class DrawnScene:
    """A surface with the paths on it; the fields up to `lowest` are those of its `Scene`.

    Args:
        noise: Standard deviation of the gradient noise in either coordinate, 0 for none.
        relief_size: Rows and columns of the relief.
        relief: Packed heights.
        best: Indices of the best learning rates, -1 for none; axes walker, start, noise.
        diverged: First steps that are not finite; axes walker, start, noise, learning rate.
        paths: Columns x, y and gap of every path, packed; axes column, walker, start, noise,
            learning rate, step.
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
    noise: float
    relief_size: tuple[int, int]
    relief: str
    best: list[int]
    diverged: list[int]
    paths: str


@dataclass(frozen=True, kw_only=True)
class Payload:
    """All data of the section.

    Args:
        steps: Number of steps of each path.
        lrs: The grid of learning rates, in ascending order.
        has_noise: There are paths with gradient noise too.
        seed: Seed of the noise.
        view: The view that is shown first.
        units: Units of position per side of the window.
        origin: The code of the window's lower left corner.
        gap_low: log10 of the gap of code 0.
        gap_step: Difference in log10 of the gap between two neighbouring codes.
        walkers: The optimizers.
        scenes: The surfaces.
    """

    steps: int
    lrs: tuple[float, ...]
    has_noise: bool
    seed: int
    view: View
    units: int
    origin: int
    gap_low: float
    gap_step: float
    walkers: tuple[DrawnWalker, ...]
    scenes: tuple[DrawnScene, ...]


def payload(trajectories: Trajectories, view: View) -> str:
    """Return JSON text that is safe inside a script element, whatever the labels are."""
    looks = styles([walker.name for walker in trajectories.walkers])
    return to_json(
        Payload(
            steps=trajectories.steps,
            lrs=trajectories.lrs,
            has_noise=trajectories.gaps.shape[3] > 1,
            seed=trajectories.seed,
            view=view,
            units=_UNITS,
            origin=_UNITS * (_BOX - 1) // 2,
            gap_low=_GAP_LOW,
            gap_step=_GAP_STEP,
            walkers=tuple(
                DrawnWalker(label=walker.label, summary=walker.summary, lr=walker.lr, style=look)
                for walker, look in zip(trajectories.walkers, looks, strict=True)
            ),
            scenes=tuple(_drawn(trajectories, place) for place in range(len(trajectories.scenes))),
        )
    )


def relief(scene: Scene) -> Array:
    """Return heights in [0, 1] for contours at log-spaced gaps, shape (rows, columns).

    Height 0 is the first percentile of the window's gaps, height 1 the largest gap.
    """
    heights = log_gaps(scene.gaps)
    low = np.percentile(heights, _LOWEST_PERCENTILE)
    return np.asarray(((heights - low) / (heights.max() - low)).clip(0, 1))


def _drawn(trajectories: Trajectories, place: int) -> DrawnScene:
    scene = trajectories.scenes[place]
    heights = np.round(relief(scene) * _RELIEF_UNITS).astype(np.uint16)
    rows, columns = heights.shape
    return DrawnScene(
        name=scene.name,
        title=scene.title,
        formula=scene.formula,
        note=scene.note,
        source=scene.source,
        window=scene.window,
        starts=scene.starts,
        minima=scene.minima,
        lowest=scene.lowest,
        noise=scene.noise,
        relief_size=(rows, columns),
        relief=_pack(heights),
        best=trajectories.best()[:, place].ravel().tolist(),
        diverged=trajectories.diverged_at()[:, place].ravel().tolist(),
        paths=_pack(_quantised(trajectories, place)),
    )


def _quantised(trajectories: Trajectories, place: int) -> NDArray[np.uint16]:
    left, right, bottom, top = trajectories.scenes[place].window
    low, size = np.array([left, bottom]), np.array([right - left, top - bottom])
    lost = trajectories.diverged_at()[:, place]
    position = _pulled_in((trajectories.positions[:, place] - low) / size - 0.5)
    units = (position + 0.5 + (_BOX - 1) / 2) * _UNITS
    gap = (log_gaps(trajectories.gaps[:, place]) - _GAP_LOW) / _GAP_STEP
    values = np.stack([_held(units[..., 0], lost), _held(units[..., 1], lost), _held(gap, lost)])
    return np.asarray(np.round(values).clip(0, 65535).astype(np.uint16))


def _pulled_in(offset: Array) -> Array:
    """Return offsets from the window's middle, with those outside the box moved to its edge."""
    far = np.abs(offset).max(axis=-1, keepdims=True)
    with np.errstate(invalid="ignore"):  # NaN stays
        return np.asarray(offset * np.minimum(1, _BOX / 2 / np.maximum(far, 1e-300)))


def _held(values: Array, lost: NDArray[np.int64]) -> Array:
    """Return `values` with NaN replaced by the last finite one, which compresses to nothing."""
    last = np.minimum(np.arange(values.shape[-1]), (lost - 1)[..., None])
    return np.take_along_axis(values, last, axis=-1)


def _pack(values: NDArray[np.uint16]) -> str:
    """Return differences along the last axis as base64 of zlib: low bytes first, then high ones."""
    changes = np.diff(values, axis=-1, prepend=np.uint16(0)).astype("<u2")
    planes = np.ascontiguousarray(changes).view(np.uint8).reshape(-1, 2).T
    return base64.b64encode(zlib.compress(planes.tobytes(), 9)).decode()
