"""The points that studies tried while tuning, and what a larger budget brings.

All values are of tuning seeds, which are never compared, except the results by budget.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmark.analysis.budgets import BudgetResult
from benchmark.analysis.searches import Search
from benchmark.metrics import metric_words
from benchmark.plain_text import LABEL_LENGTH, plain
from benchmark.report.page.cast import Cast
from benchmark.report.page.packing import rounded


@dataclass(frozen=True, kw_only=True)
class TriedPoint:
    """A point that was tried.

    Args:
        lr: Learning rate; None without one.
        value: Value on the first tuning seed; None where it diverged.
        repeats: Values on the other tuning seeds, None where it diverged.
        label: The optimizer with its hyperparameters.
        chosen: It went on to the evaluation.
    """

    lr: float | None
    value: float | None
    repeats: Sequence[float | None]
    label: str
    chosen: bool


@dataclass(frozen=True, kw_only=True)
class BudgetPoint:
    """The result on evaluation seeds of the point that a search with one budget would choose.

    Args:
        budget: Number of points.
        label: The point: the optimizer with its hyperparameters.
        seeds: Number of evaluation seeds with a result.
        diverged: Number of these that diverged.
        mean: Mean over the seeds; None if one of them diverged.
        low, high: Its 95 % interval; None with fewer than 2 seeds.
    """

    budget: int
    label: str
    seeds: int
    diverged: int
    mean: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, kw_only=True)
class TuningSearch:
    """The search of one optimizer in one setting.

    Args:
        optimizer: Index of the optimizer.
        points: The points, by learning rate.
        edge: ``low`` or ``high`` if the chosen learning rate is the last one on that side that was
            tried; otherwise empty.
        budgets: Numbers of points, 1, 2, 4, … and all.
        expected: Expected best value after so many points; None where all may have diverged.
        evaluated: Results on evaluation seeds by budget; empty if the study has none.
    """

    optimizer: int
    points: Sequence[TriedPoint]
    edge: str
    budgets: Sequence[int]
    expected: Sequence[float | None]
    evaluated: Sequence[BudgetPoint]


@dataclass(frozen=True, kw_only=True)
class SettingSearches:
    """The searches of one setting.

    Args:
        metric: The metric that chose, by its name in records.
        words: The metric in words.
        seed: The first tuning seed, which all values but the repeats and results belong to.
        searches: One per optimizer; empty if the study was not tuned.
    """

    metric: str
    words: str
    seed: int
    searches: Sequence[TuningSearch]


def setting_searches(cast: Cast, found: Mapping[str, Sequence[Search]]) -> list[SettingSearches]:
    """Return the searches of each setting, in the order of the page.

    Args:
        cast: The settings and optimizers of the page.
        found: The searches by study.
    """
    placed = [
        (cast.places.get(plain(search.setting)), study, search)
        for study, searches in found.items()
        for search in searches
    ]
    return [
        _setting(cast, [(study, search) for place, study, search in placed if place == here])
        for here in range(len(cast.settings))
    ]


def _setting(cast: Cast, found: Sequence[tuple[str, Search]]) -> SettingSearches:
    searches = [
        _search(optimizer, search)
        for study, search in found
        if (optimizer := cast.optimizer(plain(search.label, LABEL_LENGTH), study)) is not None
    ]
    if not found:
        return SettingSearches(metric="", words="", seed=0, searches=[])
    first = found[0][1]
    return SettingSearches(
        metric=first.metric,
        words=metric_words(first.metric),
        seed=first.seed,
        searches=sorted(searches, key=lambda each: each.optimizer),
    )


def _search(optimizer: int, search: Search) -> TuningSearch:
    expected = search.expected_best()
    return TuningSearch(
        optimizer=optimizer,
        points=[
            TriedPoint(
                lr=point.lr,
                value=rounded(point.value),
                repeats=[rounded(value) for value in point.repeats],
                label=plain(point.spec.label, LABEL_LENGTH),
                chosen=point.is_chosen,
            )
            for point in search.points
        ],
        edge=search.edge,
        budgets=[k for k, _ in expected],
        expected=[rounded(value) for _, value in expected],
        evaluated=[_budget_point(each) for each in search.by_budget],
    )


def _budget_point(one: BudgetResult) -> BudgetPoint:
    return BudgetPoint(
        budget=one.budget,
        label=plain(one.spec.label, LABEL_LENGTH),
        seeds=one.seeds,
        diverged=one.diverged,
        mean=rounded(one.mean),
        low=rounded(one.low),
        high=rounded(one.high),
    )
