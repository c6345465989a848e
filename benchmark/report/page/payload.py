"""Frames to payload: all that a page shows, in the order in which its scripts read it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmark.analysis.frame import Frames
from benchmark.metrics import (
    AXES,
    EPOCH,
    AxisName,
    Unit,
    higher_is_better,
    metric_of,
    metric_words,
    validation_of,
)
from benchmark.report.findings import Findings
from benchmark.report.page.accounts import Fact, cost_tables, provenance, troubles
from benchmark.report.page.cast import Cast, Optimizer, Setting
from benchmark.report.page.curves import Curves, Resolution, curves, resolution
from benchmark.report.page.glossary import GLOSSARY
from benchmark.report.page.headline import Headline, headlines
from benchmark.report.page.packing import Columns
from benchmark.report.page.races import Profiles, Race, races
from benchmark.report.page.ranking import Ranks, ranks
from benchmark.report.page.standings import KINDS, Standing, standings
from benchmark.report.page.tuning import Tuning, tuning


@dataclass(frozen=True, kw_only=True)
class Metric:
    """All tables of one metric; lists have one entry per setting.

    Args:
        name: As in the records.
        words: As people say it.
        unit: How its values are written.
        logarithmic: The scale of charts of it, unless the reader chooses another.
        higher_is_better: Which way is better.
        chosen_by: Words of the metric that chooses where this one is shown, empty if it is itself.
        standings: By kind of score.
        races: To the target.
        profiles: Over settings.
        tuning: Learning rates.
        ranks: Average ranks.
    """

    name: str
    words: str
    unit: Unit
    logarithmic: bool
    higher_is_better: bool
    chosen_by: str
    standings: Mapping[str, list[Standing]]
    races: list[Race]
    profiles: Profiles
    tuning: list[Tuning]
    ranks: Ranks


@dataclass(frozen=True, kw_only=True)
class Axis:
    """What curves are drawn over.

    Args:
        name: As in the records.
        words: As people say it.
        by_step: A place on it follows from the step.
    """

    name: AxisName
    words: str
    by_step: bool


@dataclass(frozen=True, kw_only=True)
class Payload:
    """Everything but the curves; those follow one by one, see `curve_parts`.

    Args:
        studies: Their names.
        trials: How many there are.
        reference: What all are compared with; None means everyone with everyone.
        optimizers: With their looks.
        settings: What can be compared.
        headlines: One per setting.
        axes: What curves are drawn over.
        axis: The one that they are drawn over first.
        metrics: With their tables.
        inside: What was recorded inside optimizers; its curves follow those of the metrics.
        costs: One table per setting.
        troubles: Trials that are not done.
        provenance: Facts.
        commands: That make the trials again.
        resolution: Of the curves.
        glossary: Definitions by term.
    """

    studies: Sequence[str]
    trials: int
    reference: str | None
    optimizers: Sequence[Optimizer]
    settings: Sequence[Setting]
    headlines: Sequence[Headline]
    axes: Sequence[Axis]
    axis: AxisName
    metrics: Sequence[Metric]
    inside: Sequence[str]
    costs: Sequence[Columns]
    troubles: Columns
    provenance: Sequence[Fact]
    commands: Sequence[str]
    resolution: Resolution
    glossary: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class CurvePart:
    """The curves of one metric in one setting, both given by place."""

    metric: int
    setting: int
    curves: Curves


def payload(
    findings: Findings, cast: Cast, *, studies: Sequence[str], commands: Sequence[str]
) -> Payload:
    """Return all tables of the page."""
    frames = findings.frames
    return Payload(
        studies=studies,
        trials=frames.trials.height,
        reference=findings.reference,
        optimizers=cast.optimizers,
        settings=cast.settings,
        headlines=headlines(findings),
        axes=[
            Axis(name=axis.name, words=axis.words, by_step=axis.by_step) for axis in AXES.values()
        ],
        axis=EPOCH,
        metrics=[_metric(findings, cast, name) for name in cast.metrics],
        inside=cast.inside,
        costs=cost_tables(findings, cast),
        troubles=troubles(frames, cast),
        provenance=provenance(findings),
        commands=commands,
        resolution=resolution(frames, cast),
        glossary=GLOSSARY,
    )


def curve_parts(frames: Frames, cast: Cast, detail: Resolution) -> Iterator[CurvePart]:
    """Give the curves, which a page reads only when they are looked at."""
    for place, metric in enumerate([*cast.metrics, *cast.inside]):
        for setting, found in curves(frames, cast, metric, detail):
            yield CurvePart(metric=place, setting=setting, curves=found)


def _metric(findings: Findings, cast: Cast, name: str) -> Metric:
    found_races, profiles = races(findings, cast, name)
    chooser = validation_of(name)
    return Metric(
        name=name,
        words=metric_words(name),
        unit=metric_of(name).unit,
        logarithmic=metric_of(name).logarithmic,
        higher_is_better=higher_is_better(name),
        chosen_by="" if chooser == name else metric_words(chooser),
        standings={kind: standings(findings, cast, name, kind) for kind in KINDS},
        races=found_races,
        profiles=profiles,
        tuning=tuning(findings, cast, name),
        ranks=ranks(findings, name),
    )
