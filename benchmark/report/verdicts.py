"""Verdicts in short, for table cells, and their colours in terminals and pictures."""

import math

TERMINAL_COLORS = {
    "better": "green",
    "worse": "red",
    "mixed": "yellow",
    "equivalent": "cyan",
    "undecided": "yellow",
    "untuned": "yellow",
}
PICTURE_COLORS = {
    "better": "#1a7f37",
    "worse": "#c0392b",
    "equivalent": "#0e7490",
    "undecided": "#8a6d00",
    "untuned": "#6b7280",
}


def shown_word(word: str) -> str:
    """Return the word of a verdict as it stands in sentences and cells.

    >>> shown_word("better"), shown_word("untuned")
    ('better', 'no verdict')
    """
    return "no verdict" if word == "untuned" else word


def relative_in_short(share: float | None) -> str:
    """Return a difference as a share of the reference's value, in at most seven characters.

    >>> relative_in_short(0.0312), relative_in_short(-0.5), relative_in_short(25.0)
    ('+3.1 %', '−50 %', '>+999 %')
    """
    if share is None or not math.isfinite(share):
        return "–"
    if abs(share) >= 10:
        return ">+999 %" if share > 0 else "<−999 %"
    digits = 1 if abs(share) < 0.0995 else 0
    return f"{100 * share:+.{digits}f} %".replace("-", "−")


def short_p(p: float) -> str:
    """Return p in at most five characters, rounded up so that it never looks smaller than it is.

    >>> short_p(0.03125), short_p(0.00004), short_p(1.0)
    ('.032', '<.001', '1')
    """
    if p < 0.001:
        return "<.001"
    digits = 3 if p < 0.1 else 2
    rounded = math.ceil(p * 10**digits - 1e-9) / 10**digits if p < 1 else 1.0
    return "1" if rounded >= 1 else f"{rounded:.{digits}f}"[1:]
