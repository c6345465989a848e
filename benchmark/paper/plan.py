"""The plan of a reproduction: the trials that its cases need, given the costs so far.

The rates of a case are chosen first: every rate of a grid trains on tuning seeds, and the mean cost
at the epoch `chosen_at` decides. A best rate at an end of its grid widens the grid by one rate. The
chosen rate then trains on seeds 0, 1, … Like a protocol, a plan remembers nothing: the records so
far say which trials come next. Nothing here runs a trial.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal, get_args

from benchmark.paper.cases import Case, Step, cases_of, conditions, spec_of, workload_of
from benchmark.paper.quantities import Costs, mean_cost
from benchmark.paper.rules import Rules, Series
from benchmark.spec import FIRST_TUNING_SEED, Cell, Trial

LOG_EVERY = 1_000  # steps between two rows of the running loss; an epoch's end makes a row too
Known = Callable[[str, Trial], Costs | None]
"""A function that returns the costs of a trial of an experiment; None if it has none yet."""


@dataclass(frozen=True, kw_only=True)
class Extent:
    """How much of the rules a reproduction carries out.

    Args:
        name: Its name on the command line.
        hours: Most hours of all trials; cases that would exceed them are left out.
        epochs: Most epochs of a trial.
        seeds: Most evaluation seeds.
        tuning_seeds: Most tuning seeds.
        variants: Carry out the variants of claims, too.
    """

    name: str
    hours: float = math.inf
    epochs: float = math.inf
    seeds: float = math.inf
    tuning_seeds: float = math.inf
    variants: bool = True


EXTENTS = {
    each.name: each
    for each in (
        Extent(name="demo", epochs=3, seeds=2, tuning_seeds=1),
        Extent(name="hour", hours=1.0),
        Extent(name="claims", variants=False),
        Extent(name="full"),
    )
}


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The choice of a learning rate.

    Args:
        rates: The rates tried so far, ascending.
        best: The best of them; None while a cost is unknown.
        edge: "low" or "high" if the best rate is at that end of the grid; otherwise empty.
    """

    rates: tuple[float, ...]
    best: float | None = None
    edge: Literal["", "low", "high"] = ""

    @property
    def words(self) -> str:
        """The best rate, and whether it is at an end of its grid.

        >>> Choice(rates=(0.1, 1.0), best=1.0, edge="high").words
        '1 (the highest tried)'
        """
        if self.best is None:
            return "–"
        ends = {"": "", "low": " (the lowest tried)", "high": " (the highest tried)"}
        return f"{self.best:g}{ends[self.edge]}"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The cases of a reproduction with their trials.

    Args:
        rules: The rules.
        cases: The cases that are carried out.
        extent: The most that is done of each.
        accelerators: The device of each experiment that is not carried out on the CPU.
    """

    rules: Rules
    cases: tuple[Case, ...]
    extent: Extent
    accelerators: Mapping[str, str] = field(default_factory=dict)
    _trials: dict[object, Trial] = field(default_factory=dict, repr=False, compare=False)

    def seeds(self, case: Case, step: Step) -> range:
        """Return the seeds of a step."""
        if step == "tuning":
            count = min(case.experiment.tuning_seeds, self.extent.tuning_seeds)
            return range(FIRST_TUNING_SEED, FIRST_TUNING_SEED + int(count))
        return range(int(min(case.experiment.seeds, self.extent.seeds)))

    def needed(self, case: Case, step: Step) -> int:
        """Return the epochs after which a case looks at the trials of a step."""
        return int(min(case.epochs(step), self.extent.epochs))

    def wanted(
        self, known: Known, cases: Sequence[Case] | None = None
    ) -> dict[str, dict[str, Trial]]:
        """Return the trials wanted so far, by experiment and key, those with costs included.

        Args:
            known: The costs on record.
            cases: Those of the plan's cases that count; None for all.
        """
        found: dict[str, dict[str, Trial]] = {}
        for case in self.cases if cases is None else cases:
            trials = found.setdefault(case.experiment.name, {})
            for series in case.series:
                trials |= {trial.key: trial for trial in self._wanted(case, series, known)}
        return found

    def _wanted(self, case: Case, series: Series, known: Known) -> Iterator[Trial]:
        choice = self.choice(case, series, known)
        for rate in choice.rates if case.rate is None else ():
            yield from self.trials(case, series, rate, "tuning", known)
        if choice.best is not None:
            yield from self.trials(case, series, choice.best, "evaluation", known)

    def choice(self, case: Case, series: Series, known: Known) -> Choice:
        """Return the choice of the learning rate of a series, widened as far as costs ask for."""
        if case.rate is not None:
            best = next(rate for rate in series.rates if math.isclose(rate, case.rate))
            return Choice(rates=(best,), best=best)
        found = self._choice(case, series, series.rates, known)
        for _ in range(self.rules.widenings):
            if not found.edge:
                break
            found = self._choice(case, series, _wider(found.rates, found.edge), known)
        return found

    def _choice(self, case: Case, series: Series, rates: tuple[float, ...], known: Known) -> Choice:
        costs = [self._mean_cost(case, series, rate, known) for rate in rates]
        if None in costs:
            return Choice(rates=rates)
        known_costs = [cost for cost in costs if cost is not None]
        (diverged, _), best = min(zip(known_costs, rates, strict=True))
        if diverged == len(self.seeds(case, "tuning")):  # it diverged everywhere
            return Choice(rates=rates, best=best)
        edge: Literal["", "low", "high"] = ""
        if best in (rates[0], rates[-1]):
            edge = "low" if best == rates[0] else "high"
        return Choice(rates=rates, best=best, edge=edge)

    def tuning_costs(
        self, case: Case, series: Series, known: Known
    ) -> dict[float, tuple[int, float | None]]:
        """Return for each rate tried the diverged tuning seeds, and the mean cost of the others.

        A rate is missing while a cost of it is unknown. The mean is None if all seeds diverged.
        """
        found: dict[float, tuple[int, float | None]] = {}
        for rate in self.choice(case, series, known).rates if case.rate is None else ():
            cost = self._mean_cost(case, series, rate, known)
            if cost is not None:
                diverged, total = cost
                others = len(self.seeds(case, "tuning")) - diverged
                found[rate] = diverged, total / others if others else None
        return found

    def _mean_cost(
        self, case: Case, series: Series, rate: float, known: Known
    ) -> tuple[int, float] | None:
        """Return the diverged seeds and the summed cost of the others; None if unknown yet.

        A seed whose trial failed counts as diverged, as everywhere in a comparison.
        """
        values: list[float | None] = []
        epochs = self.needed(case, "tuning")
        for costs in self.costs(case, series, rate, "tuning", known).values():
            if costs is None:
                return None
            values.append(mean_cost(costs.of(case.training.cost), epochs, case.window(epochs)))
        finite = [value for value in values if value is not None]
        return len(values) - len(finite), math.fsum(finite)

    def trials(
        self, case: Case, series: Series, rate: float, step: Step, known: Known | None = None
    ) -> list[Trial]:
        """Return the trials of a series at a rate, one for each seed of a step.

        One with a result on record is not wanted again because another case needs a longer one.
        """
        found = []
        for seed in self.seeds(case, step):
            by_length = self._by_length(case, series, rate, seed, step)
            done = (each for each in by_length if known and _is_done(case, each, known))
            found.append(next(done, by_length[0]))
        return found

    def costs(
        self, case: Case, series: Series, rate: float, step: Step, known: Known
    ) -> dict[int, Costs | None]:
        """Return the costs of the trials of a series at a rate by seed; None where unknown yet.

        Where the trial of the plan has none, those of a shorter one that is long enough for the
        case count, which are the same up to there: a smaller plan may have been carried out before.
        """
        found: dict[int, Costs | None] = {}
        for seed in self.seeds(case, step):
            trials = self._by_length(case, series, rate, seed, step)
            done = (each for each in trials if _is_done(case, each, known))
            found[seed] = known(case.experiment.name, next(done, trials[0]))
        return found

    def _by_length(
        self, case: Case, series: Series, rate: float, seed: int, step: Step
    ) -> list[Trial]:
        """Return the trials that give a cost of a case, the longest first."""
        return [
            self._trial(case, series, rate, seed, epochs, step)
            for epochs in self.lengths(case, series, step)
        ]

    def _trial(
        self, case: Case, series: Series, rate: float, seed: int, epochs: int, step: Step
    ) -> Trial:
        accelerator = self.accelerators.get(case.experiment.name, "cpu")
        place = (conditions(case, series), accelerator, rate, seed, epochs, step)
        if place not in self._trials:  # a spec and a key are found only once
            training = case.training
            workload = replace(
                workload_of(training),
                epochs=epochs,
                batch_size=training.batch_size,
                dropout=series.dropout,
                l2=training.l2,
            )
            cell = Cell(workload=workload, accelerator=accelerator, log_every=LOG_EVERY)
            self._trials[place] = cell.trial(spec_of(case, series, rate), seed, purpose=step)
        return self._trials[place]

    def lengths(self, case: Case, series: Series, step: Step) -> tuple[int, ...]:
        """Return the epochs that trials of a step may have, most first.

        Cases under the same conditions share the longest trials that one of them needs. Where the
        cost is evaluated, a trial must end at the horizon.
        """
        needed = self.needed(case, step)
        if case.is_evaluated:
            return (needed,)
        every = self._lengths[step, case.rate, conditions(case, series)]
        return tuple(sorted((each for each in every if each >= needed), reverse=True))

    def shorter(self, case: Case) -> tuple[int, ...]:
        """Return the lengths in epochs, most first, that are too short for a case.

        They are those at which other cases of the rules compare all of its series, under the same
        conditions, whether or not the plan has these cases.
        """
        own = {conditions(case, series) for series in case.compared}
        lengths = {
            self.needed(each, "evaluation")
            for each in cases_of(self.rules)
            if each.rate == case.rate and own <= {conditions(each, one) for one in each.series}
        }
        return tuple(
            sorted((e for e in lengths if e < self.needed(case, "evaluation")), reverse=True)
        )

    def lacks(self, case: Case, known: Known) -> bool:
        """Return whether a case has trials without a record."""
        every = (self._wanted(case, series, known) for series in case.series)
        trials = (trial for some in every for trial in some)
        return any(known(case.experiment.name, trial) is None for trial in trials)

    @cached_property
    def _lengths(self) -> Mapping[object, set[int]]:
        found: dict[object, set[int]] = {}
        steps: tuple[Step, ...] = get_args(Step)
        for case in self.cases:
            for series in case.series:
                for step in steps:
                    place = (step, case.rate, conditions(case, series))
                    found.setdefault(place, set()).add(self.needed(case, step))
        return found

    def expected(self, known: Known | None = None) -> list[Trial]:
        """Return trials like those that the whole plan will want, if no grid is widened.

        Args:
            known: The costs on record, whose trials are left out; None to leave out none.
        """
        found: dict[object, Trial] = {}
        for case in self.cases:
            rule = (case.epochs("tuning"), case.window(10**9), case.training.cost, case.rate)
            for series in case.series:
                chosen = self.choice(case, series, known).best if known else None
                middle = chosen or series.rates[len(series.rates) // 2]
                tried = series.rates if case.rate is None else ()
                for rate in tried:
                    for trial in self.trials(case, series, rate, "tuning", known):
                        found[case.experiment.name, trial.key] = trial
                for trial in self.trials(case, series, middle, "evaluation", known):
                    found[case.experiment.name, rule, trial.key] = trial
        experiments = {case.experiment.name for case in self.cases}
        done = known and {
            trial.key
            for trial in found.values()
            if any(known(name, trial) is not None for name in experiments)
        }
        return [trial for trial in found.values() if not done or trial.key not in done]


def _is_done(case: Case, trial: Trial, known: Known) -> bool:
    costs = known(case.experiment.name, trial)
    return costs is not None and costs.is_result


def _wider(rates: tuple[float, ...], edge: str) -> tuple[float, ...]:
    """Return `rates` with one more beyond an end, in the steps that they have there.

    >>> _wider((0.003, 0.01, 0.03), "low"), _wider((0.1, 0.3, 1.0), "high")
    ((0.001, 0.003, 0.01, 0.03), (0.1, 0.3, 1.0, 3.0))
    """
    if edge == "low":
        return (_rounded(_beyond(rates)), *rates)
    return (*rates, _rounded(_beyond(rates[::-1])))


def _beyond(rates: Sequence[float]) -> float:
    """Return the rate before the first: two half decades make one, so three rates tell the step."""
    if len(rates) == 2:
        return rates[0] * rates[0] / rates[1]
    return rates[0] * rates[1] / rates[2]


def _rounded(rate: float) -> float:
    return float(f"{rate:.6g}")
