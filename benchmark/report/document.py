"""Studies as a Markdown document with pictures, for a repository, a pull request or a wiki."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

from benchmark.analysis.judging import Judgement
from benchmark.analysis.searches import Search
from benchmark.atomic import replacing
from benchmark.metrics import RUNNING
from benchmark.plain_text import REASON_LENGTH, plain
from benchmark.report import markdown, markdown_searches, markdown_verdicts
from benchmark.report.budgets import budget_table
from benchmark.report.declared import only_one
from benchmark.report.figures.write import Drawing, draw_all, save_picture, slug
from benchmark.report.findings import METRIC, Findings, SettingFindings
from benchmark.report.markdown_text import as_text, fenced
from benchmark.report.pairs import pair_table
from benchmark.report.studies import read_studies
from benchmark.store import Store

_SHOWN = (slug(RUNNING), slug(METRIC), "learning-rate")  # figures of each setting
_OVERALL = ("overview", "ranks")


def write_document(
    stores: Sequence[Store],
    target: Path,
    reference: str | None,
    targets: Mapping[str, float] | None = None,
) -> list[Path]:
    """Write the document to `target` and its pictures to a folder beside it; return all paths.

    Args:
        stores: The studies.
        target: The Markdown file; the folder has the same name without the suffix.
        reference: Optimizer or label to compare with; None for the declared one, otherwise each
            setting's best.
        targets: Targets by metric, in place of those of the problems.

    Raises:
        UsageError: the reference is unknown, two studies have the same name, or none has a record.
        OSError: the folder cannot be written.
    """
    studies = read_studies(stores)
    studies.check_any()
    judged = studies.judgements
    findings = studies.findings(reference, targets)
    folder = target.with_suffix("")
    drawings = [
        each
        for each in draw_all(findings, only_one(judged))
        if each.name.endswith((*_SHOWN, *_OVERALL))
    ]
    searches = [search for own in studies.searches().values() for search in own]
    commands = studies.commands()
    text = _document(findings, judged, drawings, quote(folder.name), commands, searches)
    folder.mkdir(exist_ok=True)
    with ExitStack() as written:  # all files are replaced together, or none
        pictures = [save_picture(drawing, "svg", folder, written) for drawing in drawings]
        written.enter_context(replacing(target)).write_text(text, encoding="utf-8")
    return [target, *pictures]


def _document(
    findings: Findings,
    judged: Mapping[str, Judgement],
    drawings: Sequence[Drawing],
    folder: str,
    again: Sequence[str],
    searches: Sequence[Search],
) -> str:
    overview = _pictures([each for each in drawings if each.name == "overview"], folder)
    parts = [f"# Optimizers: {', '.join(map(as_text, findings.studies))}"]
    for study, judgement in judged.items():
        parts += [f"## {as_text(study)}"] * (len(judged) > 1)
        parts.append(markdown_verdicts.opening(judgement))
    if not judged:
        parts.append(markdown.how_to_read(findings))
    parts.append(overview)
    for judgement in judged.values():
        parts += _verdicts(judgement)
    if judged:
        rest = markdown.how_to_read(findings, has_verdicts=True)
        parts += _section(2, "How to read the rest", rest)
    for name, setting in findings.settings.items():
        own = [drawing for drawing in drawings if drawing.setting == name]
        here = [search for search in searches if plain(search.setting, REASON_LENGTH) == name]
        parts += _setting(setting, own, folder, markdown_searches.tried(here, setting.problem))
    parts += _section(2, "Performance profiles", markdown.profiles(findings))
    ranks = [drawing for drawing in drawings if drawing.name == "ranks"]
    parts += _section(2, "Average ranks", markdown.ranking(findings), _pictures(ranks, folder))
    parts += _section(2, "Cost", markdown.cost(findings))
    parts += _section(2, "Diverged, failed and skipped trials", markdown.failures(findings))
    parts += _section(2, "What was run", fenced(again), markdown.provenance(findings))
    return "\n\n".join(part for part in parts if part) + "\n"


def _verdicts(judgement: Judgement) -> list[str]:
    parts = _section(2, "Verdicts", markdown_verdicts.verdicts(judgement))
    parts += _section(3, "In words", markdown_verdicts.in_words(judgement))
    parts += _section(3, "Optimization and generalization", markdown_verdicts.aspects(judgement))
    parts += _section(3, "All pairs", pair_table(judgement))
    parts += _section(3, "Performance against budget", budget_table(judgement))
    return parts + _section(3, "Costs", markdown_verdicts.costs(judgement))


def _setting(
    setting: SettingFindings, drawings: Sequence[Drawing], folder: str, tried: str
) -> list[str]:
    """Return the section of a setting.

    Args:
        setting: The numbers.
        drawings: Its figures.
        folder: Their folder.
        tried: The points that its tuning tried; empty if there was none.
    """
    compared = setting.versus
    board = markdown.board(setting, [*setting.chosen, compared.reference], compared)
    data = f"Data: {as_text(setting.data)}." if setting.data else ""
    parts = _section(2, as_text(setting.name), data, markdown.headline(setting), board)
    parts.append(_pictures(drawings, folder))
    parts += _section(3, "Time to target", markdown.targets(setting))
    search = markdown.search(setting)
    grid = _folded(
        "All that was tried", markdown.board(setting, setting.variants) if search else ""
    )
    parts += _section(3, "Learning rate", tried or markdown.sensitivity(setting), search, grid)
    return parts


def _section(level: int, title: str, *texts: str) -> list[str]:
    """Return a heading and the texts under it; an empty list if all texts are empty."""
    found = [text for text in texts if text]
    return [f"{'#' * level} {title}", *found] if found else []


def _pictures(drawings: Sequence[Drawing], folder: str) -> str:
    return "\n".join(_picture(drawing, folder) for drawing in drawings)


def _picture(drawing: Drawing, folder: str) -> str:
    words = drawing.caption.partition("\n")[0].partition(". ")[0]
    return f"![{as_text(words)}]({folder}/{drawing.name}.svg)"


def _folded(title: str, text: str) -> str:
    return f"<details><summary>{title}</summary>\n\n{text}\n\n</details>" if text else ""
