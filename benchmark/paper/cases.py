"""The cases of a reproduction: what is compared, and under which conditions.

A case is a claim under the conditions of its experiment, or under those of one of its variants.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Literal, get_args

from benchmark.errors import UsageError
from benchmark.paper.rules import (
    Claim,
    Experiment,
    Rules,
    Series,
    Training,
    Variant,
    chosen_at,
    horizon_of,
    window_of,
)
from benchmark.problems import problems_of
from benchmark.spec import Workload
from optimizers.errors import OptimizerError
from optimizers.pick import pick, shown
from optimizers.resolve import find, labelled, resolve
from optimizers.schedules import Kind
from optimizers.spec import OptimizerSpec

_SCHEDULES = {  # of the rules, as optimizers name them
    "constant": "constant",
    "1/sqrt(step)": "1/sqrt(t)",
    "1/sqrt(epoch)": "1/sqrt(epoch)",
}
Step = Literal["tuning", "evaluation"]


@dataclass(frozen=True, kw_only=True)
class Case:
    """A claim under the conditions of its experiment or of one of its variants.

    Args:
        claim: The claim.
        variant: The variant; None for the conditions of the experiment.
        experiment: The experiment of the claim.
        training: The conditions.
    """

    claim: Claim
    variant: Variant | None
    experiment: Experiment
    training: Training

    @property
    def words(self) -> str:
        """Its name: the claim's, and that of the variant if there is one."""
        return f"{self.claim.name}, if {self.variant.name}" if self.variant else self.claim.name

    @property
    def compared(self) -> tuple[Series, ...]:
        """The series that the claim compares, which alone decide."""
        return tuple(self.experiment.by_name[name] for name in self.claim.series)

    @property
    def series(self) -> tuple[Series, ...]:
        """The series that the claim compares, and as it is declared those drawn beside them."""
        beside = () if self.variant else self.claim.beside
        return self.compared + tuple(self.experiment.by_name[name] for name in beside)

    @property
    def is_evaluated(self) -> bool:
        """Whether its cost is known only at the end of a trial."""
        return self.training.cost == "evaluated"

    @property
    def rate(self) -> float | None:
        """The rate at which the series are compared; None for the best of each."""
        return self.claim.rate

    def epochs(self, step: Step) -> int:
        """Return the epochs that trials of a step must have."""
        at = chosen_at if step == "tuning" else horizon_of
        return at(self.claim, self.variant)

    def window(self, epochs: int) -> int:
        """Return the number of epochs up to `epochs` whose costs are averaged."""
        return min(window_of(self.claim, self.variant), epochs)


def cases_of(
    rules: Rules, figures: Sequence[str] = (), claims: Sequence[str] = ()
) -> tuple[Case, ...]:
    """Return the cases of some figures: all claims as they are, and then all of their variants.

    Args:
        rules: The rules.
        figures: Figures such as "1", "1 left" or "2a", where "2" means all panels of figure 2; none
            for all.
        claims: Names of claims; none for all of the figures.

    Raises:
        UsageError: there is no such figure, or a claim is not in the figures.
        UnknownNameError: there is no such claim.
    """
    known = tuple(dict.fromkeys(each.figure for each in rules.experiments))
    for figure in figures:
        if not any(_is_in(figure, each) for each in known):
            raise UsageError(f"figure {shown(figure)}: expected one or more of {', '.join(known)}")
    found = [
        claim
        for claim in rules.claims
        if not figures or any(_is_in(each, rules.experiment(claim).figure) for each in figures)
    ]
    by_name = {claim.name: claim for claim in found}
    elsewhere = {claim.name: claim for claim in rules.claims if claim not in found}
    for name in claims:
        if name in elsewhere:
            figure = rules.experiment(elsewhere[name]).figure
            raise UsageError(f"claim {name} is about figure {figure}: name that one, or no figure")
        pick(by_name, name, "claim")
    found = [claim for claim in found if not claims or claim.name in claims]
    pairs: list[tuple[Claim, Variant | None]] = [(claim, None) for claim in found]
    pairs += [(claim, variant) for claim in found for variant in claim.variants]
    return tuple(
        Case(
            claim=claim,
            variant=variant,
            experiment=rules.experiment(claim),
            training=rules.training(claim, variant),
        )
        for claim, variant in pairs
    )


def _is_in(figure: str, panel: str) -> bool:
    """Return whether a panel is `figure` or a part of it.

    >>> [_is_in(figure, "2a") for figure in ("2", "2a", "2b")], _is_in("1", "1 left")
    ([True, True, False], True)
    """
    number = "".join(takewhile(str.isdigit, panel))
    return figure in (panel, panel.partition(" ")[0], number)


def why_not_yet(case: Case) -> str:
    """Return which condition of a case the suite lacks; empty if it can be run."""
    training = case.training
    try:
        workload_of(training)
    except ValueError as error:
        return str(error)
    for series in case.series:
        schedule = _SCHEDULES[_schedule(training, series)]
        if schedule not in get_args(Kind):
            return f"there is no schedule {schedule}"
        try:
            spec_of(case, series, series.rates[0])
        except OptimizerError as error:
            return str(error)
    return ""


def workload_of(training: Training) -> Workload:
    """Return the workload of the problem, its whitened data and its network without padded pools.

    Raises:
        ValueError: the suite has no such problem, model or data set.
    """
    model, _, dataset = training.problem.partition("/")
    model += "" if training.padding else "_valid"
    dataset += "_zca" if training.whitening else ""
    return problems_of(model, dataset).workload


def spec_of(case: Case, series: Series, rate: float) -> OptimizerSpec:
    """Return the optimizer of a series of a case at a learning rate."""
    schedule = _SCHEDULES[_schedule(case.training, series)]
    is_other = _schedule(case.experiment.training, series) != _schedule(case.training, series)
    told = {"lr": rate, **({"schedule": schedule} if is_other else {})}
    given = {**series.hyperparameters, "lr": rate, "schedule": schedule}
    return resolve(find(series.optimizer), given, label=labelled(series.name, told))


def _schedule(training: Training, series: Series) -> str:
    return "constant" if series.name in training.unscheduled else training.schedule


def conditions(case: Case, series: Series) -> tuple[object, ...]:
    """Return what decides the trials of a series, except rate, seed and epochs."""
    training = case.training
    return (
        case.experiment.name,
        series.name,
        _schedule(training, series),
        training.problem,
        training.batch_size,
        training.l2,
        training.whitening,
        training.padding,
    )
