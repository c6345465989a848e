"""Escaping of foreign text for Markdown, so that it is shown as text and formats nothing."""

import re
from collections.abc import Iterable, Sequence
from html import escape

from benchmark.plain_text import plain

_SIGNS = re.compile(r"([\\`*\[\]|~$#!])")
_EDGES = re.compile(r"(?<![^\W_])_|_(?![^\W_])")  # an underscore inside a word marks no emphasis
_ADDRESS = re.compile(r"(?<=[A-Za-z]):(?=//)|(?<=\bwww)\.|(?<=\bmailto):", re.IGNORECASE)
_NUMBERED = re.compile(r"^(\d{1,9})([.)])(?=\s|$)")
_LISTED = re.compile(r"^(?=[-+](?:\s|$)|=+\s*$|-\s*-)")


def as_text(text: object) -> str:
    r"""Return Markdown that shows `text` on one line, even at the beginning of a line.

    >>> as_text("adam lr=0.1 weight_decay=0")
    'adam lr=0.1 weight_decay=0'
    >>> as_text("# <b>*a* | [b](c)")
    '\\# &lt;b&gt;\\*a\\* \\| \\[b\\](c)'
    >>> as_text("1. a"), as_text("- a"), as_text("-0.5")
    ('1\\. a', '\\- a', '-0.5')
    """
    return _at_beginning(as_cell(text))


def as_prose(text: str) -> str:
    """Return Markdown that shows all of our own `text`; `as_text` cuts the middle of a long one."""
    return _at_beginning(_escaped(plain(text, most=10 * len(text))))


def as_cell(text: object) -> str:
    r"""Return Markdown that shows `text` inside a line, for example in a table cell.

    >>> as_cell("- a|b"), as_cell("-")
    ('- a\\|b', '-')
    """
    return _escaped(plain(text))


def _at_beginning(line: str) -> str:
    return _NUMBERED.sub(r"\1\\\2", _LISTED.sub(r"\\", line))


def _escaped(text: str) -> str:
    words = _EDGES.sub(r"\\_", _SIGNS.sub(r"\\\1", text))
    return _ADDRESS.sub(lambda found: f"\\{found[0]}", escape(words, quote=False))


def fenced(lines: Sequence[str]) -> str:
    """Return `lines` as a code block that no line can close; empty without lines."""
    if not lines:
        return ""
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([fence, *map(_one_line, lines), fence])


def _one_line(line: str) -> str:
    return plain(line, most=len(line) + 1)


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table; cells are escaped, so that each is shown as plain text.

    >>> print(table(["a", "b"], [[1, "x"]]))
    | a | b |
    |---|---|
    | 1 | x |
    """
    return "\n".join([_line(header), "|" + "---|" * len(header), *map(_line, rows)])


def raw_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table of cells that are Markdown already."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _line(cells: Iterable[object]) -> str:
    return "| " + " | ".join(map(as_cell, cells)) + " |"
