"""Kinds of option values, with completion; and options read from a TOML file."""

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from optimizers.pick import UnknownNameError, near, pick
from optimizers.registry import OPTIMIZERS


class Names(click.ParamType[Any]):
    """A comma list of names from a table, ``all``, or import paths where they are taken.

    Args:
        kind: What the names are of, for messages.
        known: The table.
        paths: Whether a name with a dot is passed on unchecked.
    """

    name = "names"

    def __init__(self, kind: str, known: Sequence[str], *, paths: bool = False) -> None:
        self.kind = kind
        self.known = dict.fromkeys(known)
        self.paths = paths

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """Return the names, each once, in their order."""
        if isinstance(value, tuple):
            return value
        names = [name.strip() for name in str(value).split(",") if name.strip()]
        if names == ["all"]:
            return tuple(self.known)
        for name in names:
            if not (self.paths and "." in name):
                try:
                    pick(self.known, name, self.kind)
                except UnknownNameError as error:
                    self.fail(str(error), param, ctx)
        if not names:
            self.fail(f"expected at least one {self.kind}. Known: {', '.join(self.known)}")
        return tuple(dict.fromkeys(names))

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Complete the last name of the list."""
        before, comma, last = incomplete.rpartition(",")
        return [
            CompletionItem(f"{before}{comma}{name}")
            for name in (*self.known, "all")
            if name.startswith(last)
        ]


class OptimizerList(click.ParamType[Any]):
    """The text of ``--opts``; it is read by `optimizers.grammar` when torch is there."""

    name = "optimizers"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Complete the last name of the list."""
        names = Names("optimizer", list(OPTIMIZERS))
        return names.shell_complete(ctx, param, incomplete)


class OneOrAuto(click.ParamType[Any]):
    """A positive whole number, or ``auto``, which becomes 0."""

    name = "number|auto"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number, 0 for auto."""
        if str(value) in ("auto", "0") and value != "0":
            return 0
        try:
            number = int(value)
        except ValueError:
            number = 0
        if number < 1:
            self.fail(f"expected a positive whole number or 'auto', got {value!r}", param, ctx)
        return number


def read_config(ctx: click.Context, param: click.Parameter, path: Path | None) -> Path | None:
    """Take the options of a TOML file as defaults, under their names on the command line."""
    if path is None:
        return None
    try:
        found = tomllib.loads(path.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise click.BadParameter(f"{path} is not TOML: {error}", ctx, param) from None
    names = {
        option.removeprefix("--"): each.name or ""
        for each in ctx.command.params
        for option in each.opts
        if option.startswith("--") and each.name != "config"
    }
    defaults = dict(ctx.default_map or {})
    for key, value in found.items():
        if key not in names:
            raise click.BadParameter(
                f"{path}: unknown key {key!r}.{near(key, names)} Known: {', '.join(names)}",
                ctx,
                param,
            )
        defaults[names[key]] = ",".join(map(str, value)) if isinstance(value, list) else value
    ctx.default_map = defaults
    return path
