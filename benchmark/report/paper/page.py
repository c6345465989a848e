"""The reproduction of a paper as one self-contained HTML page.

The page has the words of the Markdown document, rendered in the look of the other pages, with the
pictures inside.
"""

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from itertools import pairwise

import matplotlib as mpl
from markdown_it import MarkdownIt
from markdown_it.token import Token

from benchmark.report.figures.look import RC
from benchmark.report.figures.write import Drawing
from benchmark.report.page.page import asset
from benchmark.report.page.skeleton import skeleton
from benchmark.report.paper.document import draw_paper, paper_markdown
from benchmark.report.paper.found import Reproduction

_STYLES = ("page.css", "tables.css", "verdicts.css", "paper.css")
_TONES = {  # first words of a verdict, by the class that colours it; the longest come first
    "holds, but not if": "mixed",
    "holds only if": "mixed",
    "does not hold": "worse",
    "holds": "better",
    "shown": "better",
    "refuted": "worse",
    "not": "undecided",
}
_ROLES = {
    "thead_open": "rowgroup",
    "tbody_open": "rowgroup",
    "tr_open": "row",
    "th_open": "columnheader",
    "td_open": "cell",
}


def paper_page(found: Reproduction) -> str:
    """Return the page.

    Raises:
        UsageError: no claim has a result.
    """
    drawings = draw_paper(found)
    body = _rendered(
        paper_markdown(found, drawings, ""), {f"/{k}": v for k, v in _pictures(drawings)}
    )
    styles = "\n".join(map(asset, _STYLES))
    title = f"{found.plan.rules.paper}, re-examined – optimizer benchmark"
    return skeleton(title, styles, f'<main class="paper">\n{body}</main>\n')


def _pictures(drawings: Iterable[Drawing]) -> Iterable[tuple[str, str]]:
    """Yield the file name and the data URI of each figure."""
    for drawing in drawings:
        drawn = BytesIO()
        with mpl.rc_context(RC):
            drawing.figure.savefig(drawn, format="svg", metadata={"Date": None})
        yield (
            f"{drawing.name}.svg",
            "data:image/svg+xml;base64," + b64encode(drawn.getvalue()).decode(),
        )


def _rendered(text: str, pictures: Mapping[str, str]) -> str:
    """Return the HTML of a document whose pictures have the given addresses inside the page."""
    reader = MarkdownIt("commonmark", {"html": True}).enable("table")
    reader.add_render_rule("table_open", lambda *_: '<div class="scroll"><table role="table">\n')
    reader.add_render_rule("table_close", lambda *_: "</table></div>\n")
    tokens = reader.parse(text)
    _name_cells(tokens)
    for opening, inside in pairwise(tokens):
        if opening.type == "heading_open" and opening.tag == "h3":
            opening.attrSet("id", inside.content)
        if inside.children:
            _adapt(inside.children, pictures)
    return str(reader.renderer.render(tokens, reader.options, {}))


def _name_cells(tokens: Sequence[Token]) -> None:
    """Give each cell the name of its column, for screens that are too narrow for columns.

    There the parts of a table are blocks, which screen readers know as a table by their roles.
    """
    names: list[str] = []
    column = 0
    for opening, inside in pairwise(tokens):
        if opening.type in _ROLES:
            opening.attrSet("role", _ROLES[opening.type])
        if opening.type == "table_open":
            names = []
        elif opening.type == "tr_open":
            column = 0
        elif opening.type == "th_open":
            names.append(inside.content)
        elif opening.type == "td_open":
            opening.attrSet("data-column", names[column])
            column += 1


def _adapt(children: Sequence[Token], pictures: Mapping[str, str]) -> None:
    """Put pictures into the page, and colour what is bold by its verdict."""
    for child, following in pairwise([*children, Token("text", "", 0)]):
        if child.tag == "img":
            child.attrSet("src", pictures[str(child.attrGet("src"))])
        if child.type == "strong_open":
            words = following.content.lower()
            for start, tone in _TONES.items():
                if words.startswith(start):
                    child.attrSet("class", tone)
                    break
