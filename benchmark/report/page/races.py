"""How soon a target is reached, and performance profiles over settings."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from benchmark.analysis.finals import only, scores
from benchmark.analysis.frame import AXES, Axis, Frames
from benchmark.analysis.profiles import profile, profile_scores
from benchmark.analysis.targets import reaching, suggested_target, target_table, time_to_target
from benchmark.report.page.cast import Cast
from benchmark.report.page.packing import Columns, columns, rounded


@dataclass(frozen=True, kw_only=True)
class Race:
    """One metric's way to a target in one setting.

    Args:
        target: The value, None if less than half of the optimizers have one to be reached.
        tables: By axis, columns of `targets.target_table`.
        shares: By axis, columns of `targets.reaching`.
    """

    target: float | None
    tables: Mapping[Axis, Columns]
    shares: Mapping[Axis, Columns]


@dataclass(frozen=True, kw_only=True)
class Profiles:
    """By axis: columns of `profiles.profile` and of `profiles.profile_scores`."""

    stairs: Mapping[Axis, Columns]
    scores: Mapping[Axis, Columns]
    settings: int


def races(frames: Frames, cast: Cast, metric: str) -> tuple[list[Race], Profiles]:
    """Return the race in each setting, and the profiles over those that have a target."""
    chosen = only(frames, cast.chosen)
    numbers = scores(chosen, metric)
    targets = [suggested_target(numbers.filter(setting=setting.name)) for setting in cast.settings]
    times = {axis: _times(chosen, cast, metric, targets, axis) for axis in AXES}
    tables = {axis: cast.split(target_table(found)) for axis, found in times.items()}
    shares = {axis: cast.split(reaching(found)) for axis, found in times.items()}
    found = [
        Race(
            target=rounded(target),
            tables={axis: tables[axis][place] for axis in AXES},
            shares={axis: shares[axis][place] for axis in AXES},
        )
        for place, target in enumerate(targets)
    ]
    return found, _profiles(cast, times)


def _times(
    frames: Frames, cast: Cast, metric: str, targets: list[float | None], axis: Axis
) -> pl.DataFrame:
    parts = [
        time_to_target(
            Frames(trials=frames.trials.clear(), curves=frames.curves, metrics=frames.metrics),
            metric,
            0.0,
            axis,
        )
    ]
    for setting, target in zip(cast.settings, targets, strict=True):
        if target is not None:
            trials = frames.trials.filter(setting=setting.name)
            part = Frames(trials=trials, curves=frames.curves, metrics=frames.metrics)
            parts.append(time_to_target(part, metric, target, axis))
    return pl.concat(parts)


def _profiles(cast: Cast, times: dict[Axis, pl.DataFrame]) -> Profiles:
    medians = {axis: target_table(found) for axis, found in times.items()}
    return Profiles(
        stairs={axis: columns(cast.numbered(profile(t))) for axis, t in medians.items()},
        scores={axis: columns(cast.numbered(profile_scores(t))) for axis, t in medians.items()},
        settings=medians["step"]["setting"].n_unique(),
    )
