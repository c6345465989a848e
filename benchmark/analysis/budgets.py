"""Results on evaluation seeds against the budget of the search.

For budgets of 1, 2, 4, … points, these are the final results of the point that a search with so few
points would have chosen (Sivaprasad et al., "Optimizer Benchmarking Needs to Account for
Hyperparameter Tuning", ICML 2020). They choose nothing, so unlike the best values on tuning seeds
they are not too optimistic. If the range was widened, one more result is that of all points tried:
the point that is compared.

A search with k points is the first k of the declared sequence, as every user of the suite would get
it. The mean over all choices of k points, which Dodge et al. (2019) estimate, would need every
point on every evaluation seed: 160 trials with 16 points and 10 seeds, in place of about 20. It is
shown for the values on the tuning seed (`searches.Search.expected_best`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from benchmark.analysis.intervals import mean_interval
from benchmark.declaration import Chosen
from benchmark.metrics import metric_of
from benchmark.record import Record
from benchmark.spec import Cell
from benchmark.store import FINISHED
from optimizers.spec import OptimizerSpec


@dataclass(frozen=True, kw_only=True)
class BudgetResult:
    """The result of the point that a search with one budget would have chosen.

    Args:
        budget: Number of points.
        spec: The chosen optimizer.
        seeds: Number of evaluation seeds with a result.
        diverged: Number of these that diverged.
        mean: Mean final value over the seeds; None if one of them diverged.
        low, high: Its 95 % interval; None with fewer than 2 seeds.
    """

    budget: int
    spec: OptimizerSpec
    seeds: int
    diverged: int
    mean: float | None
    low: float | None
    high: float | None


def results_by_budget(
    cell: Cell,
    outcome: Chosen,
    records: Mapping[str, Record],
    *,
    metric: str,
    seeds: Iterable[int],
) -> tuple[BudgetResult, ...]:
    """Return the results of one search by budget; none if the study does not evaluate them.

    The last budget is the number of all points tried, with those of a widened range. Budgets
    without a result so far are left out.

    Args:
        cell: The cell of the search.
        outcome: The outcome of the search.
        records: All records of the study by key.
        metric: The metric whose final value is the result.
        seeds: The evaluation seeds.
    """
    specs = {
        each.budget: records[each.trial].trial.optimizer
        for each in outcome.by_budget
        if each.trial in records
    }
    if outcome.by_budget and outcome.tried > max(each.budget for each in outcome.by_budget):
        specs[outcome.tried] = outcome.optimizer
    declared = list(seeds)
    found = {k: _results(cell, spec, records, declared) for k, spec in specs.items()}
    return tuple(
        _result(k, specs[k], results, metric) for k, results in sorted(found.items()) if results
    )


def _results(
    cell: Cell, spec: OptimizerSpec, records: Mapping[str, Record], seeds: Iterable[int]
) -> list[Record]:
    """Return the finished trials of a point, whether it was chosen in the end or not."""
    found = []
    for seed in seeds:
        keys = (cell.trial(spec, seed, purpose).key for purpose in ("evaluation", "budget"))
        record = next((records[key] for key in keys if key in records), None)
        if record is not None and record.status in FINISHED:
            found.append(record)
    return found


def _result(budget: int, spec: OptimizerSpec, results: list[Record], metric: str) -> BudgetResult:
    values = [r.metrics[metric] for r in results if r.status == "done" and metric in r.metrics]
    diverged = sum(record.status == "diverged" for record in results)
    least = metric_of(metric).least
    interval = mean_interval(values, least=least) if values and not diverged else None
    return BudgetResult(
        budget=budget,
        spec=spec,
        seeds=len(results),
        diverged=diverged,
        mean=interval.estimate if interval else None,
        low=interval.low if interval else None,
        high=interval.high if interval else None,
    )
