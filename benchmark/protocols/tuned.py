"""The tuned protocol: equal search for every optimizer, then fresh seeds for the chosen settings.

In each cell, every optimizer tries the same number of quasi-random points of its space on the first
tuning seed. An optimizer whose best learning rate is the highest or lowest of those it tried gets
half as many points again beyond it, up to a decade beyond the range, and every other optimizer as
many further points of its own sequence. The best quarter of all points is repeated on the other
tuning seeds. If the point with the best mean is still at an end of the learning rates tried, the
ranges are widened in the same way and the best quarter is found again. Ranges are widened at most
`MOST_WIDENINGS` times in all. The point with the best mean is trained on the evaluation seeds,
which alone are compared. All trials run their full length; one that diverged or failed counts as
worst. With `Tuned.budget_curve`, the points that smaller budgets would have chosen are trained on
the evaluation seeds too, and shown, but never compared.

The points are those of AlgoPerf's external tuning (Dahl et al., "Benchmarking Neural Network
Training Algorithms", 2023): quasi-random, in a space declared beforehand. Separate seeds for tuning
and for the result, and the advice to widen a range whose end is best, are from Sivaprasad et al.,
"Optimizer Benchmarking Needs to Account for Hyperparameter Tuning", ICML 2020, and Choi et al.,
"On Empirical Comparisons of Optimizers for Deep Learning", 2019.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from benchmark.declaration import BudgetChoice, Chosen, Edge
from benchmark.metrics import CHOOSING, CONFIRMATORY, higher_is_better
from benchmark.obstacles import tunes_only_rate
from benchmark.protocols.base import Results, Stage
from benchmark.protocols.series import Series, range_of_rates, rate_of
from benchmark.record import Record
from benchmark.spec import FIRST_TUNING_SEED, Cell, Trial
from benchmark.store import FINISHED
from optimizers.spec import OptimizerSpec
from optimizers.tunable import Tunable

TUNING_SEEDS = tuple(range(FIRST_TUNING_SEED, FIRST_TUNING_SEED + 3))
MOST_WIDENINGS = 2


@dataclass(frozen=True, kw_only=True)
class Search:
    """The search of one optimizer in one cell so far.

    Args:
        tunable: The optimizer to tune.
        points: Points for the first tuning seed, tried or not, in order.
        base: Those of them that were drawn before the ranges were widened.
        finalists: The best quarter of them, repeated on the other tuning seeds; empty until known.
        repeated: The finalists, and those of before the ranges were widened, repeated as well.
        chosen: The best finalist; None until known.
        edge: End of the tried learning rates at which the chosen one lies; empty for none.
        widened: For each time that the ranges of the cell were widened, the end at which this
            optimizer's best learning rate lay; empty for none.
    """

    tunable: Tunable
    points: tuple[OptimizerSpec, ...]
    base: tuple[OptimizerSpec, ...] = ()
    finalists: tuple[OptimizerSpec, ...] = ()
    repeated: tuple[OptimizerSpec, ...] = ()
    chosen: OptimizerSpec | None = None
    edge: Edge = ""
    widened: tuple[Edge, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Tuned:
    """Search with an equal budget, then evaluation on fresh seeds.

    Args:
        tunables: The optimizers to tune.
        budget: Points that every optimizer tries.
        seeds: The evaluation seeds.
        tuning_seeds: Seeds of the tuning trials: the first for all points, the others for the best
            quarter.
        metric: The validation metric whose final value chooses.
        sampler: Name of the sampler, in `protocols.SAMPLERS`.
        scramble: Seed of the points; the learning rates of ``halton`` do not depend on it.
        budget_curve: Evaluate the choices of smaller budgets too.
    """

    tunables: tuple[Tunable, ...]
    budget: int
    seeds: tuple[int, ...]
    tuning_seeds: tuple[int, ...] = TUNING_SEEDS
    metric: str = CHOOSING[0]
    sampler: str = "halton"
    scramble: int = 0
    budget_curve: bool = False

    def specs(self) -> tuple[OptimizerSpec, ...]:
        """Return the optimizers with their default hyperparameters."""
        return tuple(tunable.defaults() for tunable in self.tunables)

    def stage(self, cell: Cell, results: Results) -> Stage:
        """Return the tuning trials so far and, after the last choice, the evaluation trials."""
        return _Progress(protocol=self, cell=cell, results=results).stage

    def searches(self, cell: Cell, results: Results) -> tuple[Search, ...]:
        """Return the search of each optimizer in `cell` so far."""
        return _Progress(protocol=self, cell=cell, results=results).searches


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
        if len(chosen) < len(self.searches) or None in self._smaller:
            return Stage(
                trials=tuning,
                doing="tuning",
                later=self._later(),
                is_last=False,
                widened=tuple(self._widenings()),
            )
        seeds = self.protocol.seeds
        evaluation = [self.cell.trial(spec, seed) for seed in seeds for spec in chosen]
        smaller = {s: None for by_budget in self._smaller for s in (by_budget or {}).values()}
        evaluation += [
            self.cell.trial(spec, seed, purpose="budget")
            for seed in seeds
            for spec in smaller
            if spec not in chosen
        ]
        is_last = all(self._is_finished(trial) for trial in tuning)
        return Stage(
            trials=(*tuning, *evaluation),
            doing="evaluation",
            is_last=is_last,
            chosen=tuple(
                self._outcome(search, by_budget or {})
                for search, by_budget in zip(self.searches, self._smaller, strict=True)
            ),
        )

    def _widenings(self) -> Iterator[str]:
        """Yield why more points than the budget are tried, a line for each time."""
        for number, edges in enumerate(zip(*(one.widened for one in self.searches), strict=True)):
            labels = [one.tunable.label for one in self.searches]
            ends = [
                f"{' and '.join(found)} was the {end} tried"
                for edge, end in (("high", "highest"), ("low", "lowest"))
                if (found := [label for label, at in zip(labels, edges, strict=True) if at == edge])
            ]
            tried = self.protocol.budget + number * self._points_beyond
            yield (
                f"{self.cell.workload.problem}: the best learning rate of {', of '.join(ends)}, so "
                f"the range grows by a decade there, and every optimizer tries "
                f"{tried + self._points_beyond} points in place of {tried}"
            )

    @property
    def _points_beyond(self) -> int:
        return max(1, self.protocol.budget // 2)

    def _later(self) -> int:
        """Return the probable number of trials of the cell to come, widened ranges included."""
        budget, others = self.protocol.budget, len(self.protocol.tuning_seeds) - 1
        count = len(self.protocol.seeds) * len(self.searches)
        further = self._further_points()
        if self.protocol.budget_curve:
            # The best of 2k points is one of the first k in half of all orders.
            count += count * (len(budgets_up_to(budget)) - 1) // 2
        for search in self.searches:
            tried = max(budget, len(search.points)) + further
            finalists = 0 if search.finalists else _quarter(tried)
            count += tried - len(search.points) + finalists * others
        return count

    def _further_points(self) -> int:
        """Return the points of each optimizer that widened ranges will probably add.

        If any of n rates is equally likely to be best, one at an end is with probability 2/n.
        """
        budget = self.protocol.budget
        rated = sum(range_of_rates(each) is not None for each in self.protocol.tunables)
        at_edge = 1 - (1 - min(1.0, 2 / budget)) ** rated
        step = max(1, budget // 2)
        widened = max(0, max(len(each.points) for each in self.searches) - budget) / step
        expected = sum(at_edge**count for count in range(1, MOST_WIDENINGS + 1))
        return round(max(0.0, expected - widened) * step)

    @cached_property
    def _smaller(self) -> list[dict[int, OptimizerSpec] | None]:
        """Return for each search what smaller budgets would have chosen; None until known.

        Points beyond the declared range are left out.
        """
        seeds, found = self.protocol.tuning_seeds, []
        for finalists in map(self._finalists_by_budget, self.searches):
            is_known = not self._unknown(list(finalists.values()), seeds)
            best = {k: self._best_first(some, seeds)[0] for k, some in finalists.items()}
            found.append(best if is_known else None)
        return found

    def _finalists_by_budget(self, search: Search) -> dict[int, list[OptimizerSpec]]:
        """Return the best quarter of the first 1, 2, 4, … points, once all have a value."""
        first = self.protocol.tuning_seeds[:1]
        if not self.protocol.budget_curve or self._unknown([search.base], first):
            return {}
        return {
            k: self._best_first(search.base[:k], first)[: _quarter(k)]
            for k in budgets_up_to(len(search.base))
        }

    @cached_property
    def searches(self) -> tuple[Search, ...]:
        """Return the searches, widened as far as the results ask for it.

        Whether a range is widened depends on points drawn before that alone, so that later results
        never change it.
        """
        protocol = self.protocol
        series = [
            Series(
                tunable,
                source=protocol.sampler,
                seed=protocol.scramble,
                value=self._first_value,
            )
            for tunable in protocol.tunables
        ]
        for one in series:
            one.go_on(protocol.budget)
        base = [tuple(dict.fromkeys(one.points)) for one in series]
        found, edges = self._searched(series, (), is_last=False)
        widened: list[list[Edge]] = [[] for _ in series]
        for widening in range(1, MOST_WIDENINGS + 1):
            if not any(edges):
                break
            for one, edge in zip(series, edges, strict=True):
                one.go_beyond(edge, self._points_beyond)
            for each, edge in zip(widened, edges, strict=True):
                each.append(edge)
            found, edges = self._searched(series, found, is_last=widening == MOST_WIDENINGS)
        return tuple(
            replace(one, base=own, widened=tuple(ends))
            for one, own, ends in zip(found, base, widened, strict=True)
        )

    def _searched(
        self, series: Sequence[Series], before: Sequence[Search], *, is_last: bool
    ) -> tuple[tuple[Search, ...], tuple[Edge, ...]]:
        """Return the searches with the points drawn so far, and the ends beyond which to go on.

        Args:
            series: The points of each optimizer.
            before: The searches before the last widening.
            is_last: The ranges are not widened again, so that an edge on the first seed is left.
        """
        seeds, first = self.protocol.tuning_seeds, self.protocol.tuning_seeds[:1]
        found = tuple(
            Search(tunable=one.tunable, points=tuple(dict.fromkeys(one.points))) for one in series
        )
        if before:
            found = tuple(
                replace(one, repeated=old.repeated) for one, old in zip(found, before, strict=True)
            )
        if self._unknown([one.points for one in found], first):
            return found, ()
        ranked = [self._best_first(one.points, first) for one in found]
        edges = tuple(
            self._edge(one.tunable, best[0], one.points)
            for one, best in zip(found, ranked, strict=True)
        )
        if any(edges) and not is_last:
            return found, edges
        found = tuple(
            _with_finalists(one, best[: _quarter(len(best))])
            for one, best in zip(found, ranked, strict=True)
        )
        if self._unknown([one.finalists for one in found], seeds):
            return found, ()
        found = tuple(self._with_chosen(one) for one in found)
        return found, tuple(one.edge for one in found)

    def _with_chosen(self, search: Search) -> Search:
        chosen = self._best_first(search.finalists, self.protocol.tuning_seeds)[0]
        return replace(
            search, chosen=chosen, edge=self._edge(search.tunable, chosen, search.points)
        )

    def _outcome(self, search: Search, by_budget: Mapping[int, OptimizerSpec]) -> Chosen:
        assert search.chosen is not None
        first = self.protocol.tuning_seeds[0]
        return Chosen(
            problem=self.cell.workload.problem,
            accelerator=self.cell.accelerator,
            precision=self.cell.precision,
            label=search.tunable.label,
            optimizer=search.chosen,
            tried=len(search.points),
            finalists=len(search.finalists),
            tunes=list(search.tunable.space.kinds),
            only_rate=tunes_only_rate(search.tunable.kind, search.tunable.space),
            edge=search.edge,
            values=self._values_of(search.chosen),
            kind=search.tunable.kind,
            points=[self._trial(spec, first).key for spec in search.points],
            by_budget=[
                BudgetChoice(budget=k, trial=self._trial(spec, first).key)
                for k, spec in by_budget.items()
            ],
        )

    def _values_of(self, spec: OptimizerSpec) -> list[float]:
        """Return the finite values of the confirmatory metric on the tuning seeds."""
        trials = [self._trial(spec, seed) for seed in self.protocol.tuning_seeds]
        records = [self.results(trial) for trial in trials]
        values = [r.metrics.get(CONFIRMATORY) for r in records if r and r.status == "done"]
        return [value for value in values if value is not None]

    def _edge(self, tunable: Tunable, spec: OptimizerSpec, tried: Sequence[OptimizerSpec]) -> Edge:
        """Return the end of the tried learning rates at which `spec` lies, empty for none.

        A rate is at no edge if a rate beyond it was tried, even one that was worse or diverged.
        """
        own = range_of_rates(tunable)
        rate = rate_of(spec, own)
        if rate is None or not self._is_measured(spec):
            return ""
        rates = [found for each in tried if (found := rate_of(each, own)) is not None]
        return "high" if rate >= max(rates) else "low" if rate <= min(rates) else ""

    def _tuning_trials(self) -> tuple[Trial, ...]:
        first, *others = self.protocol.tuning_seeds
        wanted = [(spec, first) for search in self.searches for spec in search.points]
        for seed in others:
            wanted += [(spec, seed) for search in self.searches for spec in search.repeated]
        if all(search.chosen for search in self.searches):
            finalists = [self._finalists_by_budget(search).values() for search in self.searches]
            for seed in others:
                wanted += [(spec, seed) for each in finalists for some in each for spec in some]
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
        value = self._first_value(spec)
        return value is not None and value < math.inf

    def _unknown(self, specs: Sequence[Sequence[OptimizerSpec]], seeds: Sequence[int]) -> bool:
        return any(
            self._value(spec, seed) is None for some in specs for spec in some for seed in seeds
        )

    def _best_first(
        self, specs: Sequence[OptimizerSpec], seeds: Sequence[int]
    ) -> list[OptimizerSpec]:
        """Return the distinct `specs`, sorted by number of diverged seeds and then by mean."""

        def worse(spec: OptimizerSpec) -> tuple[int, float]:
            values = [self._value(spec, seed) for seed in seeds]
            found = [value for value in values if value is not None and value < math.inf]
            return len(seeds) - len(found), math.fsum(found)

        return sorted(dict.fromkeys(specs), key=worse)

    def _first_value(self, spec: OptimizerSpec) -> float | None:
        return self._value(spec, self.protocol.tuning_seeds[0])

    def _value(self, spec: OptimizerSpec, seed: int) -> float | None:
        """Return the value to minimize: infinity for divergence or failure, None if unknown yet."""
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


def budgets_up_to(count: int) -> list[int]:
    """Return 1, 2, 4, … below `count`, and `count`.

    >>> budgets_up_to(8), budgets_up_to(6)
    ([1, 2, 4, 8], [1, 2, 4, 6])
    """
    return [*(2**power for power in range((count - 1).bit_length())), count]


def _with_finalists(search: Search, finalists: Sequence[OptimizerSpec]) -> Search:
    repeated = dict.fromkeys((*search.repeated, *finalists))
    return replace(search, finalists=tuple(finalists), repeated=tuple(repeated))


def _quarter(count: int) -> int:
    return -(-count // 4)
