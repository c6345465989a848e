"""Text from outside inside Markdown: what it says is read, and never what it would do."""

import re
from collections.abc import Sequence
from html import escape

from benchmark.plain_text import plain

_SIGNS = re.compile(r"([\\`*\[\]|~$#!])")
_EDGES = re.compile(r"(?<![^\W_])_|_(?![^\W_])")  # an underscore inside a word is no emphasis
_ADDRESS = re.compile(r"(?<=[A-Za-z]):(?=//)|(?<=\bwww)\.|(?<=\bmailto):", re.IGNORECASE)
_NUMBERED = re.compile(r"^(\d{1,9})([.)])(?=\s|$)")
_LISTED = re.compile(r"^(?=[-+](?:\s|$)|=+\s*$|-\s*-)")


def as_text(text: object) -> str:
    r"""Return Markdown that reads as `text`, one line, wherever in a line it stands.

    >>> as_text("adam lr=0.1 weight_decay=0")
    'adam lr=0.1 weight_decay=0'
    >>> as_text("# <b>*a* | [b](c)")
    '\\# &lt;b&gt;\\*a\\* \\| \\[b\\](c)'
    >>> as_text("1. a"), as_text("- a"), as_text("-0.5")
    ('1\\. a', '\\- a', '-0.5')
    """
    return _NUMBERED.sub(r"\1\\\2", _LISTED.sub(r"\\", as_cell(text)))


def as_cell(text: object) -> str:
    r"""Return Markdown that reads as `text` inside a line, as the cells of a table are.

    >>> as_cell("- a|b"), as_cell("-")
    ('- a\\|b', '-')
    """
    words = _EDGES.sub(r"\\_", _SIGNS.sub(r"\\\1", plain(text)))
    return _ADDRESS.sub(lambda found: f"\\{found[0]}", escape(words, quote=False))


def fenced(lines: Sequence[str]) -> str:
    """Return `lines` as a block of code that none of them can end; empty without any."""
    if not lines:
        return ""
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([fence, *map(_one_line, lines), fence])


def _one_line(line: str) -> str:
    return plain(line, most=len(line) + 1)
