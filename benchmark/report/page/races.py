"""Times to a target in each setting, and performance profiles over settings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from benchmark.analysis.frame import Frames
from benchmark.axes import AXES, BY_CLOCK, BY_STEP, STEP, AxisName
from benchmark.report.findings import Findings, MetricFindings
from benchmark.report.page.cast import Cast
from benchmark.report.page.packing import Table, rounded, table_of
from benchmark.report.page.tables import ProfileScores, ProfileStairs, Reaching, TargetTimes
from benchmark.report.race_words import PROFILES_LEFT_OUT, target_words

_MEASURED: tuple[AxisName, ...] = (STEP, *BY_CLOCK)
_MOVED = tuple(axis for axis in BY_STEP if axis != STEP)


@dataclass(frozen=True, kw_only=True)
class Race:
    """The times to a target of one metric in one setting.

    Args:
        target: The target value; None if less than half of the optimizers have a finite median.
        source: Where the target comes from, in words.
        tables: Median times, by axis.
        shares: Shares of seeds over time, by axis.
    """

    target: float | None
    source: str
    tables: Mapping[AxisName, TargetTimes]
    shares: Mapping[AxisName, Reaching]


@dataclass(frozen=True, kw_only=True)
class Profiles:
    """Performance profiles over settings.

    Args:
        stairs: The profiles, by axis.
        scores: Their scores, by axis.
        settings: Number of settings in them; 0 if they are left out.
        missing: Why they are left out; empty if they are not.
    """

    stairs: Mapping[AxisName, ProfileStairs]
    scores: Mapping[AxisName, ProfileScores]
    settings: int
    missing: str


def races(findings: Findings, cast: Cast, metric: str) -> tuple[list[Race], Profiles]:
    """Return the race of each setting, and the profiles over the settings that have a target."""
    numbers = findings.metrics[metric]
    medians = {axis: numbers.target_tables[axis] for axis in _MEASURED}
    rising = {axis: numbers.reaching[axis] for axis in _MEASURED}
    steps = _steps(findings.best)
    tables = _on_all_axes(cast, medians, TargetTimes, ("time", "low", "high"), steps)
    shares = _on_all_axes(cast, rising, Reaching, ("x",), steps)
    found = [
        Race(
            target=rounded(target.value if target else None),
            source=target_words(target) if target else "",
            tables={axis: tables[axis][place] for axis in AXES},
            shares={axis: shares[axis][place] for axis in AXES},
        )
        for place, target in enumerate(numbers.targets.values())
    ]
    return found, _profiles(cast, numbers)


def _steps(frames: Frames) -> pl.DataFrame:
    """Return ``setting``, ``step`` and the value of each step on the other axes by step."""
    settings = frames.trials.select("trial", "setting")
    rows = frames.curves.select("trial", pl.col(STEP).cast(pl.Float64), *_MOVED)
    return rows.join(settings, on="trial").drop("trial").unique(["setting", STEP], keep="first")


def _on_all_axes(
    cast: Cast,
    frames: Mapping[AxisName, pl.DataFrame],
    kind: type[Table],
    names: Sequence[str],
    steps: pl.DataFrame,
) -> Mapping[AxisName, list[Table]]:
    """Return the frames split by setting, by axis; columns `names` hold values on that axis."""
    found = {axis: cast.split(frame, kind) for axis, frame in frames.items()}
    for axis in _MOVED:
        moved = frames[STEP]
        for name in names:
            places = steps.select("setting", pl.col(STEP).alias(name), pl.col(axis).alias("to"))
            moved = moved.join(
                places, on=["setting", name], how="left", maintain_order="left"
            ).with_columns(pl.coalesce("to", pl.when(pl.col(name) == 0).then(0)).alias(name))
            moved = moved.drop("to")
        found[axis] = cast.split(moved, kind)
    return found


def _profiles(cast: Cast, found: MetricFindings) -> Profiles:
    stairs = {
        axis: table_of(cast.numbered(found.profiles[axis]), ProfileStairs) for axis in _MEASURED
    }
    scored = {
        axis: table_of(cast.numbered(found.profile_scores[axis]), ProfileScores)
        for axis in _MEASURED
    }
    return Profiles(
        stairs=stairs | dict.fromkeys(_MOVED, stairs[STEP]),
        scores=scored | dict.fromkeys(_MOVED, scored[STEP]),
        settings=found.profiled,
        missing="" if found.profiled else PROFILES_LEFT_OUT,
    )
