"""The points that a study's searches tried, from its declaration and its tuning records.

Their values are from tuning seeds. They chose the points that were evaluated, so the best ones are
too optimistic to be compared. Only values on evaluation seeds are compared.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from benchmark.analysis.budgets import BudgetResult, results_by_budget
from benchmark.analysis.judging import cells_of
from benchmark.analysis.sensitivity import best_after
from benchmark.analysis.summary import setting
from benchmark.declaration import Chosen, Declaration, Edge
from benchmark.metrics import higher_is_better
from benchmark.record import Record
from benchmark.spec import Cell
from benchmark.store import FINISHED
from optimizers.spaces import learning_rate
from optimizers.spec import OptimizerSpec


@dataclass(frozen=True, kw_only=True)
class Point:
    """A point that was tried, with its final values on tuning seeds.

    Args:
        spec: The optimizer with its hyperparameters.
        value: Value on the first tuning seed, which all points have; None where it diverged.
        repeats: Values on the other tuning seeds, which the best points have too.
        is_chosen: True if the point was evaluated.
    """

    spec: OptimizerSpec
    value: float | None
    repeats: tuple[float | None, ...]
    is_chosen: bool

    @property
    def lr(self) -> float | None:
        """The learning rate, None without one."""
        found = learning_rate(self.spec.hyperparameters)
        return found[1] if found else None


@dataclass(frozen=True, kw_only=True)
class Search:
    """The points that one optimizer tried in one setting.

    Args:
        setting: The setting, in words.
        label: The optimizer's label in the declaration.
        metric: The metric that chooses.
        seed: The first tuning seed.
        points: The points, by learning rate.
        edge: End of the tried learning rates at which the chosen one lies; empty for none.
        by_budget: Results on evaluation seeds of the points that smaller budgets would have chosen.
    """

    setting: str
    label: str
    metric: str
    seed: int
    points: tuple[Point, ...]
    edge: Edge = ""
    by_budget: tuple[BudgetResult, ...] = ()

    def expected_best(self) -> list[tuple[int, float | None]]:
        """Return the expected best value after k = 1, 2, 4, … points and after all of them.

        The mean is over all choices of k of the points, without replacement, by their values on the
        first tuning seed; None where all k may have diverged.
        """
        worst = -math.inf if higher_is_better(self.metric) else math.inf
        values = [worst if point.value is None else point.value for point in self.points]
        best_first = np.array(sorted(values, reverse=higher_is_better(self.metric)))
        rows = best_after(best_first)
        counts = {2**power for power in range(len(rows).bit_length())} | {len(rows)}
        return [(k, rows[k - 1]["expected"]) for k in sorted(counts) if k <= len(rows)]


def searches_of(declaration: Declaration, records: Iterable[Record]) -> tuple[Search, ...]:
    """Return the search of each optimizer in each setting; none for a study that was not tuned.

    Points of an earlier search, in another space, are left out once the present one has ended.
    """
    if declaration.tuning is None:
        return ()
    known = {record.trial.key: record for record in records}
    tuned = [
        record
        for record in known.values()
        if record.trial.purpose == "tuning" and record.status in FINISHED
    ]
    outcomes = {each.place: each for each in declaration.chosen}
    found = []
    for cell in cells_of(declaration):
        own = _by_label(cell, tuned, declaration.labels)
        for label, here in own.items():
            place = cell.workload.problem, cell.accelerator, cell.precision, label
            outcome = outcomes.get(place)
            search = _search(declaration, label, here, outcome)
            found.append(replace(search, by_budget=_by_budget(declaration, cell, outcome, known)))
    return tuple(search for search in found if search.points)


def _by_budget(
    declaration: Declaration, cell: Cell, outcome: Chosen | None, known: Mapping[str, Record]
) -> tuple[BudgetResult, ...]:
    if outcome is None:
        return ()
    metric, seeds = declaration.confirmatory, declaration.seeds
    return results_by_budget(cell, outcome, known, metric=metric, seeds=seeds)


def _by_label(
    cell: Cell, records: Iterable[Record], labels: Iterable[str]
) -> dict[str, list[Record]]:
    """Return the tuning records of a cell by the optimizer's label in the declaration."""
    found: dict[str, list[Record]] = {label: [] for label in labels}
    for record in records:
        trial = record.trial
        if trial != cell.trial(trial.optimizer, trial.seed, "tuning"):
            continue
        fitting = [each for each in found if f"{trial.label} ".startswith(f"{each} ")]
        if fitting:
            found[max(fitting, key=len)].append(record)
    return {label: own for label, own in found.items() if own}


def _search(
    declaration: Declaration, label: str, records: list[Record], outcome: Chosen | None
) -> Search:
    first, *others = declaration.tuning.seeds if declaration.tuning else [0]
    present = set(outcome.points) if outcome else set()
    by_point: dict[OptimizerSpec, dict[int, float | None]] = {}
    for record in records:
        done = record.metrics.get(declaration.choosing) if record.status == "done" else None
        by_point.setdefault(record.trial.optimizer, {})[record.trial.seed] = done
    outside = {
        record.trial.optimizer
        for record in records
        if present and record.trial.seed == first and record.trial.key not in present
    }
    chosen = outcome.optimizer if outcome else None
    points = [
        Point(
            spec=spec,
            value=values[first],
            repeats=tuple(values[seed] for seed in others if seed in values),
            is_chosen=spec == chosen,
        )
        for spec, values in by_point.items()
        if first in values and spec not in outside
    ]
    return Search(
        setting=setting(records[0].trial),
        label=label,
        metric=declaration.choosing,
        seed=first,
        points=tuple(sorted(points, key=lambda point: point.lr or 0.0)),
        edge=outcome.edge if outcome else "",
    )
