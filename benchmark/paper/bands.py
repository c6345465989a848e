"""The costs of a case by epoch: mean and range over seeds, at the chosen rates."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from benchmark.paper.cases import Case
from benchmark.paper.plan import Known, Plan
from benchmark.paper.rules import Series


@dataclass(frozen=True, kw_only=True)
class Band:
    """The running costs of one series.

    Args:
        series: The series.
        mean, low, high: Mean, lowest and highest cost of each epoch from the first on, over the
            seeds that reach the horizon, shape (epochs,).
        seeds: Number of these seeds.
        diverged: Number of seeds that diverged before.
    """

    series: Series
    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    seeds: int
    diverged: int


def bands(plan: Plan, case: Case, known: Known) -> list[Band]:
    """Return the band of each series of a case that has a result, up to its horizon.

    Where rates are chosen later than the one epoch that a claim compares, its bands go on until
    then, as far as all trials do.
    """
    found = []
    for series in case.series:
        rate = plan.choice(case, series, known).best
        costs = {} if rate is None else plan.costs(case, series, rate, "evaluation", known)
        runs = [each.running for each in costs.values() if each is not None and each.is_result]
        if runs:
            found.append((series, runs))
    horizon = plan.needed(case, "evaluation")
    whole = [len(run) for _, runs in found for run in runs if len(run) >= horizon]
    goes_on = case.variant is None and case.rate is None and case.window(horizon) == 1
    last = max(horizon, plan.needed(case, "tuning")) if goes_on else horizon
    return [_band(series, runs, min([last, *whole])) for series, runs in found]


def _band(series: Series, runs: Sequence[tuple[float, ...]], epochs: int) -> Band:
    whole = [run[:epochs] for run in runs if len(run) >= epochs]
    by_epoch = list(zip(*whole, strict=True))
    return Band(
        series=series,
        mean=tuple(map(fmean, by_epoch)),
        low=tuple(map(min, by_epoch)),
        high=tuple(map(max, by_epoch)),
        seeds=len(whole),
        diverged=len(runs) - len(whole),
    )
