"""The costs of a case by learning rate, beside the printed curves over rates."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import get_args

from benchmark.paper.cases import Case, Step
from benchmark.paper.curves import Curve, printed_mean, published_curves
from benchmark.paper.evidence import values_of
from benchmark.paper.plan import Known, Plan
from benchmark.paper.rules import Series
from optimizers.pick import pick

_LINE_WIDTH = 0.05  # decades within which a printed point was read off


@dataclass(frozen=True, kw_only=True)
class RateCurve:
    """The costs of one series at the rates of its grid.

    Args:
        series: The series.
        costs: Mean cost on tuning seeds by rate, ascending, of the rates at which one seed at least
            did not diverge.
        diverged: The rates at which all tuning seeds diverged.
        best: The chosen rate.
        compared: Cost of each evaluation seed at the chosen rate, at the horizon of the claim.
        printed: The printed curve, whose x is log₁₀ of the rate; None if there is none.
    """

    series: Series
    costs: dict[float, float]
    diverged: tuple[float, ...]
    best: float
    compared: tuple[float, ...]
    printed: Curve | None

    def beyond(self, most: float) -> list[float]:
        """Return the rates whose cost is above `most`, and those at which all seeds diverged."""
        above = [rate for rate, cost in self.costs.items() if cost > most]
        return sorted([*above, *self.diverged])


def rate_curves(plan: Plan, case: Case, known: Known) -> list[RateCurve]:
    """Return the costs by rate of each series of a case whose rate has been chosen.

    There are none where the plan trains fewer epochs than the case needs: the printed costs are
    those of its horizon.
    """
    is_short = any(plan.needed(case, step) < case.epochs(step) for step in get_args(Step))
    if is_short or case.rate is not None:
        return []
    found = []
    for series in case.series:
        best = plan.choice(case, series, known).best
        if best is None:
            continue
        tried = plan.tuning_costs(case, series, known)
        values = values_of(plan, case, series, best, known).values()
        found.append(
            RateCurve(
                series=series,
                costs={rate: cost for rate, (_, cost) in tried.items() if cost is not None},
                diverged=tuple(rate for rate, (_, cost) in tried.items() if cost is None),
                best=best,
                compared=tuple(value for value in values if value is not None),
                printed=printed_over_rates(series.published, case.epochs("evaluation")),
            )
        )
    return found


def printed_over_rates(names: Iterable[str], epochs: int) -> Curve | None:
    """Return which of some printed curves has the costs after `epochs` by rate; None without any.

    >>> names = [f"fig4_vae_{epochs}ep_b1=0.9_b2=0.99/bias-corrected" for epochs in (10, 100)]
    >>> [printed_over_rates(names, epochs).figure for epochs in (10, 100)]
    ['fig4_vae_10ep_b1=0.9_b2=0.99', 'fig4_vae_100ep_b1=0.9_b2=0.99']
    """
    curves = [pick(published_curves(), name, "published curve") for name in names]
    return next((curve for curve in curves if f"_{epochs}ep_" in curve.figure), None)


def is_printed_over_rates(names: Iterable[str]) -> bool:
    """Return whether the paper prints some series' costs by learning rate.

    >>> is_printed_over_rates(["fig4_vae_10ep_b1=0.9_b2=0.99/bias-corrected"])
    True
    """
    return any(name.startswith("fig4_") for name in names)


def printed_at(names: Iterable[str], epochs: int, rate: float) -> float | None:
    """Return the printed cost after `epochs` at a learning rate; None if it is not printed.

    >>> printed_at(["fig4_vae_10ep_b1=0.9_b2=0.99/bias-corrected"], 10, 1e-3)
    106.754
    """
    curve = printed_over_rates(names, epochs)
    points = zip(curve.x, curve.y, strict=True) if curve else ()
    near = (y for x, y in points if abs(x - math.log10(rate)) < _LINE_WIDTH)
    return next(near, None)


def printed_cost(plan: Plan, case: Case, series: Series) -> float | None:
    """Return the printed cost of a series at the horizon of a case; None if it is not printed.

    Where costs are printed by learning rate, it is that at the rate of the claim, or else the
    lowest.
    """
    epochs = plan.needed(case, "evaluation")
    if case.rate is not None:
        return printed_at(series.published, epochs, case.rate)
    curve = printed_over_rates(series.published, epochs)
    return min(curve.y) if curve else printed_mean(series.published, epochs, case.window(epochs))
