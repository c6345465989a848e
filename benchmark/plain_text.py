"""Text from outside, such as labels and error messages, made into one harmless line for display.

Markup, such as that of HTML, is escaped elsewhere: where that format is written.
"""

import re
import unicodedata
from collections.abc import Iterable

LABEL_LENGTH = 120
REASON_LENGTH = 300
_LOST = "\ufffd"  # replaces characters that cannot be shown
_JOINERS = "\u200c\u200d"  # invisible, but words and emoji need them
_SURROGATES = re.compile("[\ud800-\udfff]")


def plain(text: object, most: int = REASON_LENGTH) -> str:
    r"""Return `text` as one line without control characters; the middle of a long text is cut out.

    Args:
        text: Any object; its ``str`` is used.
        most: Maximum number of characters.

    >>> plain("\x1b[31mred\x1b[0m\nand \ud800 text")
    '�[31mred�[0m and � text'
    >>> plain("0123456789", most=7)
    '012…789'
    """
    words = str(text)
    if not (words.isascii() and words.isprintable()):
        words = "".join(map(_shown, words))
    words = " ".join(words.split())
    if len(words) <= most:
        return words
    tail = (most - 1) // 2
    return f"{words[: most - 1 - tail]}…{words[len(words) - tail :]}"


def error_line(error: BaseException, most: int = REASON_LENGTH) -> str:
    r"""Return the class and the message of `error`, even if its ``__str__`` raises.

    >>> error_line(ValueError("expected 1,\ngot 2")), error_line(KeyError())
    ('ValueError: expected 1, got 2', 'KeyError')
    """
    name = type(error).__name__
    try:
        text = str(error).strip()
    except Exception:
        text = "its message cannot be read"
    return plain(f"{name}: {text}", most) if text else name


def plain_names(names: Iterable[str], most: int = LABEL_LENGTH) -> dict[str, str]:
    r"""Return the displayed form of each of `names`; different names stay different.

    >>> plain_names(["a\x01", "a\x02", "a\x01"])
    {'a\x01': 'a�', 'a\x02': 'a� (2)'}
    """
    found: dict[str, str] = {}
    for name in names:
        if name not in found:
            found[name] = _unlike(plain(name, most), set(found.values()))
    return found


def valid(text: str) -> str:
    r"""Return `text` with invalid Unicode replaced, for files that programs read.

    >>> valid("a\ud800")
    'a�'
    """
    return _SURROGATES.sub(_LOST, text)


def _unlike(name: str, taken: set[str]) -> str:
    number, found = 1, name
    while found in taken:
        number += 1
        found = f"{name} ({number})"
    return found


def _shown(letter: str) -> str:
    if letter.isspace() or unicodedata.category(letter) in ("Zl", "Zp"):
        return " "
    category = unicodedata.category(letter)
    if category in ("Cc", "Cs") or _is_no_character(ord(letter)):
        return _LOST
    # Category Cf: marks that change the direction of writing, or are invisible.
    return _LOST if category == "Cf" and letter not in _JOINERS else letter


def _is_no_character(code: int) -> bool:
    return code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF
