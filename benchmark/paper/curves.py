"""The published curves, read off the vector graphics of arXiv 1412.6980v9.

``published.csv`` has the columns figure, series, x and y. x is the epoch; in figure 4 it is log₁₀
of the learning rate, and in the right panel of figure 2b it is time, scaled so that Adam's 25
epochs take 25. y is the training cost. Points off the chart are missing.
"""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import fmean

from optimizers.pick import pick

PATH = Path(__file__).parent / "published.csv"
_OFF = 0.1  # epochs; what is farther from a whole epoch is where a line leaves the chart


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One printed curve.

    Args:
        figure: Panel of a figure, such as ``fig1_left_mnist_logreg``.
        series: Name in its legend.
        x: Abscissas, ascending, shape (points,).
        y: Costs, shape (points,).
    """

    figure: str
    series: str
    x: tuple[float, ...]
    y: tuple[float, ...]

    @property
    def name(self) -> str:
        """Its name in the rules, "figure/series"."""
        return f"{self.figure}/{self.series}"

    @property
    def is_over_epochs(self) -> bool:
        """Whether x is the epoch."""
        return not self.figure.startswith("fig4") and not self.figure.endswith("walltime")


@cache
def published_curves() -> Mapping[str, Curve]:
    """Return all printed curves by "figure/series"."""
    points: dict[tuple[str, str], list[tuple[float, float]]] = {}
    with PATH.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            place = row["figure"], row["series"]
            points.setdefault(place, []).append((float(row["x"]), float(row["y"])))
    curves = (
        Curve(figure=figure, series=series, x=tuple(x), y=tuple(y))
        for (figure, series), some in points.items()
        for x, y in [zip(*sorted(some), strict=True)]
    )
    return {curve.name: curve for curve in curves}


def published_curve(figure: str, series: str) -> Curve:
    """Return one printed curve.

    >>> curve = published_curve("fig1_left_mnist_logreg", "Adam")
    >>> curve.x[-1], round(curve.y[-1], 3)
    (46.0, 0.256)

    Raises:
        ValueError: there is no such curve; the message suggests others.
    """
    return pick(published_curves(), f"{figure}/{series}", "published curve")


def printed_over(names: Iterable[str], epochs: int) -> Curve | None:
    """Return the most detailed of some printed curves over the first epochs; None without any.

    >>> names = [f"{panel}/Adam" for panel in ("fig3_left_cifar_first3", "fig3_right_cifar_45")]
    >>> [printed_over(names, epochs).figure for epochs in (3, 45)]
    ['fig3_left_cifar_first3', 'fig3_right_cifar_45']
    """
    curves = [pick(published_curves(), name, "published curve") for name in names]
    usable = [curve for curve in curves if curve.is_over_epochs]
    return max(usable, key=lambda curve: _points(curve, epochs), default=None)


def printed_mean(names: Iterable[str], epochs: int, window: int) -> float | None:
    """Return the mean printed cost of `window` epochs up to `epochs`; None if one is not printed.

    >>> round(printed_mean(["fig1_left_mnist_logreg/Adam"], 45, 5), 4)
    0.2561
    """
    curve = printed_over(names, epochs)
    points = zip(curve.x, curve.y, strict=True) if curve else ()
    costs = {round(x): y for x, y in points if abs(x - round(x)) < _OFF}
    wanted = range(epochs - window + 1, epochs + 1)
    return fmean(costs[epoch] for epoch in wanted) if costs.keys() >= set(wanted) else None


def _points(curve: Curve, epochs: int) -> tuple[int, int]:
    """Return how far within the epochs a curve goes, and how many points it has there."""
    within = [x for x in curve.x if x <= epochs]
    return (round(max(within, default=0.0)), len(within))
