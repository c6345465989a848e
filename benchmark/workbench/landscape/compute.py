"""Computation of a whole grid of paths: optimizers × surfaces × starts × noise × learning rates."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmark.workbench.landscape.paths import Routes, Told, walk
from benchmark.workbench.landscape.surfaces import Surface
from benchmark.workbench.landscape.trajectories import Array, Scene, Trajectories, Walker
from optimizers.spec import OptimizerSpec

Progress = Callable[[str, str], None]

_GRID = 121  # points along a side of the window; enough for smooth contours of Rosenbrock
_MISSING = ("noise", "gaps")  # fields of a scene that a surface lacks


@dataclass(frozen=True, kw_only=True)
class Grid:
    """The grid of paths to compute.

    Args:
        optimizers: The optimizers.
        surfaces: The surfaces.
        lrs: Learning rates in ascending order, in addition to each optimizer's own.
        steps: Number of steps of each path.
        noise: Standard deviation of the gradient noise, as a share of the median norm of the
            surface's gradient over its window; 0 computes only paths without noise.
        seed: Seed of the noise.
    """

    optimizers: Sequence[OptimizerSpec]
    surfaces: Sequence[Surface]
    lrs: Sequence[float]
    steps: int
    noise: float
    seed: int


def compute(grid: Grid, progress: Progress = lambda label, detail: None) -> Trajectories:
    """Compute all paths; at each step, all paths on a surface get the same noise.

    Args:
        grid: The paths to compute.
        progress: Called with the label of each optimizer before it runs, and again with details
            while a slow one runs.

    Raises:
        UsageError: an optimizer cannot run on surfaces.
    """
    scenes = tuple(_scene(surface, grid.noise) for surface in grid.surfaces)
    routes, shape = _routes(grid, scenes)
    found = []
    for spec in grid.optimizers:
        progress(spec.label, "")
        found.append(_follow(spec, routes, partial(progress, spec.label)))
    positions = torch.stack([position for position, _ in found])
    gaps = torch.stack([gap for _, gap in found])
    return Trajectories(
        scenes=scenes,
        walkers=tuple(map(_walker, grid.optimizers)),
        lrs=tuple(grid.lrs),
        positions=positions.reshape(len(found), *shape, grid.steps + 1, 2).numpy(),
        gaps=gaps.reshape(len(found), *shape, grid.steps + 1).numpy(),
        noise=grid.noise,
        seed=grid.seed,
    )


def _routes(grid: Grid, scenes: Sequence[Scene]) -> tuple[Routes, tuple[int, ...]]:
    """Return all routes in the order of the axes S, P, N, L of `Trajectories`, and their sizes."""
    levels = (0.0, 1.0) if grid.noise else (0.0,)
    lrs = (*grid.lrs, None)
    num_starts = len(grid.surfaces[0].starts)
    draws = _draws(grid)
    rows = list(product(range(len(scenes)), range(num_starts), levels, lrs))
    return (
        Routes(
            surfaces=grid.surfaces,
            surface=torch.tensor([scene for scene, *_ in rows]),
            start=torch.tensor([scenes[s].starts[p] for s, p, *_ in rows], dtype=torch.float64),
            lr=[lr for *_, lr in rows],
            tilt=torch.stack([draws[s] * (level * scenes[s].noise) for s, _, level, _ in rows]),
        ),
        (len(scenes), num_starts, len(levels), len(lrs)),
    )


def _draws(grid: Grid) -> Tensor:
    """Return standard normal numbers, shape (scenes, steps, 2)."""
    generator = torch.Generator().manual_seed(grid.seed)
    shape = (len(grid.surfaces), grid.steps, 2)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def _follow(spec: OptimizerSpec, routes: Routes, told: Told) -> tuple[Tensor, Tensor]:
    """Return positions (R, T, 2) and gaps (R, T); both are NaN once either is not finite."""
    positions = walk(spec, routes, told)
    gaps = torch.empty(positions.shape[:2], dtype=torch.float64)
    for place, surface in enumerate(routes.surfaces):
        at = routes.surface == place
        gaps[at] = surface.function(*positions[at].unbind(dim=-1)) - surface.lowest
    lost = (~gaps.isfinite()).cummax(dim=1).values
    return (
        positions.masked_fill(lost[..., None], torch.nan),
        gaps.clamp(min=0).masked_fill(lost, torch.nan),  # rounding may fall below the minimum
    )


def _scene(surface: Surface, noise: float) -> Scene:
    gaps, median_norm = _relief(surface)
    shared: dict[str, Any] = {
        field.name: getattr(surface, field.name)
        for field in fields(Scene)
        if field.name not in _MISSING
    }
    return Scene(**shared, gaps=gaps, noise=noise * median_norm)


def _relief(surface: Surface) -> tuple[Array, float]:
    """Return the gaps on a grid over the window, and the median gradient norm on that grid."""
    left, right, bottom, top = surface.window
    down = torch.linspace(bottom, top, _GRID, dtype=torch.float64)
    across = torch.linspace(left, right, _GRID, dtype=torch.float64)
    y, x = (each.requires_grad_() for each in torch.meshgrid(down, across, indexing="ij"))
    loss = surface.function(x, y)
    gradient = torch.stack(torch.autograd.grad(loss.sum(), (x, y)))
    gaps: Array = (loss.detach() - surface.lowest).clamp(min=0).numpy()
    return gaps, float(np.median(gradient.norm(dim=0).numpy()))


def _walker(spec: OptimizerSpec) -> Walker:
    lr = spec.hyperparameters.get("lr")
    shown = [f"{name}={value}" for name, value in spec.hyperparameters.items() if name != "lr"]
    if not spec.schedule.constant:
        shown.append(f"schedule={spec.schedule.kind} warmup={spec.schedule.warmup:g}")
    return Walker(
        name=spec.name,
        label=spec.label,
        summary=" ".join(shown),
        lr=float(lr) if isinstance(lr, (int, float)) else None,
    )
