"""The tuned protocol: equal search for every optimizer, then fresh seeds for the chosen settings.

In each cell, every optimizer tries the same number of quasi-random points of its space on the first
tuning seed. An optimizer whose best learning rate is the highest or lowest of those it tried gets
half as many points again beyond it, up to a decade beyond the range, and every other optimizer as
many further points of its own sequence, at most `MOST_WIDENINGS` times. The best quarter of all
points is repeated on the other tuning seeds; the point with the best mean is trained on the
evaluation seeds, which alone are compared. All trials run their full length; one that diverged or
failed counts as worst.

The points are those of AlgoPerf's external tuning (Dahl et al., "Benchmarking Neural Network
Training Algorithms", 2023): quasi-random, in a space declared beforehand. Separate seeds for tuning
and for the result, and the advice to widen a range whose end is best, are from Sivaprasad et al.,
"Optimizer Benchmarking Needs to Account for Hyperparameter Tuning", ICML 2020, and Choi et al.,
"On Empirical Comparisons of Optimizers for Deep Learning", 2019.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeGuard

from benchmark.declaration import Chosen, Edge
from benchmark.metrics import CHOOSING, higher_is_better
from benchmark.protocols import sampler
from benchmark.protocols.base import Results, Stage
from benchmark.protocols.halton import points
from benchmark.record import Record
from benchmark.spec import FIRST_TUNING_SEED, Cell, Trial
from benchmark.store import FINISHED
from optimizers.spaces import Range
from optimizers.spec import OptimizerSpec
from optimizers.tunable import Tunable

TUNING_SEEDS = tuple(range(FIRST_TUNING_SEED, FIRST_TUNING_SEED + 3))
MOST_WIDENINGS = 2
DECADE = 10.0
_BATCHES = {"optuna": 4}  # a sampler that learns from values gets the budget in so many parts


@dataclass(frozen=True, kw_only=True)
class Search:
    """The search of one optimizer in one cell so far.

    Args:
        tunable: The optimizer to tune.
        points: The points it tried or is to try on the first tuning seed, in their order.
        finalists: The best quarter of them, repeated on the other tuning seeds; empty until known.
        chosen: The best finalist; None until known.
        edge: The end at which the chosen learning rate lies, if nothing beyond it was tried.
    """

    tunable: Tunable
    points: tuple[OptimizerSpec, ...]
    finalists: tuple[OptimizerSpec, ...] = ()
    chosen: OptimizerSpec | None = None
    edge: Edge = ""


@dataclass(frozen=True, kw_only=True)
class Tuned:
    """Search with an equal budget, then evaluation on fresh seeds.

    Args:
        tunables: The optimizers to tune.
        budget: Points that every optimizer tries.
        seeds: The evaluation seeds.
        tuning_seeds: The first is for all points, the others are for the best quarter.
        metric: The validation metric whose final value chooses.
        sampler: Name of what chooses the points, out of `samplers.SAMPLERS`.
        scramble: Seed of the points; the learning rates of ``halton`` do not depend on it.
    """

    tunables: tuple[Tunable, ...]
    budget: int
    seeds: tuple[int, ...]
    tuning_seeds: tuple[int, ...] = TUNING_SEEDS
    metric: str = CHOOSING[0]
    sampler: str = "halton"
    scramble: int = 0

    def specs(self) -> tuple[OptimizerSpec, ...]:
        """Return the optimizers with their default hyperparameters."""
        return tuple(tunable.defaults() for tunable in self.tunables)

    def stage(self, cell: Cell, results: Results) -> Stage:
        """Return the tuning trials so far and, once all settings are chosen, the evaluation."""
        return _Progress(protocol=self, cell=cell, results=results).stage

    def searches(self, cell: Cell, results: Results) -> tuple[Search, ...]:
        """Return the search of each optimizer in `cell` so far."""
        return _Progress(protocol=self, cell=cell, results=results).searches

    def num_trials(self) -> int:
        """Return the number of trials of a cell if no range has to be widened."""
        finalists = _quarter(self.budget) * (len(self.tuning_seeds) - 1)
        return len(self.tunables) * (self.budget + finalists + len(self.seeds))


@dataclass(frozen=True, kw_only=True)
class _Progress:
    """The state of one cell, found from its records alone."""

    protocol: Tuned
    cell: Cell
    results: Results
    _trials: dict[tuple[OptimizerSpec, int], Trial] = field(default_factory=dict)
    _values: dict[tuple[OptimizerSpec, int], float | None] = field(default_factory=dict)

    @cached_property
    def stage(self) -> Stage:
        tuning = self._tuning_trials()
        chosen = [search.chosen for search in self.searches if search.chosen is not None]
        if len(chosen) < len(self.searches):
            later = max(self.protocol.num_trials() - len(tuning), 0)
            return Stage(trials=tuning, doing="tuning", later=later, is_last=False)
        seeds = self.protocol.seeds
        evaluation = [self.cell.trial(spec, seed) for seed in seeds for spec in chosen]
        is_last = all(self._is_finished(trial) for trial in tuning)
        return Stage(
            trials=(*tuning, *evaluation),
            doing="evaluation",
            is_last=is_last,
            chosen=tuple(map(self._outcome, self.searches)),
        )

    @cached_property
    def searches(self) -> tuple[Search, ...]:
        tunables, seeds = self.protocol.tunables, self.protocol.tuning_seeds
        tried = self._tried()
        found = [Search(tunable=t, points=tuple(p)) for t, p in zip(tunables, tried, strict=True)]
        if self._unknown(tried, seeds[:1]):
            return tuple(found)
        best = [self._best_first(specs, seeds[:1])[: _quarter(len(specs))] for specs in tried]
        found = [replace(one, finalists=tuple(b)) for one, b in zip(found, best, strict=True)]
        if self._unknown(best, seeds):
            return tuple(found)
        chosen = [self._best_first(specs, seeds)[0] for specs in best]
        return tuple(
            replace(one, chosen=spec, edge=self._edge(one.tunable, spec, one.points))
            for one, spec in zip(found, chosen, strict=True)
        )

    def _outcome(self, search: Search) -> Chosen:
        assert search.chosen is not None
        return Chosen(
            problem=self.cell.workload.problem,
            accelerator=self.cell.accelerator,
            precision=self.cell.precision,
            label=search.tunable.label,
            optimizer=search.chosen.to_json(),
            tried=len(search.points),
            finalists=len(search.finalists),
            tunes=list(search.tunable.space.kinds),
            only_rate=_tunes_only_rate(search.tunable),
            edge=search.edge,
            values=self._values_of(search.chosen),
            kind=search.tunable.kind,
        )

    def _values_of(self, spec: OptimizerSpec) -> list[float]:
        """Return the recorded values of `spec` on the tuning seeds, those that are finite."""
        trials = [self._trial(spec, seed) for seed in self.protocol.tuning_seeds]
        records = [self.results(trial) for trial in trials]
        values = [r.metrics.get(self.protocol.metric) for r in records if r and r.status == "done"]
        return [value for value in values if value is not None]

    def _tried(self) -> list[list[OptimizerSpec]]:
        """Return the points of each optimizer, widened as far as the results so far ask for it."""
        budget, first = self.protocol.budget, self.protocol.tuning_seeds[:1]
        series = [
            _Series(tunable, self.protocol, lambda spec: self._value(spec, first[0]))
            for tunable in self.protocol.tunables
        ]
        for one in series:
            one.go_on(budget)
        for _ in range(MOST_WIDENINGS):
            tried = [one.points for one in series]
            if self._unknown(tried, first):
                break
            edges = [
                self._edge(tunable, self._best_first(specs, first)[0], specs)
                for tunable, specs in zip(self.protocol.tunables, tried, strict=True)
            ]
            if not any(edges):
                break
            for one, edge in zip(series, edges, strict=True):
                one.go_beyond(edge, max(1, budget // 2))
        return [list(dict.fromkeys(one.points)) for one in series]

    def _edge(self, tunable: Tunable, spec: OptimizerSpec, tried: Sequence[OptimizerSpec]) -> Edge:
        """Return the end of the learning rates tried at which `spec` lies.

        None of them is an edge beyond which a worse or diverged one was tried.
        """
        rates = [rate for each in tried if (rate := _rate(each)) is not None]
        rates_are_tuned = any(map(_is_rate, tunable.space.ranges))
        rate = _rate(spec)
        if rate is None or not self._is_measured(spec) or not rates_are_tuned:
            return ""
        return "high" if rate >= max(rates) else "low" if rate <= min(rates) else ""

    def _tuning_trials(self) -> tuple[Trial, ...]:
        first, *others = self.protocol.tuning_seeds
        wanted = [(spec, first) for search in self.searches for spec in search.points]
        for seed in others:
            wanted += [(spec, seed) for search in self.searches for spec in search.finalists]
        trials = [self._trial(spec, seed) for spec, seed in wanted]
        return tuple({trial.key: trial for trial in trials}.values())

    def _trial(self, spec: OptimizerSpec, seed: int) -> Trial:
        if (spec, seed) not in self._trials:  # a trial's key, a digest, is found only once
            self._trials[spec, seed] = self.cell.trial(spec, seed, purpose="tuning")
        return self._trials[spec, seed]

    def _is_finished(self, trial: Trial) -> bool:
        record = self.results(trial)
        return record is not None and record.status in FINISHED

    def _is_measured(self, spec: OptimizerSpec) -> bool:
        value = self._value(spec, self.protocol.tuning_seeds[0])
        return value is not None and value < math.inf

    def _unknown(self, specs: Sequence[Sequence[OptimizerSpec]], seeds: Sequence[int]) -> bool:
        return any(
            self._value(spec, seed) is None for some in specs for spec in some for seed in seeds
        )

    def _best_first(
        self, specs: Sequence[OptimizerSpec], seeds: Sequence[int]
    ) -> list[OptimizerSpec]:
        """Return the different `specs`, fewest diverged seeds and then best mean first."""

        def worse(spec: OptimizerSpec) -> tuple[int, float]:
            values = [self._value(spec, seed) for seed in seeds]
            found = [value for value in values if value is not None and value < math.inf]
            return len(seeds) - len(found), math.fsum(found)

        return sorted(dict.fromkeys(specs), key=worse)

    def _value(self, spec: OptimizerSpec, seed: int) -> float | None:
        """Return the value to minimize: infinity if there is no result, None if not known yet."""
        if (spec, seed) not in self._values:
            record = self.results(self._trial(spec, seed))
            known = record is not None and record.status != "skipped"
            self._values[spec, seed] = self._cost(record) if record and known else None
        return self._values[spec, seed]

    def _cost(self, record: Record) -> float:
        value = record.metrics.get(self.protocol.metric)
        if record.status != "done" or value is None:
            return math.inf
        return -value if higher_is_better(self.protocol.metric) else value


class _Series:
    """The points of one optimizer, as far as they have been drawn.

    Args:
        tunable: The optimizer.
        protocol: The protocol, which says what chooses the points.
        value: Returns the value of a point, None if it is not known yet.
    """

    def __init__(
        self, tunable: Tunable, protocol: Tuned, value: Callable[[OptimizerSpec], float | None]
    ) -> None:
        self.points: list[OptimizerSpec] = []
        self._tunable = tunable
        self._seed = protocol.scramble
        self._sampler = sampler(protocol.sampler, tunable, seed=self._seed)
        self._batches = _BATCHES.get(protocol.sampler, 1)
        self._value = value
        rates = [each for each in tunable.space.ranges if _is_rate(each)]
        self._ends = (rates[0].low, rates[0].high) if rates else (0.0, 0.0)

    def go_on(self, count: int) -> None:
        """Draw the next `count` points of the optimizer's own sequence.

        A sampler that learns gets them in batches, and none before the values of the last batch
        are known.
        """
        batch = -(-count // self._batches)
        while count > 0:
            new = self._sampler.ask(min(batch, count))
            self.points += new
            count -= batch
            values = [self._value(spec) for spec in new]
            if not new or None in values:
                return
            for spec, value in zip(new, values, strict=True):
                self._sampler.tell(spec, value)

    def go_beyond(self, edge: Edge, count: int) -> None:
        """Draw `count` points beyond the highest or lowest learning rate tried so far.

        They lie between that rate and a decade beyond the end of the range. Without an edge, the
        optimizer's own sequence goes on.
        """
        low, high = self._ends
        rates = [rate for spec in self.points if (rate := _rate(spec)) is not None]
        if edge == "high":
            low, high = max(rates), max(high, *rates) * DECADE
        elif edge == "low":
            low, high = min(low, *rates) / DECADE, min(rates)
        else:
            self.go_on(count)
            return
        self._ends = min(low, self._ends[0]), max(high, self._ends[1])
        ranges = tuple(
            replace(each, low=low, high=high) if _is_rate(each) else each
            for each in self._tunable.space.ranges
        )
        wider = replace(self._tunable, space=replace(self._tunable.space, ranges=ranges))
        self.points += points(wider, count + 1, seed=self._seed)[
            1:
        ]  # the first point is the defaults


def _is_rate(one: object) -> TypeGuard[Range]:
    return isinstance(one, Range) and one.name == "lr" and not one.one_minus


def _rate(spec: OptimizerSpec) -> float | None:
    rate = spec.hyperparameters.get("lr")
    return float(rate) if isinstance(rate, (int, float)) and not isinstance(rate, bool) else None


def _tunes_only_rate(tunable: Tunable) -> bool:
    # The full space of SGD has a learning rate alone, and is compared with other full spaces.
    return tunable.kind != "full" and tunable.space.kinds == ("lr",)


def _quarter(count: int) -> int:
    return -(-count // 4)
