"""Studies as a Markdown document with pictures, for a repository, a pull request or a wiki."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

from benchmark.analysis.finals import best_variants, only
from benchmark.analysis.frame import Frames
from benchmark.analysis.summary import in_order
from benchmark.atomic import replacing
from benchmark.metrics import RUNNING
from benchmark.report import markdown
from benchmark.report.figures.write import Drawing, draw_all, save_picture, slug
from benchmark.report.markdown_text import as_text, fenced
from benchmark.report.outside import read
from benchmark.report.page.reproduce import commands
from benchmark.report.verdicts import METRIC, Versus, versus
from benchmark.store import Store

_SHOWN = (slug(RUNNING), slug(METRIC), "learning-rate")  # of each setting
_OVERALL = ("overview", "ranks")


def write_document(stores: Sequence[Store], target: Path, reference: str | None) -> list[Path]:
    """Write the document to `target` and its pictures to a folder beside it; return all of them.

    Args:
        stores: The studies.
        target: The Markdown file; the folder has its name without the ending.
        reference: Optimizer or label to compare with; None compares with each setting's best.

    Raises:
        UsageError: there is no such optimizer, or two studies have one name.
        OSError: the folder cannot be written.
    """
    frames = read(stores)
    folder = target.with_suffix("")
    drawings = [each for each in draw_all(frames) if each.name.endswith((*_SHOWN, *_OVERALL))]
    again = [
        line
        for store in stores
        for line in commands(store.study, [each.trial for each in in_order(store.records())])
    ]
    text = _document(frames, drawings, quote(folder.name), reference, again)
    folder.mkdir(exist_ok=True)
    with ExitStack() as written:  # all of it, or nothing
        pictures = [save_picture(drawing, "svg", folder, written) for drawing in drawings]
        written.enter_context(replacing(target)).write_text(text, encoding="utf-8")
    return [target, *pictures]


def _document(
    frames: Frames,
    drawings: Sequence[Drawing],
    folder: str,
    reference: str | None,
    again: Sequence[str],
) -> str:
    parts = [
        f"# Optimizers: {', '.join(map(as_text, _studies(frames)))}",
        markdown.how_to_read(frames, reference),
        _pictures([each for each in drawings if each.name == "overview"], folder),
    ]
    for name, compared in versus(frames, reference).items():
        here = only(frames, frames.trials.filter(setting=name)["variant"].unique().to_list())
        own = [drawing for drawing in drawings if drawing.setting == name]
        parts += _setting(here, compared, own, folder)
    parts += _section(2, "Performance profiles", markdown.profiles(frames))
    ranks = [drawing for drawing in drawings if drawing.name == "ranks"]
    parts += _section(2, "Average ranks", markdown.ranking(frames), _pictures(ranks, folder))
    parts += _section(2, "Cost", markdown.cost(frames))
    parts += _section(2, "Diverged, failed and skipped trials", markdown.failures(frames))
    parts += _section(2, "What was run", fenced(again), markdown.provenance(frames))
    return "\n\n".join(part for part in parts if part) + "\n"


def _studies(frames: Frames) -> list[str]:
    return frames.trials["study"].unique(maintain_order=True).to_list()


def _setting(
    frames: Frames, compared: Versus, drawings: Sequence[Drawing], folder: str
) -> list[str]:
    shown = dict.fromkeys(
        [*best_variants(frames), *[compared.reference] * bool(compared.reference)]
    )
    board = markdown.board(only(frames, [name for name in shown if name]), compared)
    title = as_text(frames.trials["setting"][0])
    parts = _section(2, title, markdown.headline(frames, compared), board)
    parts.append(_pictures(drawings, folder))
    parts += _section(3, "Time to target", markdown.targets(frames))
    search = markdown.search(frames)
    grid = _folded("All that was tried", markdown.board(frames) if search else "")
    parts += _section(3, "Learning rate", markdown.sensitivity(frames), search, grid)
    return parts


def _section(level: int, title: str, *texts: str) -> list[str]:
    """Return a heading and what is under it; nothing if that is empty."""
    found = [text for text in texts if text]
    return [f"{'#' * level} {title}", *found] if found else []


def _pictures(drawings: Sequence[Drawing], folder: str) -> str:
    return "\n".join(_picture(drawing, folder) for drawing in drawings)


def _picture(drawing: Drawing, folder: str) -> str:
    words = drawing.caption.partition("\n")[0].partition(". ")[0]
    return f"![{as_text(words)}]({folder}/{drawing.name}.svg)"


def _folded(title: str, text: str) -> str:
    return f"<details><summary>{title}</summary>\n\n{text}\n\n</details>" if text else ""
