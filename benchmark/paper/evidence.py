"""From the records of a reproduction to the evidence on its claims."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from benchmark.paper.cases import Case
from benchmark.paper.judgement import Evidence
from benchmark.paper.plan import Known, Plan
from benchmark.paper.quantities import EVALUATED, Costs, epoch_costs, mean_cost, quantity
from benchmark.paper.rules import Series
from benchmark.record import Record
from benchmark.spec import Trial
from benchmark.store import FINISHED, Store


class CostsOnRecord:
    """The costs of trials in the folders of their experiments, each read once.

    Args:
        stores: The folder of each experiment, by its name.
    """

    def __init__(self, stores: dict[str, Store]) -> None:
        self._stores = stores
        self._read: dict[tuple[str, str], Costs] = {}

    def __call__(self, experiment: str, trial: Trial) -> Costs | None:
        """Return the costs of a trial; None if it has no record, or was skipped."""
        found = self._read.get((experiment, trial.key))
        if found is None and experiment in self._stores:
            found = costs_of(self._stores[experiment], trial)
            if found is not None and found.is_result:
                self._read[experiment, trial.key] = found
        return found


def costs_of(store: Store, trial: Trial) -> Costs | None:
    """Return the costs of a trial on record; None if it has no record, or was skipped."""
    record = store.record(trial)
    if record is None or record.status == "skipped":
        return None
    if record.status not in FINISHED:
        return Costs(epochs=trial.epochs, is_result=False)
    return Costs(
        running=epoch_costs(store.metrics(trial)),
        evaluated=_evaluated(record),
        epochs=trial.epochs,
    )


def _evaluated(record: Record) -> float | None:
    return record.metrics.get(EVALUATED) if record.status == "done" else None


def evidence(plan: Plan, known: Known) -> list[Evidence]:
    """Return what was measured for each case that has any result.

    A claim without any result has those of trials that end earlier, under the same conditions, for
    one of the rules' other cases. They say how far it was carried out, and decide nothing.

    Args:
        plan: The plan.
        known: The costs on record.
    """
    return [each for case in plan.cases for each in _first_with_values(plan, case, known)]


def _first_with_values(plan: Plan, case: Case, known: Known) -> Iterator[Evidence]:
    """Yield the evidence of a case; that of shorter trials if it has none."""
    found = _evidence(plan, case, known)
    if any(found.values.values()):
        yield found
    elif case.variant is None:
        extents = (replace(plan.extent, epochs=each) for each in plan.shorter(case))
        every = (_evidence(replace(plan, extent=each), case, known) for each in extents)
        yield from islice((each for each in every if all(each.values.values())), 1)


def _evidence(plan: Plan, case: Case, known: Known) -> Evidence:
    choices = {series.name: plan.choice(case, series, known) for series in case.compared}
    values = {
        series.name: values_of(plan, case, series, choices[series.name].best, known)
        for series in case.compared
    }
    return Evidence(
        claim=case.claim.name,
        variant=case.variant.name if case.variant else "",
        epochs=min(_epochs(plan, case)),
        values=values,
        at_edge=tuple(name for name, choice in choices.items() if choice.edge),
    )


def _epochs(plan: Plan, case: Case) -> tuple[int, int]:
    """Return the epochs of the choice and of the comparison, each as far as it is as declared.

    A choice or comparison after fewer epochs counts as training of so many.
    """
    declared = max(case.epochs("tuning"), case.epochs("evaluation"))
    lengths = [
        declared if plan.needed(case, step) == case.epochs(step) else plan.needed(case, step)
        for step in ("tuning", "evaluation")
    ]
    return lengths[0], lengths[1]


def values_of(
    plan: Plan, case: Case, series: Series, rate: float | None, known: Known
) -> dict[int, float | None]:
    """Return the quantities of a series by seed, of those trials that have a result."""
    found = {} if rate is None else plan.costs(case, series, rate, "evaluation", known)
    return {
        seed: quantity(case.claim, costs.of(case.training.cost), case.variant)
        for seed, costs in found.items()
        if costs is not None and costs.is_result
    }


def compared_costs(plan: Plan, case: Case, series: Series, known: Known) -> list[float | None]:
    """Return the cost of a series on each evaluation seed at the horizon; None if it diverged."""
    rate = plan.choice(case, series, known).best
    found = {} if rate is None else plan.costs(case, series, rate, "evaluation", known)
    epochs = plan.needed(case, "evaluation")
    return [
        mean_cost(costs.of(case.training.cost), epochs, case.window(epochs))
        for costs in found.values()
        if costs is not None and costs.is_result
    ]
