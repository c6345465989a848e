"""The curves of a page: bands over seeds and lines of trials, at as many points as fit."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
import polars as pl

from benchmark.analysis.curves import both_bands, lines, on_axis, sparse, thin
from benchmark.analysis.frame import Frames
from benchmark.analysis.intervals import NOTES
from benchmark.axes import AXES, BY_STEP, SECONDS, STEP
from benchmark.report.page.cast import Cast
from benchmark.report.page.packing import Packed, pack, rounded

_BYTES = 6_000_000  # for packed numbers; tables come on top
_SHARE_OF_CHOSEN = 0.7  # of `_BYTES`: readers look at the best hyperparameters first
_POINTS = (200, 160, 128, 100, 80, 64, 48, 32, 24, 16, 12)
_BYTES_PER_NUMBER = 2 * 4 / 3  # 16 bits in base64
_CENTERS = ("mean_center", "median_center")
_FIELDS = (
    *_CENTERS,
    *("mean_low", "mean_high", "median_low", "median_high"),
    *("q25", "q75", "minimum", "maximum"),
)

_OTHERS = tuple(axis for axis in AXES if axis != STEP)

Places = tuple[list[float | None], ...]


@dataclass(frozen=True, kw_only=True)
class Resolution:
    """The largest number of points per curve.

    Args:
        chosen: Points per curve of each optimizer's chosen variant.
        others: Points per curve of all other variants.
        recorded: Points of the longest recorded curve.
    """

    chosen: int
    others: int
    recorded: int


@dataclass(frozen=True, kw_only=True)
class Bands:
    """Statistics over seeds of every variant, one variant's curve after the other.

    Args:
        variants: Index of each curve's variant in the setting.
        lengths: Number of points of each curve.
        places: Index in `Curves.places` of each curve's list of x values; empty over seconds.
        seconds: Training seconds of all points; None if `places` has the x values.
        fields: Names of the statistics.
        values: The statistics, shape (fields, points).
        notes: Methods of the 95 % intervals, of the mean and of the median.
    """

    variants: tuple[int, ...]
    lengths: tuple[int, ...]
    places: tuple[int, ...]
    seconds: Packed | None
    fields: tuple[str, ...]
    values: Packed
    notes: tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class Lines:
    """The curves of single trials, one after the other; `places` as in `Bands`."""

    variants: tuple[int, ...]
    seeds: tuple[int, ...]
    diverged: tuple[bool, ...]
    lengths: tuple[int, ...]
    places: tuple[int, ...]
    seconds: Packed
    values: Packed


@dataclass(frozen=True, kw_only=True)
class Curves:
    """All curves of one metric in one setting.

    Args:
        places: Lists of x values, one list per axis of `axes.BY_STEP` in each.
        by_place: Bands over steps of the chosen variants, then of the others, with centers only.
        by_seconds: The same bands over training seconds.
        lines: The curves of single trials.
    """

    places: tuple[Places, ...]
    by_place: tuple[Bands, ...]
    by_seconds: tuple[Bands, ...]
    lines: Lines


def resolution(frames: Frames, cast: Cast) -> Resolution:
    """Return how many points per curve fit into the page."""
    recorded = 0
    measured = [*cast.metrics, *cast.inside]
    for metric in set(measured) & set(frames.curves.columns):
        counts = frames.curves.filter(pl.col(metric).is_not_null()).group_by("trial").len()
        recorded = max(recorded, int(counts.select(pl.col("len").max()).item() or 0))
    variants = frames.trials["variant"].n_unique()
    per_seed = 2 * frames.trials.height / max(variants, 1)  # numbers per point for single trials
    cost = len(measured) * _BYTES_PER_NUMBER
    chosen = _most_points(
        len(cast.chosen) * cost * (2 * len(_FIELDS) + 1 + per_seed), _BYTES * _SHARE_OF_CHOSEN
    )
    others = _most_points(
        (variants - len(cast.chosen)) * cost * (2 * len(_CENTERS) + 1 + per_seed),
        _BYTES * (1 - _SHARE_OF_CHOSEN),
    )
    return Resolution(chosen=chosen, others=min(chosen, others), recorded=recorded)


def _most_points(bytes_per_point: float, limit: float) -> int:
    return next((n for n in _POINTS if n * bytes_per_point <= limit), _POINTS[-1])


def curves(
    frames: Frames, cast: Cast, metric: str, detail: Resolution
) -> Iterator[tuple[int, Curves]]:
    """Yield the index of each setting that has curves of `metric`, with its curves."""
    seen = _sparse(frames, cast, metric, detail)
    by_step = both_bands(seen, metric, STEP, intervals_of=cast.chosen)
    over_seconds = both_bands(seen, metric, SECONDS, intervals_of=cast.chosen)
    is_chosen = pl.col("variant").is_in(cast.chosen)
    by_seconds = pl.concat(
        [
            thin(over_seconds.filter(is_chosen), detail.chosen),
            thin(over_seconds.filter(~is_chosen), detail.others),
        ]
    )
    own = lines(seen, metric, STEP).join(
        seen.curves.unique(["trial", STEP], keep="last").select(
            "trial", *_OTHERS, x=pl.col(STEP).cast(pl.Float64)
        ),
        on=["trial", "x"],
        how="left",
        maintain_order="left",
    )
    has_seconds = pl.col("trial").is_in(on_axis(frames.trials, SECONDS)["trial"].implode())
    own = own.with_columns(pl.when(has_seconds).then(SECONDS).alias(SECONDS))
    for (setting,), group in own.group_by("setting", maintain_order=True):
        here = pl.col("setting") == setting
        yield (
            cast.places[str(setting)],
            _curves(cast, group, by_step.filter(here), by_seconds.filter(here)),
        )


def _sparse(frames: Frames, cast: Cast, metric: str, detail: Resolution) -> Frames:
    """Return `frames` with curves thinned to the numbers of points in `detail`."""
    is_chosen = pl.col("variant").is_in(cast.chosen)
    parts = []
    for count, rows in ((detail.chosen, is_chosen), (detail.others, ~is_chosen)):
        part = replace(frames, trials=frames.trials.filter(rows))
        parts.append(sparse(part, metric, count).curves)
    return replace(frames, curves=pl.concat(parts))


def _curves(
    cast: Cast, own: pl.DataFrame, by_step: pl.DataFrame, by_seconds: pl.DataFrame
) -> Curves:
    axes = own.unique("x", keep="first").select("x", *BY_STEP[1:])
    known = _PlaceLists({row[0]: row for row in axes.iter_rows()})
    by_place = _both(cast, by_step, known)
    trials = own.group_by("trial", maintain_order=True).agg(
        pl.col("variant", "seed", "status").first(), pl.col("x"), length=pl.len()
    )
    drawn = Lines(
        variants=tuple(map(cast.variant, trials["variant"])),
        seeds=tuple(trials["seed"]),
        diverged=tuple(trials["status"] == "diverged"),
        lengths=tuple(trials["length"]),
        places=tuple(map(known.number, trials["x"].to_list())),
        seconds=pack(own[SECONDS].to_numpy()),
        values=pack(own["y"].to_numpy()),
    )
    return Curves(
        places=tuple(known.lists),
        by_place=by_place,
        by_seconds=_both(cast, by_seconds, None),
        lines=drawn,
    )


class _PlaceLists:
    """Distinct lists of x values; most curves of a setting were recorded at the same steps."""

    def __init__(self, axes: dict[float, tuple[float, ...]]) -> None:
        self._axes = axes
        self._numbers: dict[tuple[float, ...], int] = {}
        self.lists: list[Places] = []

    def number(self, steps: list[float]) -> int:
        """Return the index of the list whose first axis is `steps`, adding it if it is new."""
        key = tuple(steps)
        if key not in self._numbers:
            self._numbers[key] = len(self.lists)
            rows = [self._axes[step] for step in steps]
            self.lists.append(tuple([rounded(v) for v in axis] for axis in zip(*rows, strict=True)))
        return self._numbers[key]


def _both(cast: Cast, frame: pl.DataFrame, known: _PlaceLists | None) -> tuple[Bands, ...]:
    is_chosen = pl.col("variant").is_in(cast.chosen)
    parts = ((frame.filter(is_chosen), _FIELDS), (frame.filter(~is_chosen), _CENTERS))
    return tuple(_bands(cast, part, names, known) for part, names in parts if part.height)


def _bands(
    cast: Cast, frame: pl.DataFrame, names: Sequence[str], known: _PlaceLists | None
) -> Bands:
    groups = frame.group_by("variant", maintain_order=True).agg(pl.col("x"), length=pl.len())
    fields = tuple(name for name in names if frame[name].is_not_null().any())
    values = np.array([frame[name].to_numpy() for name in fields], dtype=float)
    return Bands(
        variants=tuple(map(cast.variant, groups["variant"])),
        lengths=tuple(groups["length"]),
        places=tuple(map(known.number, groups["x"].to_list())) if known else (),
        seconds=None if known else pack(frame["x"].to_numpy()),
        fields=fields,
        values=pack(values),
        notes=(_notes(frame["mean_method"]), _notes(frame["median_method"])),
    )


def _notes(methods: pl.Series) -> str:
    found = methods.unique(maintain_order=True).to_list()
    return "; ".join(chain(NOTES[method] for method in found))
