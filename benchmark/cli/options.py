"""Types of option values, with shell completion; and options read from a TOML file."""

import math
import os
import re
import sys
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import click
from click.shell_completion import CompletionItem

from benchmark.context import Stack
from benchmark.request import MOST_STACKED
from benchmark.spec import FIRST_TUNING_SEED
from optimizers.errors import SourceError, UnknownNameError
from optimizers.pick import is_import_path, near, pick, shown
from optimizers.registry import OPTIMIZERS
from optimizers.source import reachable

_MOST_CONFIG_BYTES = 1_000_000
_MOST_PATH = 3_000  # characters; Linux takes 4,096 bytes

_MOST_NAME_BYTES = 255  # limit for the name of a file or folder on common file systems


class Folder(click.Path):
    """A folder, which need not exist yet.

    Args:
        exists: The folder must exist already.
    """

    def __init__(self, *, exists: bool = False) -> None:
        super().__init__(exists=exists, file_okay=False, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path."""
        longest = max((len(os.fsencode(part)) for part in Path(value).parts), default=0)
        if longest > _MOST_NAME_BYTES or len(str(value)) > _MOST_PATH:
            self.fail(
                f"{shown(str(value))} is too long: expected names of at most {_MOST_NAME_BYTES} "
                f"bytes in a path of at most {_MOST_PATH:,}",
                param,
                ctx,
            )
        if not str(value):
            self.fail("expected a folder, got nothing; '.' is the one you are in", param, ctx)
        nearest = next(path for path in (Path(value), *Path(value).parents) if path.exists())
        if not nearest.is_dir():
            self.fail(f"{shown(str(nearest))} is no folder", param, ctx)
        return super().convert(value, param, ctx)


results_option = click.option(
    "--results",
    type=Folder(),
    default=Path("results"),
    show_default=True,
    help="Folder of all studies.",
)


class Names(click.ParamType[Any]):
    """A comma-separated list of names from a table, or ``all``; optionally also import paths.

    Args:
        kind: Word for one named thing, such as "model", for messages.
        known: The table.
        paths: Accept import paths: a name with a dot is not looked up, and
            ``path/to/file.py:Class`` becomes an import path.
        aliases: Names in other tools mapped to ours, for suggestions.
        pairs: Accept pairs of import paths or names with a slash between them.
        everyday: Names that ``all`` means; None for the whole table.
    """

    name = "names"

    def __init__(
        self,
        kind: str,
        known: Sequence[str],
        *,
        paths: bool = False,
        aliases: Mapping[str, str] | None = None,
        pairs: bool = False,
        everyday: Iterable[str] | None = None,
    ) -> None:
        self.kind = kind
        self.pairs = pairs
        self.aliases = aliases or {}
        self.known = dict.fromkeys(known)
        self.everyday = self.known if everyday is None else dict.fromkeys(everyday)
        self.paths = paths

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """Return the names in their order, without repetitions."""
        if isinstance(value, tuple):
            return value
        names = [name.strip() for name in str(value).split(",") if name.strip()]
        if names == ["all"]:
            return tuple(self.everyday)
        if not names:
            self.fail(f"expected at least one {self.kind}. Known: {', '.join(self.known)}")
        return tuple(dict.fromkeys(self._checked(name, param, ctx) for name in names))

    def _checked(self, name: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if self.paths and is_import_path(name):
            return import_path(name, param, ctx)
        if self.pairs and name not in self.known and name.count("/") == 1 and is_import_path(name):
            return "/".join(import_path(part, param, ctx) for part in name.split("/"))
        try:
            pick(self.known, name, self.kind)
        except UnknownNameError as error:
            alias = self.aliases.get(name.lower())
            self.fail(
                f"{self.kind} {name!r} is {alias!r} here" if alias else str(error), param, ctx
            )
        return name

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


class InputFile(click.Path):
    """An existing regular file; reading a pipe or a device might never end."""

    def __init__(self) -> None:
        super().__init__(exists=True, dir_okay=False, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path."""
        path = Path(str(super().convert(value, param, ctx)))
        if not path.is_file():
            self.fail(f"{shown(str(path))} is a pipe or a device, not a regular file", param, ctx)
        return path


class OneOf(click.Choice[str]):
    """One word out of a list; a misspelt word gets a suggestion.

    Args:
        kind: Name for the words, such as "kind of names", for messages.
        words: The valid words.
        aliases: Other names for some of them.
    """

    def __init__(
        self, kind: str, words: Sequence[str], aliases: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(words)
        self._kind = kind
        self._aliases = aliases or {}

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the word."""
        name = self._aliases.get(str(value), str(value))
        try:
            return pick({word: word for word in self.choices}, name, self._kind)
        except UnknownNameError as error:
            self.fail(str(error), param, ctx)


class ImportPath(click.ParamType[str]):
    """A registered name, an import path, or ``path/to/file.py:Class``.

    Args:
        known: The registered names, for shell completion.
    """

    name = "name"

    def __init__(self, known: Iterable[str]) -> None:
        self._known = tuple(known)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Complete a registered name."""
        return [CompletionItem(name) for name in self._known if name.startswith(incomplete)]

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the name or the import path."""
        return import_path(str(value), param, ctx)


def import_path(name: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
    """Return the import path that `name` stands for; registered names are returned unchanged.

    Raises:
        click.BadParameter: the file does not exist or is not a module.
    """
    try:
        return reachable(name)
    except SourceError as error:
        raise click.BadParameter(str(error), ctx, param) from None


class OptimizerList(click.ParamType[Any]):
    """The text of ``--opts``; `optimizers.grammar` parses it later, once torch is loaded."""

    name = "optimizers"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Complete the last name of the list."""
        names = Names("optimizer", list(OPTIMIZERS))
        return names.shell_complete(ctx, param, incomplete)


class Whole(click.ParamType[int]):
    """A whole number from 1 to `most`, or optionally ``auto``, which becomes 0.

    `click.IntRange` does not serve: it knows no second word, takes ``1_0``, Arabic digits and the
    ``true`` of a TOML file for numbers, cuts 2.7 off to 2, and its message has neither the meaning
    of the number nor a limit on the length of what it repeats.

    Args:
        most: The largest valid number.
        auto: Accept ``auto`` too.
        hint: Meaning of the number, for the message about an invalid value.
    """

    def __init__(self, most: int, *, auto: bool = False, hint: str = "") -> None:
        self.name = "number|auto" if auto else "number"
        self._most = most
        self._auto = auto
        self._hint = f": {hint}" if hint else ""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number, 0 for auto."""
        if self._auto and value == "auto":
            return 0
        number = value if isinstance(value, int) and not isinstance(value, bool) else 0
        if isinstance(value, str) and re.fullmatch(r"[+-]?[0-9]{1,18}", value):
            number = int(value)
        if not 1 <= number <= self._most:
            or_auto = " or 'auto'" if self._auto else ""
            self.fail(
                f"expected a whole number from 1 to {self._most:,}{or_auto}, got {shown(value)}"
                f"{self._hint}",
                param,
                ctx,
            )
        return number


class StackSize(click.ParamType[Any]):
    """``auto``, ``off``, or the most trials that train as one network, from 2."""

    name = "auto|off|number"

    def __init__(self) -> None:
        self._number = Whole(MOST_STACKED)

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Stack:
        """Return the word or the number."""
        if value in ("auto", "off"):
            found: Stack = value
            return found
        try:
            number = self._number.convert(value, param, ctx)
        except click.BadParameter:
            number = 0
        if number < 2:
            self.fail(
                "expected 'auto', 'off', or the most trials in one network, from 2 to "
                f"{MOST_STACKED:,}, got {shown(str(value))}",
                param,
                ctx,
            )
        return number


class Seeds(click.ParamType[Any]):
    """A number of seeds, such as ``5``; or the seeds, such as ``100-109`` or ``0,3,100-109``."""

    name = "number|seeds"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | tuple[int, ...]:
        """Return the number of seeds, or the seeds in their order."""
        if isinstance(value, tuple):
            return value
        if not isinstance(value, str) and not (isinstance(value, int) and 0 < value < 10**6):
            self._refuse(value, param, ctx)  # a long number of a TOML file has no text
        text = str(value)
        if re.fullmatch(r"[0-9]{1,5}", text) and 1 <= int(text) <= FIRST_TUNING_SEED:
            return int(text)
        found: list[int] = []
        for part in text.split(","):
            ends = re.fullmatch(r"\s*([0-9]{1,5})(?:-([0-9]{1,5}))?\s*", part)
            if not ends or ("," not in text and not ends[2]):
                self._refuse(value, param, ctx)
            first, last = int(ends[1]), int(ends[2] or ends[1])
            if first > last or last >= FIRST_TUNING_SEED:
                self._refuse(value, param, ctx)
            found += range(first, last + 1)
        return tuple(dict.fromkeys(found))

    def _refuse(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> NoReturn:
        self.fail(
            f"expected how many seeds (5 means seeds 0 to 4) or which ones (100-109, or 0,3,7), "
            f"below {FIRST_TUNING_SEED:,} because higher ones are for tuning, got {shown(value)}",
            param,
            ctx,
        )


class Real(click.ParamType[float]):
    """A finite number from 0 to `most`; with `positive`, 0 itself is excluded.

    `click.FloatRange` does not serve: NaN is neither below nor above a bound, so it passes, as does
    ``true``; and its message repeats what came at any length.
    """

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
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if not 0 <= number <= self._most or (number == 0 and self._positive):
            least = "> 0" if self._positive else ">= 0"
            most = "" if self._most == sys.float_info.max else f" and <= {self._most:g}"
            self.fail(f"expected a number {least}{most}, got {shown(value)}", param, ctx)
        return number


def read_config(ctx: click.Context, param: click.Parameter, path: Path | None) -> Path | None:
    """Use the options in a TOML file as defaults; keys are option names without the dashes."""
    if path is None:
        return None
    try:
        found = tomllib.loads(_text_of(path))
    except (ValueError, RecursionError, OSError) as error:
        raise click.BadParameter(f"{path} cannot be read as TOML: {error}", ctx, param) from None
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
                f"{path}: unknown key {shown(key)}.{near(key, names)} Known: {', '.join(names)}",
                ctx,
                param,
            )
        defaults[names[key].name or ""] = _toml_value(path, key, value, names[key])
    ctx.default_map = defaults
    return path


def _text_of(path: Path) -> str:
    if path.stat().st_size > _MOST_CONFIG_BYTES:
        raise ValueError(f"it is larger than {_MOST_CONFIG_BYTES:,} bytes")
    return path.read_text(encoding="utf-8")


def _toml_value(path: Path, key: str, value: Any, option: click.Parameter) -> Any:
    """Return `value` in the form in which the command line gives it, after a check of its type."""
    if isinstance(option.type, click.types.BoolParamType):
        expected, fits = "true or false", isinstance(value, bool)
    elif isinstance(option.type, (Whole, Real, Seeds)):
        expected, fits = "a number", isinstance(value, (int, float, str))
    else:
        expected = "printable text, or a list of such texts"
        texts = value if isinstance(value, list) else [value]
        fits = all(isinstance(text, str) and text.isprintable() for text in texts)
        if fits:
            value = texts if option.multiple else ",".join(texts)
    if not fits:
        raise click.BadParameter(f"{path}: {key} is {shown(value)}: expected {expected}")
    return value
