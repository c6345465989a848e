"""What a record can hold of an optimizer: its label, and the values of its hyperparameters."""

from typing import Any

LONGEST_LABEL = 500  # characters
_LONGEST_TEXT = 10_000  # characters
_DEEPEST = 2  # tuples in a tuple
VALUES = (
    f"whole numbers of 64 bits, other numbers, texts of at most {_LONGEST_TEXT:,} characters, or "
    "tuples of these or of tuples of these"
)


def is_recordable(value: Any, *, depth: int = _DEEPEST) -> bool:
    """Return whether records can hold `value` as that of a hyperparameter.

    >>> [is_recordable(value) for value in (0.1, ("a", (1, None)), 2**63, (((),),))]
    [True, True, False, False]
    """
    if isinstance(value, (tuple, list)):
        return depth > 0 and all(is_recordable(each, depth=depth - 1) for each in value)
    if isinstance(value, int):
        return -(2**63) <= value < 2**63
    if isinstance(value, str):
        return is_text(value, _LONGEST_TEXT)
    return value is None or isinstance(value, float)


def is_text(text: str, longest: int) -> bool:
    """Return whether `text` is valid Unicode of at most `longest` characters."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return len(text) <= longest
