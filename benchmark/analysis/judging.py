"""The verdicts of a declared study, from its declaration and its records.

The confirmatory family compares each optimizer with the reference on each problem, by the final
validation loss on the evaluation seeds. Two more families are corrected separately: training loss,
for optimization, and test metrics, for generalization. Each correction counts every declared
contest, those without results too. No table or chart adds a verdict.
"""

import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from benchmark.analysis.budgets import BudgetResult, results_by_budget
from benchmark.analysis.summary import setting
from benchmark.analysis.verdicts import (
    Contest,
    OverallWord,
    Values,
    Verdict,
    judge,
    overall,
)
from benchmark.declaration import Chosen, Declaration, Deviation, Edge
from benchmark.margins import MARGIN_SHARE
from benchmark.metrics import LOSS, metric_of, on_test
from benchmark.obstacles import FEWEST_SEEDS, Contestant, Reason, obstacle_between
from benchmark.record import Record, origin_of_times, was_busy
from benchmark.spec import Cell
from benchmark.step_costs import StepCost
from benchmark.store import FINISHED
from optimizers.spec import OptimizerSpec

Aspect = Literal["confirmatory", "optimization", "generalization"]
OPTIMIZATION = LOSS.on("train")


@dataclass(frozen=True, kw_only=True)
class Entrant:
    """One optimizer in one setting: how it was tuned, and its results on the evaluation seeds.

    Args:
        setting: The setting, in words.
        problem: The problem's name.
        label: The optimizer's label in the declaration.
        spec: The optimizer with its hyperparameters.
        tried: Number of points tried; 0 for an optimizer that is trained as given.
        tunes: Kinds of hyperparameters that were tuned, such as ``("lr",)``.
        only_rate: Only the learning rate was tuned, although the space may have more.
        kind: Kind of its space: ``lr``, ``full`` or ``given`` by the user; empty if not on record.
        edge: End of the tried learning rates at which the chosen one lies; empty for none.
        records: Records with a result, by evaluation seed.
        by_budget: Results of the points that smaller budgets would have chosen.
    """

    setting: str
    problem: str
    label: str
    spec: OptimizerSpec
    tried: int = 0
    tunes: tuple[str, ...] = ()
    only_rate: bool = False
    kind: str = ""
    edge: Edge = ""
    records: Mapping[int, Record]
    by_budget: tuple[BudgetResult, ...] = ()

    @property
    def contestant(self) -> Contestant:
        """The optimizer and how it was tuned, without its results."""
        return Contestant(
            label=self.label,
            tried=self.tried,
            tunes=self.tunes,
            only_rate=self.only_rate,
            kind=self.kind,
        )

    def values(self, metric: str) -> dict[int, float | None]:
        """Return the final values by seed, None where the trial diverged.

        Seeds whose trial is done but lacks the metric are left out.
        """
        return {
            seed: record.metrics[metric] if record.status == "done" else None
            for seed, record in self.records.items()
            if record.status != "done" or metric in record.metrics
        }


@dataclass(frozen=True, kw_only=True)
class CostRatio:
    """Costs of an optimizer, each divided by that of the reference; None if a record lacks it.

    Args:
        timed: Cost of a step, as timed in turn with the reference; None if it was not.
        step: Median time of a training step on record, with forward and backward pass; None also
            if the two were trained on different machines, or while a machine was busy.
        state: Bytes of the optimizer's state; None also if the reference keeps no state.
        state_per_parameter: Bytes of state per parameter; this is no ratio.
    """

    timed: StepCost | None = None
    step: float | None
    state: float | None
    state_per_parameter: float | None


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """All verdicts of a study.

    Args:
        declaration: The declaration that says what is compared.
        reference: The label that all others are compared with.
        entrants: Every optimizer in every setting, in the order of the declaration.
        verdicts: The verdicts of each family, by aspect. Families without a metric are left out.
        overall: One word over all problems for each optimizer, from the confirmatory family.
        costs: Costs against the reference, by setting and label.
    """

    declaration: Declaration
    reference: str
    entrants: tuple[Entrant, ...]
    verdicts: Mapping[Aspect, tuple[Verdict, ...]]
    overall: Mapping[str, OverallWord]
    costs: Mapping[tuple[str, str], CostRatio]

    @property
    def confirmatory(self) -> tuple[Verdict, ...]:
        """The verdicts of the confirmatory family."""
        return self.verdicts["confirmatory"]

    def entrant(self, setting: str, label: str) -> Entrant:
        """Return one optimizer in one setting.

        Raises:
            KeyError: there is no such entrant.
        """
        for each in self.entrants:
            if (each.setting, each.label) == (setting, label):
                return each
        raise KeyError((setting, label))


def judgement_of(
    declaration: Declaration, records: Iterable[Record], step_costs: Iterable[StepCost] = ()
) -> Judgement:
    """Return the verdicts of a study, from its records so far.

    A problem has no verdicts before its search has ended.

    Args:
        declaration: The declaration of the study.
        records: Its records.
        step_costs: Costs of steps that were timed beside the reference's.

    Raises:
        SpecError: a chosen optimizer in the declaration is not valid.
    """
    known = {record.trial.key: record for record in records}
    timed = {(e.trial, e.reference): e for e in step_costs if not e.failure}
    entrants = tuple(_entrants(declaration, known))
    reference = declaration.reference or next(iter(declaration.labels), "")
    families: dict[Aspect, list[Contest]] = {"confirmatory": []}
    for one, other in _pairs(entrants, reference):
        here = [each for each in entrants if each.problem == one.problem]
        for aspect, metric in _aspects(declaration, here).items():
            contest = contest_between(declaration, metric, one, other)
            families.setdefault(aspect, []).append(contest)
    places, declared = len(cells_of(declaration)), num_contests(declaration, reference)
    verdicts: dict[Aspect, tuple[Verdict, ...]] = {
        aspect: tuple(judge(family, stages=declaration.stages, declared=declared))
        for aspect, family in families.items()
    }
    return Judgement(
        declaration=declaration,
        reference=reference,
        entrants=entrants,
        verdicts=verdicts,
        overall=_overall(verdicts["confirmatory"], families["confirmatory"], places),
        costs={
            (one.setting, one.label): _cost(
                one, other, timed.get((_key(one, declaration), _key(other, declaration)))
            )
            for one, other in _pairs(entrants, reference)
        },
    )


def _entrants(declaration: Declaration, known: Mapping[str, Record]) -> Iterable[Entrant]:
    for cell in cells_of(declaration):
        yield from _entrants_of(declaration, cell, known)


def cells_of(declaration: Declaration) -> list[Cell]:
    """Return the cells of a declared study."""
    return [
        Cell(
            workload=workload,
            accelerator=accelerator,
            precision=precision,
            threads=declaration.threads,
            log_every=declaration.log_every,
            diagnostics_every=declaration.diagnostics_every,
        )
        for workload in declaration.problems.values()
        for accelerator in declaration.accelerators
        for precision in declaration.precisions
    ]


def _entrants_of(
    declaration: Declaration, cell: Cell, known: Mapping[str, Record]
) -> Iterable[Entrant]:
    outcomes = {each.place: each for each in declaration.chosen}
    given = {} if declaration.tuning else _given_entrants(declaration, cell, known)
    for label in declaration.labels:
        place = cell.workload.problem, cell.accelerator, cell.precision, label
        tuned = place in outcomes and _tuned_entrant(outcomes[place], cell, declaration, known)
        # Hyperparameters of a baseline count only if they were trained; with other numbers of
        # epochs they were not.
        if tuned and (tuned.records or label not in given):
            yield tuned
        elif label in given:
            yield given[label]


def _tuned_entrant(
    outcome: Chosen, cell: Cell, declaration: Declaration, known: Mapping[str, Record]
) -> Entrant:
    spec = outcome.optimizer
    trials = [cell.trial(spec, seed) for seed in declaration.seeds]
    return Entrant(
        setting=setting(cell.trial(spec, 0)),
        problem=cell.workload.problem,
        label=outcome.label,
        spec=spec,
        tried=outcome.tried,
        tunes=tuple(outcome.tunes),
        only_rate=outcome.only_rate,
        kind=outcome.kind,
        edge=outcome.edge,
        by_budget=results_by_budget(
            cell, outcome, known, metric=declaration.confirmatory, seeds=declaration.seeds
        ),
        records=_results({trial.seed: known.get(trial.key) for trial in trials}),
    )


def _given_entrants(
    declaration: Declaration, cell: Cell, known: Mapping[str, Record]
) -> dict[str, Entrant]:
    """Return the optimizers that are trained as given, by label.

    If several with one label have records, it is the one with most seeds, of these the last one.
    """
    found: dict[str, dict[str, list[Record]]] = {}
    for record in known.values():
        trial = record.trial
        here = cell.trial(trial.optimizer, trial.seed)
        is_declared = trial.label in declaration.optimizers and trial.seed in declaration.seeds
        if is_declared and trial == here and record.status in FINISHED:
            by_spec = found.setdefault(trial.label, {})
            by_spec.setdefault(trial.optimizer.text, []).append(record)
    return {
        label: _given_entrant(cell, max(reversed(by_spec.values()), key=len))
        for label, by_spec in found.items()
    }


def _given_entrant(cell: Cell, records: Sequence[Record]) -> Entrant:
    spec = records[0].trial.optimizer
    return Entrant(
        setting=setting(cell.trial(spec, 0)),
        problem=cell.workload.problem,
        label=records[0].trial.label,
        spec=spec,
        records={each.trial.seed: each for each in sorted(records, key=lambda r: r.trial.seed)},
    )


def _results(records: Mapping[int, Record | None]) -> dict[int, Record]:
    return {seed: r for seed, r in records.items() if r is not None and r.status in FINISHED}


def _aspects(declaration: Declaration, entrants: Sequence[Entrant]) -> dict[Aspect, str]:
    """Return each family's metric that was measured on a problem; the confirmatory one always."""
    records = [record for each in entrants for record in each.records.values()]
    measured = {name for record in records for name in record.metrics}
    found: dict[Aspect, str] = {"confirmatory": declaration.confirmatory}
    if OPTIMIZATION in measured:
        found["optimization"] = OPTIMIZATION
    test = on_test(measured)
    if test and metric_of(test).better:
        found["generalization"] = test
    return found


def num_contests(declaration: Declaration, reference: str) -> int:
    """Return the number of declared comparisons, each of one optimizer in one setting."""
    rivals = sum(label != reference for label in declaration.labels)
    return len(cells_of(declaration)) * rivals


def _pairs(entrants: Sequence[Entrant], reference: str) -> list[tuple[Entrant, Entrant]]:
    """Return each optimizer with the reference of its setting."""
    references = {each.setting: each for each in entrants if each.label == reference}
    return [
        (each, references[each.setting])
        for each in entrants
        if each.label != reference and each.setting in references
    ]


def contest_between(
    declaration: Declaration, metric: str, one: Entrant, reference: Entrant
) -> Contest:
    """Return the contest of two optimizers of one setting, with what keeps it from a verdict."""
    values, others = one.values(metric), reference.values(metric)
    return Contest(
        setting=one.setting,
        metric=metric,
        optimizer=one.label,
        variant=one.spec.label,
        reference=reference.label,
        values=values,
        reference_values=others,
        margin=_margin(declaration, metric, one.problem, others),
        untuned=_untuned(declaration, one, reference),
        is_complete=all(set(declaration.seeds) <= each.keys() for each in (values, others)),
    )


def _margin(declaration: Declaration, metric: str, problem: str, reference: Values) -> float:
    if metric == declaration.confirmatory and problem in declaration.margins:
        return declaration.margins[problem]
    known = [value for value in reference.values() if value is not None]
    return MARGIN_SHARE * abs(statistics.fmean(known)) if known else 0.0


def _untuned(declaration: Declaration, one: Entrant, reference: Entrant) -> Reason | None:
    both = (one, reference)
    tuning = declaration.tuning
    if tuning and tuning.budget < 2:
        return "not tuned by the study"
    if reason := obstacle_between(one.contestant, reference.contestant):
        return reason
    reasons: dict[Reason, bool] = {
        "best learning rate at an edge": any(each.edge for each in both),
        "declared seeds incomplete": any(
            each.records.keys() != set(declaration.seeds) for each in both
        ),
        "fewer than 5 seeds": len(declaration.seeds) < FEWEST_SEEDS,
    }
    found = next((reason for reason, holds in reasons.items() if holds), None)
    return found or _undeclared_look(declaration)


def _undeclared_look(declaration: Declaration) -> Reason | None:
    """Return why the looks at the evaluation seeds are not those that were declared, if so."""
    looks = looks_of(declaration)
    if not looks:
        return None
    if declaration.stages == 1 or not looks[0].only_adds_seeds:
        return "changed after results were seen"
    return "more than two looks" if len(looks) > 1 else None


def looks_of(declaration: Declaration) -> list[Deviation]:
    """Return the changes that were made after results on evaluation seeds had been seen."""
    return [deviation for deviation in declaration.deviations if deviation.is_look]


def _overall(
    verdicts: Sequence[Verdict], contests: Sequence[Contest], places: int
) -> dict[str, OverallWord]:
    """Return one word for each optimizer; undecided until it is complete in all `places`."""
    by_label: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        by_label.setdefault(verdict.optimizer, []).append(verdict)
    complete = Counter(each.optimizer for each in contests if each.is_complete)
    return {
        label: overall(some) if complete[label] == places else "undecided"
        for label, some in by_label.items()
    }


def _key(entrant: Entrant, declaration: Declaration) -> str:
    """Return the key of the entrant's trial on the first evaluation seed; "" without records."""
    for record in entrant.records.values():
        return replace(record.trial, seed=declaration.seeds[0]).key
    return ""


def _cost(one: Entrant, reference: Entrant, timed: StepCost | None) -> CostRatio:
    state = _median(one, lambda record: record.cost.state_bytes)
    others = _median(reference, lambda record: record.cost.state_bytes)
    step = _median(one, lambda record: record.own_clocks.per_step)
    other_step = _median(reference, lambda record: record.own_clocks.per_step)
    return CostRatio(
        timed=timed,
        step=_ratio(step, other_step) if _are_comparable(one, reference) else None,
        state=_ratio(state, others),
        state_per_parameter=_ratio(state, _median(one, lambda record: record.cost.parameters)),
    )


def _are_comparable(one: Entrant, reference: Entrant) -> bool:
    """Return whether times on record can be compared: of one origin that was mostly not busy."""
    timed = [[r for r in each.records.values() if origin_of_times(r)] for each in (one, reference)]
    origins = {origin_of_times(record) for some in timed for record in some}
    return len(origins) == 1 and all(2 * sum(map(was_busy, some)) < len(some) for some in timed)


def _median(entrant: Entrant, read: Callable[[Record], float | None]) -> float | None:
    done = [record for record in entrant.records.values() if record.status == "done"]
    known = [value for record in done if (value := read(record)) is not None]
    return statistics.median(known) if known else None


def _ratio(one: float | None, other: float | None) -> float | None:
    return one / other if one is not None and other else None
