"""Look-up of a name in a table, with an error that suggests similar names."""

import difflib
from collections.abc import Mapping
from typing import TypeVar

from optimizers.errors import UnknownNameError

Row = TypeVar("Row")
_LONGEST = 80  # characters of a value that a message quotes


def shown(value: object) -> str:
    """Return `value` for a message: in quotes, on one line, cut at 80 characters.

    >>> shown("adm"), len(shown("9" * 500))
    ("'adm'", 82)
    """
    try:
        text = value if isinstance(value, str) else repr(value)
    except ValueError:  # Python does not print integers of thousands of digits
        return "a number of thousands of digits"
    cut = text if len(text) <= _LONGEST else text[: _LONGEST - 20] + "…" + text[-19:]
    return repr(cut) if isinstance(value, str) else cut


def pick(table: Mapping[str, Row], name: str, kind: str) -> Row:
    """Return the row called `name`.

    Raises:
        UnknownNameError: no row has this name.

    >>> pick({"adam": 1}, "adm", "optimizer")
    Traceback (most recent call last):
    optimizers.errors.UnknownNameError: unknown optimizer 'adm'. Did you mean 'adam'? Known: adam
    """
    if name in table:
        return table[name]
    raise UnknownNameError(
        f"unknown {kind} {shown(name)}.{near(name, table)} Known: {', '.join(table)}"
    )


def is_import_path(name: str) -> bool:
    """Return whether `name` is the import path of a plug-in; names in tables have no dot.

    >>> is_import_path("mine.MyOpt"), is_import_path("adam")
    (True, False)
    """
    return "." in name


def near(name: str, known: Mapping[str, object]) -> str:
    """Return " Did you mean 'adam'?" with the names most like `name`, "" if none is similar."""
    if len(name) > _LONGEST:  # the time to compare grows with the square of the length
        return ""
    spelt = {each.lower(): each for each in known}
    if name.lower() in spelt:
        return f" Did you mean {spelt[name.lower()]!r}?"
    matches = [spelt[m] for m in difflib.get_close_matches(name.lower(), spelt, n=3, cutoff=0.6)]
    return f" Did you mean {' or '.join(map(repr, matches))}?" if matches else ""
