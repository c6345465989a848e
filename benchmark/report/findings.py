"""The numbers of a report: each is computed once, and every form of a report renders the same ones.

`Findings` speaks of all settings, `SettingFindings` of one, `MetricFindings` of one metric in all
settings. Nothing is computed before somebody asks for it, and nothing twice. The sentences on a
setting are in `claims`; here are numbers alone.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Generic, TypeVar

import polars as pl

from benchmark.analysis.compare import Comparison, against, pairwise
from benchmark.analysis.cost import costs
from benchmark.analysis.curves import bands
from benchmark.analysis.finals import (
    Kind,
    best_variants,
    leaderboard,
    only,
    passed_over,
    scores,
    winners,
)
from benchmark.analysis.frame import Frames
from benchmark.analysis.profiles import profile, profile_scores
from benchmark.analysis.ranks import Ranking, rank, seed_blocks, setting_blocks
from benchmark.analysis.sensitivity import basins, by_learning_rate, expected_best
from benchmark.analysis.targets import reaching, suggested_target, target_table, time_to_target
from benchmark.metrics import CHOOSING, EPOCH, AxisName, on_test, validation_of
from benchmark.spec import UsageError

METRIC = CHOOSING[0]  # what is compared is what chose the hyperparameters
WITHIN = 0.1  # of the best loss or accuracy: what counts as about as good


_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class Each(dict[_Key, _Value], Generic[_Key, _Value]):
    """Values that are made when they are first asked for, and kept.

    >>> squares = Each(lambda number: number**2)
    >>> squares[3], dict(squares)
    (9, {3: 9})
    """

    def __init__(self, make: Callable[[_Key], _Value]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, key: _Key) -> _Value:
        """Make the value of `key` and keep it."""
        self[key] = value = self._make(key)
        return value


@dataclass(frozen=True, kw_only=True)
class Versus:
    """Who is compared with whom in one setting.

    Args:
        reference: The variant that all others are compared with, None where nobody is.
        family: The comparisons.
        missing: The optimizer that was named to compare with, if it has no result in this setting.
    """

    reference: str | None = None
    family: tuple[Comparison, ...] = ()
    missing: str = ""


@dataclass(frozen=True, kw_only=True)
class Spread:
    """How sure a mean is: the number of seeds, and the 95 % interval if there is one."""

    seeds: int
    low: float | None
    high: float | None


@dataclass(frozen=True, kw_only=True)
class PassedOver:
    """A variant with a better mean than the best, of which seeds diverged.

    Args:
        label: With the hyperparameters it names.
        mean: Over the `seeds` that are done.
        seeds: How many those are.
        diverged: How many others diverged.
    """

    label: str
    mean: float
    seeds: int
    diverged: int


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What one setting says of who is best.

    Args:
        title: The setting, in words.
        metric: What decides.
        names: The best; several if they are equal, none if nobody is best.
        value: Their mean.
        spreads: Those of their means that differ.
        test_metric: The metric that is reported on test data.
        test_values: Its mean for each of the best that has one.
        passed: Who would be best if no seed had diverged.
        is_any_done: Whether there is a result at all.
    """

    title: str
    metric: str
    names: tuple[str, ...] = ()
    value: float | None = None
    spreads: tuple[Spread, ...] = ()
    test_metric: str = ""
    test_values: tuple[float, ...] = ()
    passed: tuple[PassedOver, ...] = ()
    is_any_done: bool = False


@dataclass(frozen=True, kw_only=True)
class Origin:
    """A fact about where trials come from, with the number of trials that say so.

    Args:
        name: Such as ``torch``.
        value: Such as its version.
        dataset: Empty unless the fact is about a data set: then its name.
        trials: How many.
    """

    name: str
    value: str
    dataset: str
    trials: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Findings:
    """All that a report says in numbers.

    Args:
        frames: All trials, fit to be shown.
        reference: Optimizer or label to compare with; None compares with each setting's best.
    """

    frames: Frames
    reference: str | None = None

    @cached_property
    def chosen(self) -> list[str]:
        """The variant of each optimizer in each setting that validation chose."""
        return best_variants(self.frames)

    @cached_property
    def best(self) -> Frames:
        """The part of the frames that belongs to the chosen variants."""
        return only(self.frames, self.chosen)

    @cached_property
    def winners(self) -> Mapping[str, list[str]]:
        """The best variants of each setting that has any."""
        return winners(self.frames)

    @cached_property
    def passed_over(self) -> pl.DataFrame:
        """`finals.passed_over` of all settings."""
        return passed_over(self.frames)

    @cached_property
    def labels(self) -> Mapping[str, str]:
        """The labels by variant."""
        return dict(self.frames.trials.select("variant", "label").unique().iter_rows())

    @cached_property
    def studies(self) -> list[str]:
        """The names of the studies."""
        return self.frames.trials["study"].unique(maintain_order=True).to_list()

    @cached_property
    def settings(self) -> Mapping[str, "SettingFindings"]:
        """What is known of each setting, by name, in the order of the trials."""
        names = self.frames.trials["setting"].unique(maintain_order=True)
        return {name: SettingFindings(findings=self, name=name) for name in names}

    @cached_property
    def settings_of(self) -> Mapping[str, int]:
        """The number of settings of each problem."""
        rows = self.frames.trials.select("setting", "problem").unique()
        return Counter(rows["problem"].to_list())

    @cached_property
    def metrics(self) -> Mapping[str, "MetricFindings"]:
        """What is known of each metric."""
        return Each(lambda name: MetricFindings(findings=self, name=name))

    @cached_property
    def references(self) -> Mapping[str, str]:
        """The variant of each setting that others are compared with, where there is one.

        Raises:
            UsageError: there is no such optimizer.
        """
        if self.reference is None:
            return {setting: variants[0] for setting, variants in self.winners.items()}
        return _named(self.frames, self.reference)

    @cached_property
    def costs(self) -> pl.DataFrame:
        """`cost.costs` of all variants."""
        return costs(self.frames)

    @cached_property
    def origins(self) -> tuple[Origin, ...]:
        """Every fact of the records' environments once, in order of appearance."""
        counts: Counter[tuple[str, str, str]] = Counter()
        groups = self.frames.trials.group_by("dataset", "environment", maintain_order=True)
        for dataset, text, trials in groups.len().iter_rows():
            for name, value in json.loads(text).items():
                if value not in ("", None):
                    counts[name, str(value), dataset if name == "data" else ""] += trials
        return tuple(
            Origin(name=name, value=value, dataset=dataset, trials=count)
            for (name, value, dataset), count in counts.items()
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class SettingFindings:
    """What is known of one setting.

    Args:
        findings: All of them.
        name: The setting, in words.
    """

    findings: Findings
    name: str

    @cached_property
    def frames(self) -> Frames:
        """Its part of the frames."""
        return only(self.findings.frames, self.variants)

    @cached_property
    def variants(self) -> list[str]:
        """The variants that were tried."""
        here = self.findings.frames.trials.filter(setting=self.name)
        return here["variant"].unique(maintain_order=True).to_list()

    @cached_property
    def best(self) -> Frames:
        """The part of its frames that belongs to the chosen variants."""
        return only(self.frames, self.findings.chosen)

    @cached_property
    def chosen(self) -> list[str]:
        """The chosen variants, best first."""
        here = set(self.variants)
        return [variant for variant in self.findings.chosen if variant in here]

    @cached_property
    def problem(self) -> str:
        """The model and the data set."""
        return str(self.frames.trials["problem"][0])

    @cached_property
    def title(self) -> str:
        """The problem, or the whole name where several settings are of one problem."""
        return self.problem if self.findings.settings_of[self.problem] == 1 else self.name

    @cached_property
    def winners(self) -> list[str]:
        """The best variants: several if they are equal, none if all diverged."""
        return self.findings.winners.get(self.name, [])

    @cached_property
    def versus(self) -> Versus:
        """How each optimizer's best variant does against the reference, by validation loss.

        Other hyperparameters stay out: each of them would make every comparison harder. A
        reference that was chosen by its results is compared as one of all pairs, any of which
        might have come to be looked at.

        Raises:
            UsageError: there is no such reference.
        """
        named = self.findings.reference
        reference = self.findings.references.get(self.name)
        if reference is None:
            return Versus(missing=named or "")
        taking_part = {*self.chosen, reference}
        numbers = self.scores(METRIC).filter(pl.col("variant").is_in(taking_part))
        family = pairwise(numbers, [reference]) if named is None else against(numbers, reference)
        return Versus(
            reference=reference,
            family=tuple(one for one in family if one.reference == reference),
        )

    @cached_property
    def claim(self) -> Claim:
        """Who is best."""
        deciding = (name for name in CHOOSING if name in self.frames.trials.columns)
        metric = next(deciding, METRIC)
        is_any_done = (self.frames.trials["status"] == "done").any()
        if not self.winners:
            return Claim(title=self.title, metric=metric, is_any_done=is_any_done)
        of_winners = self.board(metric).filter(pl.col("variant").is_in(self.winners))
        spreads = of_winners.select("seeds", "low", "high").unique(maintain_order=True)
        passed = self.findings.passed_over.filter(setting=self.name)
        rows = passed.select("label", "mean", "seeds", "diverged")
        test_metric = on_test(self.frames.trials.columns)
        return Claim(
            title=self.title,
            metric=metric,
            names=tuple(self.findings.labels[winner] for winner in self.winners),
            value=of_winners["mean"][0],
            spreads=tuple(Spread(**row) for row in spreads.iter_rows(named=True)),
            test_metric=test_metric or "",
            test_values=self._means(test_metric) if test_metric else (),
            passed=tuple(PassedOver(**row) for row in rows.iter_rows(named=True)),
            is_any_done=is_any_done,
        )

    def scores(self, metric: str) -> pl.DataFrame:
        """Return its part of the final scores."""
        return self.findings.metrics[metric].scores["final"].filter(setting=self.name)

    def board(self, metric: str) -> pl.DataFrame:
        """Return its part of the leaderboard of final scores."""
        return self.findings.metrics[metric].boards["final"].filter(setting=self.name)

    def _means(self, metric: str) -> tuple[float, ...]:
        """Return the mean of `metric` of each winner that has one."""
        trials = self.frames.trials
        means = [trials.filter(variant=winner)[metric].mean() for winner in self.winners]
        return tuple(mean for mean in means if isinstance(mean, float))


@dataclass(frozen=True, kw_only=True, eq=False)
class MetricFindings:
    """What is known of one metric, in all settings.

    Args:
        findings: All of them.
        name: As records call it.
    """

    findings: Findings
    name: str

    @cached_property
    def scores(self) -> Mapping[Kind, pl.DataFrame]:
        """`finals.scores`; the best of a test metric is read where validation was best."""
        frames, by = self.findings.frames, validation_of(self.name)
        by = by if by in frames.metrics else ""
        return Each(lambda kind: scores(frames, self.name, kind=kind, by=by))

    @cached_property
    def of_chosen(self) -> Mapping[Kind, pl.DataFrame]:
        """The scores of the chosen variants."""
        is_chosen = pl.col("variant").is_in(self.findings.chosen)
        return Each(lambda kind: self.scores[kind].filter(is_chosen))

    @cached_property
    def boards(self) -> Mapping[Kind, pl.DataFrame]:
        """`finals.leaderboard` of all variants."""
        return Each(lambda kind: leaderboard(self.scores[kind]))

    @cached_property
    def families(self) -> Mapping[Kind, Mapping[str, list[Comparison]]]:
        """The comparisons of each setting: of all pairs, or with the reference if one is named."""
        return Each(self._families)

    def _families(self, kind: Kind) -> Mapping[str, list[Comparison]]:
        numbers, reference = self.of_chosen[kind], self.findings.reference
        found: dict[str, list[Comparison]] = {}
        if numbers.is_empty():
            return found
        for one in against(numbers, reference) if reference else pairwise(numbers):
            found.setdefault(one.setting, []).append(one)
        return found

    @cached_property
    def targets(self) -> Mapping[str, float | None]:
        """The target suggested for each setting, None if there is none."""
        numbers = self.of_chosen["final"]
        return {
            name: suggested_target(numbers.filter(setting=name)) for name in self.findings.settings
        }

    @cached_property
    def times(self) -> Mapping[AxisName, pl.DataFrame]:
        """`targets.time_to_target` of the chosen variants in all settings that have a target."""
        return Each(self._times)

    def _times(self, axis: AxisName) -> pl.DataFrame:
        nobody = only(self.findings.frames, [])
        parts = [time_to_target(nobody, self.name, 0.0, axis)]  # its columns
        for name, setting in self.findings.settings.items():
            target = self.targets[name]
            if target is not None:
                parts.append(time_to_target(setting.best, self.name, target, axis))
        return pl.concat(parts)

    @cached_property
    def target_tables(self) -> Mapping[AxisName, pl.DataFrame]:
        """`targets.target_table` of these times."""
        return Each(lambda axis: target_table(self.times[axis]))

    @cached_property
    def reaching(self) -> Mapping[AxisName, pl.DataFrame]:
        """`targets.reaching` of these times."""
        return Each(lambda axis: reaching(self.times[axis]))

    @cached_property
    def profiles(self) -> Mapping[AxisName, pl.DataFrame]:
        """`profiles.profile` over the settings that have a target."""
        return Each(lambda axis: profile(self.target_tables[axis]))

    @cached_property
    def profile_scores(self) -> Mapping[AxisName, pl.DataFrame]:
        """`profiles.profile_scores` over the same settings."""
        return Each(lambda axis: profile_scores(self.target_tables[axis]))

    @cached_property
    def ranking(self) -> Ranking | None:
        """How the chosen variants rank over settings."""
        return rank(setting_blocks(self.of_chosen["final"]))

    @cached_property
    def seed_rankings(self) -> Mapping[str, Ranking | None]:
        """How they rank over the seeds of each setting."""
        numbers = self.of_chosen["final"]
        return {
            name: rank(seed_blocks(numbers.filter(setting=name))) for name in self.findings.settings
        }

    @cached_property
    def chooser(self) -> "MetricFindings":
        """The validation metric that chooses where this one is shown; itself, if it chooses."""
        name = validation_of(self.name)
        return self if name == self.name else self.findings.metrics[name]

    @cached_property
    def responses(self) -> pl.DataFrame:
        """`sensitivity.by_learning_rate`."""
        return by_learning_rate(*self._deciding_and_reported)

    @cached_property
    def basins(self) -> pl.DataFrame:
        """`sensitivity.basins`."""
        reported = None if self.chooser is self else self.responses
        return basins(self.chooser.responses, reported, within=WITHIN)

    @cached_property
    def search(self) -> pl.DataFrame:
        """`sensitivity.expected_best`."""
        return expected_best(*self._deciding_and_reported)

    @property
    def _deciding_and_reported(self) -> tuple[pl.DataFrame, pl.DataFrame | None]:
        own = self.scores["final"]
        return (own, None) if self.chooser is self else (self.chooser.scores["final"], own)

    @cached_property
    def curves(self) -> pl.DataFrame:
        """`curves.bands` of the chosen variants over epochs."""
        return bands(self.findings.best, self.name, EPOCH)


def _named(frames: Frames, reference: str) -> dict[str, str]:
    """Return the variant of each setting that `reference` means, an optimizer or a label.

    That is its best, even if seeds of it diverged: those are pairs that it loses. The first is
    taken where several are equal.
    """
    named = frames.trials.filter(pl.any_horizontal(pl.col("optimizer", "label") == reference))
    if named.is_empty():
        known = ", ".join(frames.trials["label"].unique(maintain_order=True))
        raise UsageError(f"no trials of reference {reference!r}. Known: {known}")
    best = best_variants(only(frames, named["variant"].unique().to_list()))
    settings = named.filter(pl.col("variant").is_in(best)).select("setting", "variant")
    return dict(settings.unique("setting", keep="first", maintain_order=True).iter_rows())
