"""Texts in figures, in letters that the font has."""

from functools import cache

from matplotlib.font_manager import findfont, get_font

from benchmark.plain_text import plain

FONT = "DejaVu Sans"  # ships with matplotlib: the picture is the same on every machine
_LONGEST_TEXT = 60  # letters; a longer text does not fit into a column
_NO_LETTER = "\ufffd"  # replaces letters that the font lacks


def lettering(text: object) -> str:
    """Return `text` shortened to fit a legend, without letters that the font lacks.

    A leading underscore gets a space before it, because matplotlib's legends omit such names.
    """
    words = plain(text, most=_LONGEST_TEXT)
    known = _letters()
    words = "".join(letter if ord(letter) in known else _NO_LETTER for letter in words)
    return f" {words}" if words.startswith("_") else words


@cache
def _letters() -> frozenset[int]:
    return frozenset(get_font(findfont(FONT)).get_charmap())
