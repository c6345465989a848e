"""Kinds of option values, with completion; and options read from a TOML file."""

import math
import re
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from optimizers.pick import UnknownNameError, near, pick
from optimizers.registry import OPTIMIZERS

results_option = click.option(
    "--results",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("results"),
    show_default=True,
)


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


class Whole(click.ParamType[int]):
    """A whole number from 1 to `most`; where `auto` is taken, that becomes 0.

    Args:
        most: The largest number that makes sense.
        auto: Whether ``auto`` is taken too.
    """

    def __init__(self, most: int, *, auto: bool = False) -> None:
        self.name = "number|auto" if auto else "number"
        self._most = most
        self._auto = auto

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number, 0 for auto."""
        if self._auto and value == "auto":
            return 0
        text = str(value) if isinstance(value, (int, str)) and not isinstance(value, bool) else ""
        number = int(text) if re.fullmatch(r"[+-]?\d{1,18}", text) else 0
        if not 1 <= number <= self._most:
            or_auto = " or 'auto'" if self._auto else ""
            self.fail(
                f"expected a whole number from 1 to {self._most:,}{or_auto}, got {value!r}",
                param,
                ctx,
            )
        return number


class Real(click.ParamType[float]):
    """A finite number, 0 or more; or more than 0; up to `most`."""

    name = "number"

    def __init__(self, *, positive: bool = False, most: float = sys.float_info.max) -> None:
        self._positive = positive
        self._most = most

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the number."""
        try:
            number = math.nan if isinstance(value, bool) else float(value)
        except (TypeError, ValueError):
            number = math.nan
        if not 0 <= number <= self._most or (number == 0 and self._positive):
            least = "> 0" if self._positive else ">= 0"
            most = "" if self._most == sys.float_info.max else f" and <= {self._most:g}"
            self.fail(f"expected a number {least}{most}, got {value!r}", param, ctx)
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
        option.removeprefix("--"): each
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
        defaults[names[key].name or ""] = _toml_value(path, key, value, names[key])
    ctx.default_map = defaults
    return path


def _toml_value(path: Path, key: str, value: Any, option: click.Parameter) -> Any:
    """Return `value` as the command line would give it, after a check of its kind."""
    if isinstance(option.type, click.types.BoolParamType):
        expected, fits = "true or false", isinstance(value, bool)
    elif isinstance(option.type, (Whole, Real)):
        expected, fits = "a number", isinstance(value, (int, float, str))
    else:
        expected = "text, or a list of texts"
        texts = value if isinstance(value, list) else [value]
        fits = all(isinstance(text, str) for text in texts)
        value = ",".join(texts) if fits else value
    if not fits:
        raise click.BadParameter(f"{path}: {key} is {value!r}: expected {expected}")
    return value
