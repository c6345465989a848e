"""The payload: all data of a page, as the types that its scripts read."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmark.analysis.frame import Frames
from benchmark.analysis.searches import Search
from benchmark.axes import AXES, EPOCH, AxisName
from benchmark.metrics import Unit, has_direction, higher_is_better, metric_words, validation_of
from benchmark.problems import problem_and_metric, unit_on
from benchmark.report.findings import Findings, busy_sentence
from benchmark.report.page.accounts import Fact, cost_tables, provenance, troubles
from benchmark.report.page.cast import Cast, LegendEntry, Setting
from benchmark.report.page.curves import Curves, Resolution, curves, resolution
from benchmark.report.page.glossary import glossary
from benchmark.report.page.headline import Headline, headlines
from benchmark.report.page.races import Profiles, Race, races
from benchmark.report.page.ranking import Ranks, ranks
from benchmark.report.page.searches import SettingSearches, setting_searches
from benchmark.report.page.standings import KINDS, Standing, standings
from benchmark.report.page.tables import Costs, Troubles
from benchmark.report.page.tuning import Tuning, tuning
from benchmark.report.page.verdicts import StudyVerdicts, no_verdict_words, study_verdicts


@dataclass(frozen=True, kw_only=True)
class Metric:
    """The tables of one metric; lists have one entry per setting.

    Args:
        name: The metric's name in records, such as ``val/loss``.
        words: The metric in words.
        units: The format of its values by setting: the unit of a loss is its task's.
        logarithmic: Charts have a logarithmic scale unless the reader selects another.
        higher_is_better: Higher values are better; None if neither are by themselves.
        chosen_by: Words for the metric that chooses variants when this one is shown; empty if this
            one does.
        standings: Leaderboards and comparisons, by kind of score.
        races: Times to the target.
        profiles: Performance profiles over settings.
        tuning: Results by learning rate.
        ranks: Average ranks.
    """

    name: str
    words: str
    units: Sequence[Unit]
    logarithmic: bool
    higher_is_better: bool | None
    chosen_by: str
    standings: Mapping[str, list[Standing]]
    races: list[Race]
    profiles: Profiles
    tuning: list[Tuning]
    ranks: Ranks


@dataclass(frozen=True, kw_only=True)
class Axis:
    """An axis that curves are drawn over.

    Args:
        name: The axis's name in records.
        words: The axis in words.
        by_step: The value on this axis follows from the step.
    """

    name: AxisName
    words: str
    by_step: bool


@dataclass(frozen=True, kw_only=True)
class Payload:
    """All data of a page except the curves, which `curve_parts` yields one by one.

    Args:
        studies: Names of the studies.
        trials: Number of evaluation trials.
        tuning_trials: Number of trials that chose hyperparameters.
        unfinished: Sentences on the studies of which trials have no result yet.
        busy: A warning about seconds measured on a busy machine; empty if none were.
        reference: The optimizer that all others are compared with; None compares all pairs.
        optimizers: The optimizers with their looks.
        settings: The settings with their variants.
        verdicts: The verdicts of the studies that were tuned.
        no_verdict: Why nothing on the page is a verdict, in a sentence; otherwise empty.
        headlines: One headline per setting; None where there are verdicts.
        searches: Points that the tuning tried, one entry per setting.
        axes: The axes that curves can be drawn over.
        axis: The axis that is selected first.
        metrics: The metrics with their tables.
        metric: Index of the one that is selected first: that of the first target given, if any.
        inside: Names of the diagnostics; their curves come after those of the metrics.
        costs: One table per setting.
        troubles: Trials that are not done.
        provenance: Facts about the origin of the records.
        commands: Commands that run the trials again.
        resolution: Numbers of points of the curves.
        glossary: Definitions by term.
    """

    studies: Sequence[str]
    trials: int
    tuning_trials: int
    unfinished: Sequence[str]
    busy: str
    reference: str | None
    optimizers: Sequence[LegendEntry]
    settings: Sequence[Setting]
    verdicts: Sequence[StudyVerdicts]
    no_verdict: str
    headlines: Sequence[Headline | None]
    searches: Sequence[SettingSearches]
    axes: Sequence[Axis]
    axis: AxisName
    metrics: Sequence[Metric]
    metric: int
    inside: Sequence[str]
    costs: Sequence[Costs]
    troubles: Troubles
    provenance: Sequence[Fact]
    commands: Sequence[str]
    resolution: Resolution
    glossary: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class CurvePart:
    """The curves of one metric in one setting, both given by index."""

    metric: int
    setting: int
    curves: Curves


def payload(
    findings: Findings,
    cast: Cast,
    *,
    studies: Sequence[str],
    tuning_trials: int,
    searches: Mapping[str, Sequence[Search]],
    commands: Sequence[str],
) -> Payload:
    """Return all data of the page except the curves.

    Args:
        findings: The numbers of the report.
        cast: The settings, variants and optimizers of the page.
        studies: Names of the studies.
        tuning_trials: Number of trials that chose hyperparameters.
        searches: Points that the tuning tried, by study.
        commands: Commands that run the trials again.
    """
    frames = findings.frames
    _, first = problem_and_metric(next(iter(findings.targets), ""))
    return Payload(
        studies=studies,
        trials=frames.trials.height,
        tuning_trials=tuning_trials,
        unfinished=findings.unfinished,
        busy=busy_sentence(findings),
        reference=findings.reference,
        optimizers=cast.optimizers,
        settings=cast.settings,
        verdicts=study_verdicts(findings, cast),
        no_verdict=no_verdict_words(findings),
        headlines=headlines(findings),
        searches=setting_searches(cast, searches),
        axes=[
            Axis(name=axis.name, words=axis.words, by_step=axis.by_step) for axis in AXES.values()
        ],
        axis=EPOCH,
        metrics=[_metric(findings, cast, name) for name in cast.metrics],
        metric=next((i for i, name in enumerate(cast.metrics) if name == first), 0),
        inside=cast.inside,
        costs=cost_tables(findings, cast),
        troubles=troubles(frames, cast),
        provenance=provenance(findings),
        commands=commands,
        resolution=resolution(frames, cast),
        glossary=glossary(findings.frames.metrics),
    )


def curve_parts(frames: Frames, cast: Cast, detail: Resolution) -> Iterator[CurvePart]:
    """Yield the curves by metric and setting; the page decodes each part when it is shown."""
    for place, metric in enumerate([*cast.metrics, *cast.inside]):
        for setting, found in curves(frames, cast, metric, detail):
            yield CurvePart(metric=place, setting=setting, curves=found)


def _metric(findings: Findings, cast: Cast, name: str) -> Metric:
    found_races, profiles = races(findings, cast, name)
    chooser, is_directed = validation_of(name), has_direction(name)
    return Metric(
        name=name,
        words=metric_words(name),
        units=[unit_on(name, [each.problem]) for each in cast.settings],
        logarithmic=findings.metrics[name].is_logarithmic,
        higher_is_better=higher_is_better(name) if is_directed else None,
        chosen_by="" if chooser == name or not is_directed else metric_words(chooser),
        standings={kind: standings(findings, cast, name, kind) for kind in KINDS},
        races=found_races,
        profiles=profiles,
        tuning=tuning(findings, cast, name),
        ranks=ranks(findings, name),
    )
