"""Sentences on verdicts in a terminal: wrapped, with the decisive word in colour."""

import re
import textwrap
from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from benchmark.report.verdicts import TERMINAL_COLORS, shown_word

if TYPE_CHECKING:
    from benchmark.report.printed import Statement

_INDENT = "  "


def print_statements(console: Console, statements: "Iterable[Statement]") -> None:
    """Print an empty line and each sentence.

    A terminal gets lines of its width, with a hanging indent.
    """
    console.print()
    for each in statements:
        text = _wrapped(each.text, console.width) if console.is_terminal else each.text
        console.print(_colored(text, each), soft_wrap=True)


def _wrapped(text: str, width: int) -> str:
    """Return `text` in lines of at most `width` columns; a longer name stays whole."""
    lines = textwrap.wrap(
        text,
        width,
        subsequent_indent=_INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(lines)


def _colored(text: str, statement: "Statement") -> Text:
    """Return `text` with the word after the first colon that decides it in bold and in colour."""
    found = Text(text)
    if statement.word is not None:
        word = r"\s+".join(shown_word(statement.word).split())
        place = re.search(rf": ({word})\b", re.sub(r"\s", " ", text))
        if place:
            found.stylize(f"bold {TERMINAL_COLORS[statement.word]}", *place.span(1))
    return found
