"""Figure files: all figures of one or more studies, with their captions."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Literal

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmark.analysis.frame import Frames
from benchmark.analysis.judging import Judgement
from benchmark.atomic import replacing
from benchmark.metrics import RUNNING, metric_words, tabled
from benchmark.report.declared import only_one
from benchmark.report.figures.caption import caption
from benchmark.report.figures.curves import draw_curves
from benchmark.report.figures.look import RC
from benchmark.report.figures.overview import draw_overview
from benchmark.report.figures.races import draw_profile, draw_reaching
from benchmark.report.figures.ranks import draw_ranks
from benchmark.report.figures.rates import draw_rates
from benchmark.report.findings import METRIC, Findings, SettingFindings
from benchmark.report.studies import read_studies
from benchmark.store import Store

Kind = Literal["pdf", "svg", "png"]
KINDS: tuple[Kind, ...] = ("pdf", "svg", "png")
_DOTS_PER_INCH = 300
_UNDATED = {"pdf": {"CreationDate": None}, "svg": {"Date": None}, "png": None}  # equal bytes


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """A figure with its file name and caption.

    Args:
        name: File name without a suffix.
        figure: The picture.
        caption: The caption as text.
        setting: The setting that is shown; empty if all are.
    """

    name: str
    figure: Figure
    caption: str
    setting: str = ""


def write_figures(
    stores: Sequence[Store],
    kind: Kind,
    folder: Path,
    targets: Mapping[str, float] | None = None,
) -> list[Path]:
    """Write every figure that the records allow, with captions, to `folder`; return all paths.

    `targets` are targets by metric, in place of those of the problems.

    Raises:
        UsageError: no study has a record.
        OSError: the disk is full or the folder cannot be written; no file has changed.
    """
    studies = read_studies(stores)
    studies.check_any()
    findings = studies.findings(targets=targets)
    drawings = draw_all(findings, only_one(studies.judgements))
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as written:
        return [path for each in drawings for path in save(each, kind, folder, written)]


def save(drawing: Drawing, kind: Kind, folder: Path, written: ExitStack) -> tuple[Path, Path]:
    """Write one figure and its caption, which appear when `written` closes; return their paths."""
    picture = save_picture(drawing, kind, folder, written)
    caption_file = folder / f"{drawing.name}.txt"
    written.enter_context(replacing(caption_file)).write_text(drawing.caption, encoding="utf-8")
    return picture, caption_file


def save_picture(drawing: Drawing, kind: Kind, folder: Path, written: ExitStack) -> Path:
    """Write one figure, which appears when `written` closes; return its path.

    The same numbers give the same bytes.
    """
    picture = folder / f"{drawing.name}.{kind}"
    drawn = BytesIO()  # matplotlib leaves a file open if it cannot write to it
    with mpl.rc_context(RC):
        drawing.figure.savefig(drawn, format=kind, dpi=_DOTS_PER_INCH, metadata=_UNDATED[kind])
    written.enter_context(replacing(picture)).write_bytes(drawn.getvalue())
    return picture


def draw_all(findings: Findings, judgement: Judgement | None = None) -> list[Drawing]:
    """Return every figure that the records allow, with each optimizer's best variant.

    Args:
        findings: The numbers.
        judgement: The verdicts of the study, if it is one that was tuned.
    """
    with mpl.rc_context(RC):
        return list(_draw_all(findings, judgement))


def _draw_all(findings: Findings, judgement: Judgement | None) -> Iterator[Drawing]:
    seen: Counter[str] = Counter()
    for setting in findings.settings.values():
        problem = re.sub(r"[^A-Za-z0-9]+", "-", setting.problem).strip("-")[:80]
        seen[problem] += 1
        name = problem if seen[problem] == 1 else f"{problem}-{seen[problem]}"
        for drawing in _of_setting(name, setting):
            yield replace(drawing, setting=setting.name)
    best, every = findings.best, findings.frames
    yield from _named("overview", draw_overview(findings, judgement), best, every)
    yield from _named("profiles", draw_profile(findings, METRIC), best, every)
    yield from _named("ranks", draw_ranks(findings, METRIC), best, every)


def _of_setting(name: str, setting: SettingFindings) -> Iterator[Drawing]:
    best, every = setting.best, setting.frames
    for metric in (RUNNING, *tabled(("train", "val"))):
        yield from _named(f"{name}-{slug(metric)}", draw_curves(setting, metric), best, every)
    yield from _named(f"{name}-learning-rate", draw_rates(setting, METRIC), every, every)
    yield from _named(f"{name}-target", draw_reaching(setting, METRIC), best, every)


def slug(metric: str) -> str:
    """Return the ending of the names of a metric's figures.

    >>> slug("val/loss")
    'validation-loss'
    """
    return metric_words(metric).replace(" ", "-")


def _named(
    name: str, drawn: tuple[Figure, str] | None, shown: Frames, tried: Frames
) -> Iterator[Drawing]:
    if drawn is not None:
        figure, what = drawn
        chosen = shown.trials["variant"].n_unique() < tried.trials["variant"].n_unique()
        yield Drawing(name=name, figure=figure, caption=caption(what, shown, chosen=chosen))
