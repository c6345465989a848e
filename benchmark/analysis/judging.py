"""The verdicts of a declared study, from its declaration and its records.

The confirmatory family compares each optimizer with the reference on each problem, by the final
validation loss on the evaluation seeds. Two more families are corrected separately: training loss,
for optimization, and test metrics, for generalization. No table or chart adds a verdict.
"""

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from benchmark.analysis.summary import setting
from benchmark.analysis.verdicts import (
    FEWEST_SEEDS,
    Contest,
    OverallWord,
    Reason,
    Values,
    Verdict,
    judge,
    overall,
)
from benchmark.declaration import MARGIN_SHARE, Chosen, Declaration, Edge
from benchmark.metrics import LOSS, metric_of, on_test
from benchmark.record import Record
from benchmark.spec import Cell, Workload
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
        edge: End of the tried learning rates at which the chosen one lies; empty for none.
        records: Records with a result, by evaluation seed.
    """

    setting: str
    problem: str
    label: str
    spec: OptimizerSpec
    tried: int = 0
    tunes: tuple[str, ...] = ()
    only_rate: bool = False
    edge: Edge = ""
    records: Mapping[int, Record]

    def values(self, metric: str) -> dict[int, float | None]:
        """Return the final values by seed; None where the trial diverged or lacks the metric."""
        return {
            seed: record.metrics.get(metric) if record.status == "done" else None
            for seed, record in self.records.items()
        }


@dataclass(frozen=True, kw_only=True)
class CostRatio:
    """Costs of an optimizer, each divided by that of the reference; None if a record lacks it.

    Args:
        step: Median time of a training step, with forward and backward pass; None also if the
            two were trained on different machines.
        state: Bytes of the optimizer's state; None also if the reference keeps no state.
        state_per_parameter: Bytes of state per parameter; this is no ratio.
    """

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


def judgement_of(declaration: Declaration, records: Iterable[Record]) -> Judgement:
    """Return the verdicts of a study, from its records so far.

    A problem has no verdicts before its search has ended.

    Raises:
        SpecError: a chosen optimizer in the declaration is not valid.
    """
    known = {record.trial.key: record for record in records}
    entrants = tuple(_entrants(declaration, known))
    reference = declaration.reference or next(iter(declaration.labels), "")
    looks = sum(deviation.is_look for deviation in declaration.deviations)
    verdicts: dict[Aspect, tuple[Verdict, ...]] = {}
    for aspect, metric in _aspects(declaration, known.values()).items():
        family = [
            _contest(declaration, metric, entrant, other, looks)
            for entrant, other in _pairs(entrants, reference)
        ]
        verdicts[aspect] = tuple(judge(family, stages=1 + min(looks, 1))) if family else ()
    return Judgement(
        declaration=declaration,
        reference=reference,
        entrants=entrants,
        verdicts=verdicts,
        overall=_overall(verdicts["confirmatory"]),
        costs={
            (one.setting, one.label): _cost(one, other)
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
            workload=Workload(**numbers),
            accelerator=accelerator,
            precision=precision,
            threads=declaration.threads,
            log_every=declaration.log_every,
            diagnostics_every=declaration.diagnostics_every,
        )
        for numbers in declaration.problems.values()
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
        tuned = place in outcomes and _tuned_entrant(
            outcomes[place], cell, declaration.seeds, known
        )
        # Hyperparameters of a baseline count only if they were trained; with other numbers of
        # epochs they were not.
        if tuned and (tuned.records or label not in given):
            yield tuned
        elif label in given:
            yield given[label]


def _tuned_entrant(
    outcome: Chosen, cell: Cell, seeds: Sequence[int], known: Mapping[str, Record]
) -> Entrant:
    spec = OptimizerSpec.from_json(outcome.optimizer)
    trials = [cell.trial(spec, seed) for seed in seeds]
    return Entrant(
        setting=setting(cell.trial(spec, 0)),
        problem=cell.workload.problem,
        label=outcome.label,
        spec=spec,
        tried=outcome.tried,
        tunes=tuple(outcome.tunes),
        only_rate=outcome.only_rate,
        edge=outcome.edge,
        records=_results({trial.seed: known.get(trial.key) for trial in trials}),
    )


def _given_entrants(
    declaration: Declaration, cell: Cell, known: Mapping[str, Record]
) -> dict[str, Entrant]:
    """Return the optimizers that are trained as given, by label."""
    found: dict[str, dict[int, Record]] = {label: {} for label in declaration.optimizers}
    names: dict[str, OptimizerSpec] = {}
    for record in known.values():
        trial = record.trial
        here = cell.trial(trial.optimizer, trial.seed)
        if trial.label in found and trial.seed in declaration.seeds and trial == here:
            found[trial.label][trial.seed] = record
            names[trial.label] = trial.optimizer
    return {
        label: Entrant(
            setting=setting(cell.trial(names[label], 0)),
            problem=cell.workload.problem,
            label=label,
            spec=names[label],
            records=_results(dict(sorted(records.items()))),
        )
        for label, records in found.items()
        if label in names
    }


def _results(records: Mapping[int, Record | None]) -> dict[int, Record]:
    return {seed: r for seed, r in records.items() if r is not None and r.status in FINISHED}


def _aspects(declaration: Declaration, records: Iterable[Record]) -> dict[Aspect, str]:
    """Return the metric of each measured family; the confirmatory family is always there."""
    measured = {name for record in records for name in record.metrics}
    found: dict[Aspect, str] = {"confirmatory": declaration.confirmatory}
    if OPTIMIZATION in measured:
        found["optimization"] = OPTIMIZATION
    test = on_test(measured) or (LOSS.on("test") if LOSS.on("test") in measured else None)
    if test and metric_of(test).better:
        found["generalization"] = test
    return found


def _pairs(entrants: Sequence[Entrant], reference: str) -> list[tuple[Entrant, Entrant]]:
    """Return each optimizer with the reference of its setting."""
    references = {each.setting: each for each in entrants if each.label == reference}
    return [
        (each, references[each.setting])
        for each in entrants
        if each.label != reference and each.setting in references
    ]


def _contest(
    declaration: Declaration, metric: str, one: Entrant, reference: Entrant, looks: int
) -> Contest:
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
        untuned=_untuned(declaration, one, reference, looks),
    )


def _margin(declaration: Declaration, metric: str, problem: str, reference: Values) -> float:
    if metric == declaration.confirmatory and problem in declaration.margins:
        return declaration.margins[problem]
    known = [value for value in reference.values() if value is not None]
    return MARGIN_SHARE * abs(statistics.fmean(known)) if known else 0.0


def _untuned(
    declaration: Declaration, one: Entrant, reference: Entrant, looks: int
) -> Reason | None:
    both = (one, reference)
    reasons: dict[Reason, bool] = {
        "not tuned by the study": not (one.tried and reference.tried),
        "unequal budgets": one.tried != reference.tried,
        "unequal kinds of hyperparameters": one.only_rate != reference.only_rate,
        "best learning rate at an edge": any(each.edge for each in both),
        "declared seeds incomplete": any(
            each.records.keys() != set(declaration.seeds) for each in both
        ),
        "fewer than 5 seeds": len(declaration.seeds) < FEWEST_SEEDS,
        "more than two looks": looks > 1,
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


def _overall(verdicts: Sequence[Verdict]) -> dict[str, OverallWord]:
    by_label: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        by_label.setdefault(verdict.optimizer, []).append(verdict)
    return {label: overall(some) for label, some in by_label.items()}


def _cost(one: Entrant, reference: Entrant) -> CostRatio:
    state = _median(one, lambda record: record.cost.state_bytes)
    others = _median(reference, lambda record: record.cost.state_bytes)
    step = _median(one, lambda record: record.clocks.per_step)
    other_step = _median(reference, lambda record: record.clocks.per_step)
    return CostRatio(
        step=_ratio(step, other_step) if _machines(one) == _machines(reference) else None,
        state=_ratio(state, others),
        state_per_parameter=_ratio(state, _median(one, lambda record: record.cost.parameters)),
    )


def _machines(entrant: Entrant) -> set[tuple[str | None, str | None]]:
    """Return the processors and devices of the trials; times are compared only if they agree."""
    found = [record.environment for record in entrant.records.values()]
    return {(each.cpu, each.device) for each in found}


def _median(entrant: Entrant, read: Callable[[Record], float | None]) -> float | None:
    done = [record for record in entrant.records.values() if record.status == "done"]
    known = [value for record in done if (value := read(record)) is not None]
    return statistics.median(known) if known else None


def _ratio(one: float | None, other: float | None) -> float | None:
    return one / other if one is not None and other else None
