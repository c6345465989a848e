"""The numbers of a report, computed once and rendered by every form of report.

`Findings` covers all settings, `SettingFindings` one setting, and `MetricFindings` one metric in
all settings. Each number is computed on first access and cached.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Generic, TypeVar

import polars as pl

from benchmark.analysis.compare import Comparison, against, pairwise
from benchmark.analysis.cost import costs, num_busy
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
from benchmark.analysis.judging import Judgement
from benchmark.analysis.profiles import comparable, profile, profile_scores
from benchmark.analysis.ranks import Ranking, rank, seed_blocks, setting_blocks
from benchmark.analysis.sensitivity import basins, by_learning_rate, expected_best
from benchmark.analysis.targets import Target, reaching, target_of, target_table, time_to_target
from benchmark.axes import EPOCH, STEP, AxisName
from benchmark.errors import UsageError
from benchmark.metrics import CHOOSING, has_direction, metric_of, on_test, validation_of
from benchmark.obstacles import FEWEST_SEEDS
from benchmark.record import known
from benchmark.report.claims import Claim, Origin, PassedOver, Spread, Versus
from benchmark.report.given_targets import check_targets
from benchmark.report.words import busy_words
from datamodules.registry import DATASETS

METRIC = CHOOSING[0]  # variants are compared by the metric that chose their hyperparameters
WITHIN = 0.1  # share of the best loss or accuracy within which a result counts as about as good


_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class Each(dict[_Key, _Value], Generic[_Key, _Value]):
    """A mapping that computes each value on first access and keeps it.

    >>> squares = Each(lambda number: number**2)
    >>> squares[3], dict(squares)
    (9, {3: 9})
    """

    def __init__(self, make: Callable[[_Key], _Value]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, key: _Key) -> _Value:
        """Compute the value of `key` and keep it."""
        self[key] = value = self._make(key)
        return value


@dataclass(frozen=True, kw_only=True, eq=False)
class Findings:
    """The numbers of a report over all settings.

    Args:
        frames: All trials and their curves, with texts that are safe to show (`outside.shown`).
        reference: Optimizer or label to compare with; None compares with each setting's best.
        targets: Targets by metric, or by ``problem:metric``, in place of those of the problems.
        judgements: The verdicts of the studies that were tuned, by study (`declared`).
        unfinished: Sentences on the studies of which trials have no result yet.

    Raises:
        UsageError: no trial has the problem or the metric of a target, or one target is for
            problems whose metric has different units.
    """

    frames: Frames
    reference: str | None = None
    targets: Mapping[str, float] = field(default_factory=dict)
    judgements: Mapping[str, Judgement] = field(default_factory=dict)
    unfinished: Sequence[str] = ()

    def __post_init__(self) -> None:
        """Check the targets."""
        check_targets(self.targets, self.frames)

    @cached_property
    def chosen(self) -> list[str]:
        """The variant that validation chose for each optimizer in each setting."""
        return best_variants(self.frames)

    @cached_property
    def best(self) -> Frames:
        """The part of the frames that belongs to the chosen variants."""
        return only(self.frames, self.chosen)

    @cached_property
    def winners(self) -> Mapping[str, list[str]]:
        """The best variants by setting; settings without any are left out."""
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
        """The findings of each setting, by name, in the order of the trials."""
        names = self.frames.trials["setting"].unique(maintain_order=True)
        return {name: SettingFindings(findings=self, name=name) for name in names}

    @cached_property
    def settings_of(self) -> Mapping[str, int]:
        """The number of settings of each problem."""
        rows = self.frames.trials.select("setting", "problem").unique()
        return Counter(rows["problem"].to_list())

    @cached_property
    def metrics(self) -> Mapping[str, "MetricFindings"]:
        """The findings of each metric, by name."""
        return Each(lambda name: MetricFindings(findings=self, name=name))

    @cached_property
    def references(self) -> Mapping[str, str]:
        """The reference variant by setting; settings without one are left out.

        Raises:
            UsageError: the reference is unknown.
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
        """The distinct facts of the records' environments, in order of appearance."""
        counts: Counter[tuple[str, str, str]] = Counter()
        groups = self.frames.trials.group_by("dataset", "environment", maintain_order=True)
        for dataset, index, trials in groups.len().iter_rows():
            for name, value in known(self.frames.environments[index]).items():
                if value not in ("", None):
                    counts[name, str(value), dataset if name == "data" else ""] += trials
        return tuple(
            Origin(name=name, value=value, dataset=dataset, trials=count)
            for (name, value, dataset), count in counts.items()
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class SettingFindings:
    """The numbers of one setting.

    Args:
        findings: The findings of all settings.
        name: The setting, in words.
    """

    findings: Findings
    name: str

    @cached_property
    def frames(self) -> Frames:
        """The trials and curves of this setting."""
        return only(self.findings.frames, self.variants)

    @cached_property
    def variants(self) -> list[str]:
        """All variants of this setting."""
        here = self.findings.frames.trials.filter(setting=self.name)
        return here["variant"].unique(maintain_order=True).to_list()

    @cached_property
    def measured(self) -> list[str]:
        """The metrics that a trial of this setting ended with; other settings may have others."""
        trials = self.frames.trials
        found = [name for name in self.frames.metrics if name in trials.columns]
        return [name for name in found if trials[name].is_not_null().any()]

    @cached_property
    def best(self) -> Frames:
        """The part of `frames` that belongs to the chosen variants."""
        return only(self.frames, self.findings.chosen)

    @cached_property
    def chosen(self) -> list[str]:
        """The chosen variants, best first."""
        here = set(self.variants)
        return [variant for variant in self.findings.chosen if variant in here]

    @cached_property
    def judgement(self) -> Judgement | None:
        """The verdicts of the tuned study that this setting belongs to.

        It is None if the study was not tuned, and if the trials come from several studies, whose
        verdicts are not on all optimizers of the setting.
        """
        studies = self.frames.trials["study"].unique().to_list()
        return self.findings.judgements.get(studies[0]) if len(studies) == 1 else None

    @cached_property
    def why_no_verdict(self) -> str:
        """Why nothing said of this setting is a verdict; empty if its study was tuned."""
        return "" if self.judgement else "; ".join(self._unlike)

    @cached_property
    def _unlike(self) -> list[str]:
        """What makes the comparison of optimizers that were run as given no verdict."""
        studies = self.frames.trials["study"].unique().to_list()
        if all(study in self.findings.judgements for study in studies):
            return ["trials of several studies stand beside each other"]
        of_optimizer = self.frames.trials.group_by("optimizer", maintain_order=True)
        tried = dict(of_optimizer.agg(pl.col("variant").n_unique()).iter_rows())
        of_variant = self.best.trials.group_by("variant").agg(pl.col("seed").n_unique())
        seeds = of_variant["seed"].to_list() or [0]
        numbers = ", ".join(f"{count} of {name}" for name, count in tried.items())
        found = {
            "each optimizer has the one setting it was given, untuned": set(tried.values()) == {1},
            f"unequal numbers of settings were tried ({numbers})": len(set(tried.values())) > 1,
            "settings were chosen on the seeds that are reported": max(tried.values()) > 1,
            "a learning rate was chosen at an edge of those tried": self._is_any_at_edge,
            f"seeds are unequal ({min(seeds)} to {max(seeds)})": min(seeds) < max(seeds),
            f"fewer than {FEWEST_SEEDS} seeds": min(seeds) < FEWEST_SEEDS,
        }
        return [words for words, holds in found.items() if holds]

    @property
    def _is_any_at_edge(self) -> bool:
        basins = self.findings.metrics[METRIC].basins.filter(setting=self.name)
        return basins["edge"].is_in(["lowest", "highest"]).any()

    @cached_property
    def problem(self) -> str:
        """The model and the data set."""
        return str(self.frames.trials["problem"][0])

    @property
    def data(self) -> str:
        """A line on the data set; empty if it is not a registered one."""
        row = DATASETS.get(self.problem.partition("/")[2])
        return row.title if row else ""

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
        """Comparisons of each optimizer's best variant with the reference, by validation loss.

        Other variants are left out, because each more comparison makes the correction stricter. If
        the reference was chosen by its results rather than named, the correction counts all pairs,
        since any variant could have become the reference.

        Raises:
            UsageError: the reference is unknown.
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
        """The best optimizers of this setting, with their results."""
        deciding = (name for name in CHOOSING if name in self.measured)
        metric = next(deciding, METRIC)
        is_any_done = (self.frames.trials["status"] == "done").any()
        if not self.winners:
            return Claim(
                title=self.title, problem=self.problem, metric=metric, is_any_done=is_any_done
            )
        of_winners = self.board(metric).filter(pl.col("variant").is_in(self.winners))
        spreads = of_winners.select("seeds", "low", "high").unique(maintain_order=True)
        passed = self.findings.passed_over.filter(setting=self.name)
        rows = passed.select("label", "mean", "seeds", "diverged")
        test_metric = on_test(self.measured)
        return Claim(
            title=self.title,
            problem=self.problem,
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
        """Return this setting's final scores of `metric`."""
        return self.findings.metrics[metric].scores["final"].filter(setting=self.name)

    def board(self, metric: str) -> pl.DataFrame:
        """Return this setting's leaderboard of final scores of `metric`."""
        return self.findings.metrics[metric].boards["final"].filter(setting=self.name)

    def _means(self, metric: str) -> tuple[float, ...]:
        """Return the mean of `metric` of each winner that has one."""
        trials = self.frames.trials
        means = [trials.filter(variant=winner)[metric].mean() for winner in self.winners]
        return tuple(mean for mean in means if isinstance(mean, float))


@dataclass(frozen=True, kw_only=True, eq=False)
class MetricFindings:
    """The numbers of one metric in all settings.

    Args:
        findings: The findings of all settings.
        name: The metric's name in records, such as ``val/loss``.
    """

    findings: Findings
    name: str

    @cached_property
    def scores(self) -> Mapping[Kind, pl.DataFrame]:
        """`finals.scores`; the best of a test metric is its value where validation was best."""
        frames, by = self.findings.frames, validation_of(self.name)
        by = by if by in frames.metrics else ""
        return Each(lambda kind: scores(frames, self.name, kind=kind, by=by))

    @cached_property
    def of_chosen(self) -> Mapping[Kind, pl.DataFrame]:
        """The scores of the chosen variants, by kind."""
        is_chosen = pl.col("variant").is_in(self.findings.chosen)
        return Each(lambda kind: self.scores[kind].filter(is_chosen))

    @cached_property
    def boards(self) -> Mapping[Kind, pl.DataFrame]:
        """`finals.leaderboard` of all variants."""
        return Each(lambda kind: leaderboard(self.scores[kind]))

    @cached_property
    def families(self) -> Mapping[Kind, Mapping[str, list[Comparison]]]:
        """The comparisons by setting: all pairs, or those with the reference if one is named."""
        return Each(self._families)

    def _families(self, kind: Kind) -> Mapping[str, list[Comparison]]:
        numbers, reference = self.of_chosen[kind], self.findings.reference
        found: dict[str, list[Comparison]] = {}
        if numbers.is_empty() or not has_direction(self.name):
            return found
        for one in against(numbers, reference) if reference else pairwise(numbers):
            found.setdefault(one.setting, []).append(one)
        return found

    @cached_property
    def targets(self) -> Mapping[str, Target | None]:
        """The target of each setting; None if there is none."""
        if not has_direction(self.name):
            return dict.fromkeys(self.findings.settings)
        numbers, given = self.of_chosen["final"], self.findings.targets
        return {
            name: target_of(setting.problem, self.name, numbers.filter(setting=name), given)
            for name, setting in self.findings.settings.items()
        }

    @cached_property
    def times(self) -> Mapping[AxisName, pl.DataFrame]:
        """`targets.time_to_target` of the chosen variants in all settings that have a target."""
        return Each(self._times)

    def _times(self, axis: AxisName) -> pl.DataFrame:
        nobody = only(self.findings.frames, [])
        parts = [time_to_target(nobody, METRIC, 0.0, axis)]  # empty, for its columns
        for name, setting in self.findings.settings.items():
            target = self.targets[name]
            if target is not None:
                parts.append(time_to_target(setting.best, self.name, target.value, axis))
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
        """`profiles.profile` over the settings that may be in a profile."""
        return Each(lambda axis: profile(comparable(self.target_tables[axis])))

    @cached_property
    def profile_scores(self) -> Mapping[AxisName, pl.DataFrame]:
        """`profiles.profile_scores` over the same settings."""
        return Each(lambda axis: profile_scores(comparable(self.target_tables[axis])))

    @cached_property
    def profiled(self) -> int:
        """The number of settings in the profiles; 0 if they are left out."""
        return int(comparable(self.target_tables[STEP])["setting"].n_unique())

    @cached_property
    def ranking(self) -> Ranking | None:
        """The average ranks of the chosen variants over settings."""
        if not has_direction(self.name):
            return None
        return rank(setting_blocks(self.of_chosen["final"]))

    @cached_property
    def seed_rankings(self) -> Mapping[str, Ranking | None]:
        """The average ranks of the chosen variants over the seeds of each setting."""
        if not has_direction(self.name):
            return dict.fromkeys(self.findings.settings)
        numbers = self.of_chosen["final"]
        return {
            name: rank(seed_blocks(numbers.filter(setting=name))) for name in self.findings.settings
        }

    @cached_property
    def chooser(self) -> "MetricFindings":
        """The findings of the metric that chooses variants when this one is shown, maybe itself."""
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
    def is_logarithmic(self) -> bool:
        """Whether charts have a logarithmic axis: the metric allows it, and no value is <= 0."""
        frames = self.findings.frames
        tables = [t for t in (frames.trials, frames.curves) if self.name in t.columns]
        lowest = [table[self.name].min() for table in tables]
        is_positive = all(low > 0 for low in lowest if isinstance(low, float))
        return metric_of(self.name).logarithmic and is_positive

    @cached_property
    def search(self) -> pl.DataFrame:
        """`sensitivity.expected_best`."""
        return expected_best(*self._deciding_and_reported)

    @property
    def _deciding_and_reported(self) -> tuple[pl.DataFrame, pl.DataFrame | None]:
        own = self.scores["final"]
        if not has_direction(self.name):
            return own.head(0), None  # no learning rate is better than another
        return (own, None) if self.chooser is self else (self.chooser.scores["final"], own)

    @cached_property
    def curves(self) -> pl.DataFrame:
        """`curves.bands` of the chosen variants over epochs."""
        return bands(self.findings.best, self.name, EPOCH)


def busy_sentence(findings: Findings) -> str:
    """Return the warning about trials on a busy machine; empty if there is none."""
    done = findings.frames.trials.filter(status="done").height
    return busy_words(num_busy(findings.frames), done)


def _named(frames: Frames, reference: str) -> dict[str, str]:
    """Return the variant in each setting that `reference`, an optimizer or a label, refers to.

    It is the best variant of that name, even if some of its seeds diverged: it loses those pairs.
    If several variants are equal, it is the first.
    """
    named = frames.trials.filter(pl.any_horizontal(pl.col("optimizer", "label") == reference))
    if named.is_empty():
        known = ", ".join(frames.trials["label"].unique(maintain_order=True))
        raise UsageError(f"no trials of reference {reference!r}. Known: {known}")
    best = best_variants(only(frames, named["variant"].unique().to_list()))
    settings = named.filter(pl.col("variant").is_in(best)).select("setting", "variant")
    return dict(settings.unique("setting", keep="first", maintain_order=True).iter_rows())
