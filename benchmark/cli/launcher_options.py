"""Options of launchers, as the table of launchers declares them."""

from collections.abc import Callable
from typing import Any

import click

from benchmark.cli.options import Whole
from benchmark.launchers import LAUNCHERS
from benchmark.launchers.options import Flag, LauncherOptions

_KINDS = {name: row.options for name, row in LAUNCHERS.items() if row.options is not None}


def launcher_options() -> list[Callable[[Any], Any]]:
    """Return an option for each field of each launcher's options."""
    return [
        _option(_parameter(launcher, name), flag, getattr(kind(), name))
        for launcher, kind in _KINDS.items()
        for name, flag in kind.flags().items()
    ]


def take_launcher_options(options: dict[str, Any]) -> tuple[LauncherOptions, ...]:
    """Return the launchers' options that were given, and remove all of them from `options`."""
    found = [
        kind(**{name: options.pop(_parameter(launcher, name)) for name in kind.flags()})
        for launcher, kind in _KINDS.items()
    ]
    return tuple(each for each in found if each.given())


def _parameter(launcher: str, name: str) -> str:
    return f"{launcher}_{name}"


def _option(parameter: str, flag: Flag, default: Any) -> Callable[[Any], Any]:
    how: dict[str, Any] = {"default": default}
    if isinstance(default, bool):
        how = {"is_flag": True}
    elif isinstance(default, tuple):
        how = {"multiple": True}
    elif isinstance(default, int):
        how = {"type": Whole(1_000_000, auto=True), "default": "auto", "show_default": True}
    metavar = flag.metavar or None
    return click.option(flag.name, parameter, help=flag.help, metavar=metavar, **how)
