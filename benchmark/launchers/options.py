"""Options of a launcher: a dataclass whose fields say how the command line asks for them."""

from dataclasses import dataclass, field, fields
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Flag:
    """An option of the command line.

    Args:
        name: Such as ``--detach``.
        help: Its line in ``--help``.
        metavar: Its value in ``--help``; empty for the name of its type.
    """

    name: str
    help: str
    metavar: str = ""


@dataclass(frozen=True, kw_only=True)
class LauncherOptions:
    """Options of one launcher; a subclass has a field, made by `option`, for each.

    The default of a field decides what the command line takes: a bool is a flag, a tuple is text
    that may be given several times, an int is a number from 1, with 0 for ``auto``.
    """

    @classmethod
    def flags(cls) -> dict[str, Flag]:
        """Return the options of the command line by the names of their fields."""
        return {each.name: each.metadata[Flag] for each in fields(cls)}

    def given(self) -> list[str]:
        """Return the names of the options that differ from their defaults."""
        default = type(self)()
        return [
            flag.name
            for name, flag in self.flags().items()
            if getattr(self, name) != getattr(default, name)
        ]


def option(default: Any, flag: Flag) -> Any:
    """Return a field of `LauncherOptions`."""
    return field(default=default, metadata={Flag: flag})
