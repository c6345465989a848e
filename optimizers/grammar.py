"""The grammar of ``--opts``: ``adam,sgd:lr=0.1|0.01,mine@mypkg.module.MyOpt:beta=0.5,…``.

    list   = item {"," item}                 nothing inside parentheses separates
    item   = "all" | name ["@" label] (":default" | {":" key "=" value {"|" value}})
    name   = registered name | import path of a class | path/to/file.py:Class
    value  = number | true | false | none | text | tuple | range
    tuple  = "(" value {"," value} ")" | number "/" number {"/" number}
    range  = number ".." number              only where optimizers are tuned

If a class accepts only matrices, such as torch.optim.Muon, ``adamw`` steps the other parameters, or
``rest=name`` with hyperparameters like ``rest.lr=0.001``. A class that wraps an optimizer gets it
under the name of its first argument: ``optimizer=adam:optimizer.lr=0.01``.

``adam:default`` has the defaults of its class and is labelled so. An item without hyperparameters
has them too, unless the caller knows better ones for it: `without_hyperparameters` tells which.

Several values make a grid; the last key varies fastest. ``schedule``, ``warmup``, ``create_graph``
and ``gradients`` belong to the suite unless the optimizer itself has an argument of that name.
A repeated spec counts once; two different specs must not share a label.

`describe_tunables` reads the same text for tuning. A range is log-uniform, or one minus log-uniform
if both ends lie in (0.5, 1) and it is no learning rate. Several texts or booleans, as in
``schedule=constant|cosine``, are a choice that is tuned; several numbers make several optimizers,
each tuned by itself. ``betas.0`` names one number of a tuple.

Registered optimizers are described without importing torch; `build_once` later checks their values.
"""

import itertools
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from typing import Any, TypeVar

from optimizers.errors import SpecError, UnknownNameError
from optimizers.mistakes import cure, cut_path
from optimizers.pick import shown
from optimizers.registry import OPTIMIZERS
from optimizers.resolve import Found, arguments, check_bounds, find, labelled, one_line, resolve
from optimizers.schedules import why_not_scheduled
from optimizers.spaces import Choice, Kind, Range, Space, kind_of, whole
from optimizers.spec import OptimizerSpec
from optimizers.tunable import Tunable, space_of

Described = TypeVar("Described", OptimizerSpec, Tunable)
Grid = Mapping[str, Sequence[Any]]

_NUMBER = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_RANGE = rf"({_NUMBER})\.\.({_NUMBER})"
_PART = rf"{_NUMBER}(?:\.\.{_NUMBER})?"
_PATHS = "such as torch.optim.AdamW, or a file such as path/to/mine.py:MyOpt"
_LONGEST_TEXT = 100_000  # characters of --opts
_MOST_SPECS = 10_000  # points of one grid
_DEEPEST = 8  # levels of nested parentheses
_MOST_DIGITS = 18  # so that the number fits into 64 bits
_DEFAULT = "default"
_WORDS = {"true": True, "false": False, "none": None}


def parse(text: str) -> list[OptimizerSpec]:
    """Return the specs that `text` describes, in its order, each once.

    Raises:
        SpecError: a name, hyperparameter or value is invalid; the message lists valid ones.
    """
    specs = describe(text)
    build_once(specs)
    return specs


def describe(text: str) -> list[OptimizerSpec]:
    """Return the specs that `text` describes without building registered optimizers.

    Torch is loaded only for import paths. `build_once` checks whether a class accepts the values.

    Raises:
        SpecError: a name or hyperparameter is invalid.
    """
    unique = _described(text, _specs)
    for spec in unique:
        check_bounds(spec)
    return unique


def without_hyperparameters(text: str) -> frozenset[str]:
    """Return the labels of the registered optimizers in `text` that have no hyperparameters there.

    Raises:
        SpecError: a name or hyperparameter is invalid.
    """
    return frozenset(spec.label for spec in _described(text, _specs_of_bare))


def describe_tunables(text: str, kind: Kind = "lr") -> list[Tunable]:
    """Return the optimizers to tune that `text` describes, without building registered ones.

    Torch is loaded only for import paths.

    Args:
        text: As in ``--opts``, with ranges.
        kind: The space of an item that gives no range: ``lr`` or ``full``.

    Raises:
        SpecError: a name, hyperparameter or range is invalid, or nothing is known to tune.
    """
    unique = _described(text, partial(_tunables, kind=kind))
    for tunable in unique:
        tunable.check()
    return unique


def _described(text: str, read: Callable[["_Item"], Iterable[Described]]) -> list[Described]:
    """Return what `read` makes of each item of `text`, in its order, each once."""
    try:
        return _each_once(text, read)
    except SpecError as error:
        raise (SpecError(reason) if (reason := cut_path(text)) else error) from None


def _each_once(text: str, read: Callable[["_Item"], Iterable[Described]]) -> list[Described]:
    if len(text) > _LONGEST_TEXT:
        raise SpecError(f"expected at most {_LONGEST_TEXT:,} characters, got {len(text):,}")
    items = [item.strip() for item in _split(text, ",") if item.strip()]
    if not items:
        raise SpecError(f"no optimizer given. Known: {', '.join(OPTIMIZERS)}")
    described: list[Described] = []
    for index, item in enumerate(items):
        for name in OPTIMIZERS if item == "all" else (item,):
            try:
                described += read(_item(name))
            except UnknownNameError as error:
                known = arguments(find(described[-1].name)) if described else {}
                reason = cure(items, index, known) or f"{error}, or an import path {_PATHS}"
                raise SpecError(reason) from None
    unique = list(dict.fromkeys(described))
    for label, count in Counter(each.label for each in unique).items():
        if count > 1:
            raise SpecError(f"two different optimizers are labelled {shown(label)}; rename one")
    return unique


def build_once(specs: Iterable[OptimizerSpec]) -> None:
    """Build each optimizer over a small parameter, so that its class checks the values.

    Raises:
        SpecError: a class refuses a value; the message is that of the class.
    """
    for spec in specs:
        _try(spec)


@dataclass(frozen=True, kw_only=True)
class _Item:
    """One item of ``--opts``.

    Args:
        text: The item as it was written.
        found: Its optimizer.
        label: The label after '@', otherwise "".
        grid: Given values of each hyperparameter.
        is_default: The item asks for the defaults of the class by name.
    """

    text: str
    found: Found
    label: str
    grid: Grid
    is_default: bool = False

    def points(self, grid: Grid) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the label and the values of each point of a part of the grid."""
        if math.prod(map(len, grid.values())) > _MOST_SPECS:
            raise SpecError(
                f"{shown(self.text)}: expected a grid of at most {_MOST_SPECS:,} points"
            )
        for values in itertools.product(*grid.values()):
            point = dict(zip(grid, values, strict=True))
            named = {
                key: value
                for key, value in point.items()
                if len(grid[key]) > 1 or not (self.label or whole(key) != key)
            }
            yield labelled(self.label or self.found.name, named), point


def _item(text: str) -> _Item:
    head, *assignments = _split(text, ":")
    file = ""
    if assignments and _is_file(head, assignments[0]):
        file, head = f"{head.strip()}:", assignments.pop(0)
    name, at, label = (part.strip() for part in head.partition("@"))
    name = file + name
    if at and not label:
        raise SpecError(f"{shown(text)}: expected a label after '@'")
    if name == "all":
        raise SpecError(f"{shown(text)}: 'all' takes no label and no hyperparameters")
    if is_default := [each.strip() for each in assignments] == [_DEFAULT]:
        label, assignments = label or f"{name} {_DEFAULT}", []
    grid = _grid(text, assignments)
    return _Item(text=text, found=find(name), label=label, grid=grid, is_default=is_default)


def _is_file(head: str, following: str) -> bool:
    """Return whether `head` is the path of a file, and what follows its colon is a class.

    >>> _is_file("me@host/mine.py", "MyOpt@label"), _is_file("adam@mine.py", "lr=0.1")
    (True, False)
    """
    is_labelled = "@" in re.split(r"[/\\\\]", head)[-1]  # no module has such a name
    if is_labelled or not head.rstrip().endswith(".py"):
        return False
    return "@" not in head or not ("=" in following or following.strip() == _DEFAULT)


def _specs(item: _Item) -> list[OptimizerSpec]:
    for key, values in item.grid.items():
        if any(map(_ranges_in, values)):
            raise SpecError(
                f"{shown(item.text)}: {key} has a range, and ranges are for tuning: add --tune 16, "
                f"or use the verb compare, or give values, as in {key}=0.1|0.01"
            )
    points = item.points(item.grid)
    return [resolve(item.found, values, label=label) for label, values in points]


def _specs_of_bare(item: _Item) -> list[OptimizerSpec]:
    return [] if item.found.cls or item.grid or item.is_default else _specs(item)


def _tunables(item: _Item, kind: Kind) -> list[Tunable]:
    if item.is_default:
        raise SpecError(f"{shown(item.text)}: give no {_DEFAULT!r} to an optimizer that is tuned")
    ranges = [each for key, values in item.grid.items() for each in _drawn(item, key, values)]
    drawn = {each.name for each in ranges}
    grid = {
        key: values
        for name, given in item.grid.items()
        for key, values in _parts(name, given).items()
        if key not in drawn
    }
    is_given = any(isinstance(each, Range) for each in ranges)
    fixes_lr = any(kind_of(key) == "lr" for key in grid)
    no_more = is_given or (fixes_lr and "lr" not in arguments(item.found))
    known = Space() if no_more else space_of(item.found, kind)
    kept = known.without(frozenset((*drawn, *grid)))
    try:
        space = Space(
            ranges=(*kept.ranges, *ranges), source="command line" if is_given else known.source
        )
    except ValueError as error:
        raise SpecError(f"{shown(item.text)}: {error}") from None
    return [
        Tunable(
            name=item.found.name,
            label=label,
            fixed=fixed,
            space=space,
            kind="given" if is_given else kind,
        )
        for label, fixed in item.points(grid)
    ]


def _drawn(item: _Item, key: str, values: Sequence[Any]) -> list[Range | Choice]:
    """Return the ranges in one assignment, or its texts and booleans as a choice."""
    unique = tuple(dict.fromkeys(values))
    if len(unique) > 1 and all(value is None or isinstance(value, (str, bool)) for value in unique):
        return [Choice(name=key, values=unique)]
    found = [each for value in values for each in _ranges_in(value)]
    if found and len(values) > 1:
        raise SpecError(f"{shown(item.text)}: {key} has a range and '|'; give one of the two")
    if not found or isinstance(values[0], Range):
        return [_named(each, key) for each in found]
    inside = [(i, each) for i, each in enumerate(values[0]) if isinstance(each, Range)]
    if len(inside) < len(found):
        raise SpecError(f"{shown(item.text)}: {key} has a range in nested parentheses")
    return [_named(each, f"{key}.{i}") for i, each in inside]


def _named(one: Range, name: str) -> Range:
    """Return the range under its name; that of a learning rate is never one minus a number.

    >>> _named(_range("0.6..0.99"), "lr")
    Range(name='lr', low=0.6, high=0.99, one_minus=False)
    """
    if one.one_minus and kind_of(name) == "lr":
        low, high = (float(1 - Decimal(repr(end))) for end in (one.high, one.low))
        return Range(name=name, low=low, high=high)
    return replace(one, name=name)


def _parts(key: str, values: Sequence[Any]) -> dict[str, list[Any]]:
    """Return the numbers of a tuple with ranges as assignments of their own."""
    value = values[0]
    if isinstance(value, tuple) and _ranges_in(value):
        return {f"{key}.{i}": [each] for i, each in enumerate(value)}
    return {key: list(values)}


def _ranges_in(value: Any) -> list[Range]:
    if isinstance(value, tuple):
        return [each for part in value for each in _ranges_in(part)]
    return [value] if isinstance(value, Range) else []


def _dotted(item: str, assignment: str) -> str:
    """Return words for a module and a class with a colon between them; empty for anything else."""
    module = item.partition(":")[0].strip()
    if module in OPTIMIZERS or not (module.isidentifier() and assignment.strip().isidentifier()):
        return ""
    return f". A class is given as {module}.{assignment.strip()}"


def _grid(item: str, assignments: list[str]) -> dict[str, list[Any]]:
    grid: dict[str, list[Any]] = {}
    for assignment in assignments:
        key, _, text = (part.strip() for part in assignment.partition("="))
        values = [value.strip() for value in _split(text, "|")]
        if not key or not all(values):
            hint = _dotted(item, assignment)
            raise SpecError(
                f"{shown(item)}: expected key=value after ':', got {shown(assignment)}{hint}"
            )
        if key in grid:
            raise SpecError(f"{shown(item)}: {shown(key)} is given twice")
        grid[key] = [_value(value) for value in values]
        for value, text in zip(grid[key], values, strict=True):
            if isinstance(value, float) and not math.isfinite(value):
                raise SpecError(f"{shown(item)}: expected {key} to be finite, got {shown(text)}")
    return grid


def _try(spec: OptimizerSpec) -> None:
    import torch

    try:
        shapes = [(2, 2), (2,)] if spec.rest else [(2, 2)]
        optimizer = spec.build([torch.nn.Parameter(torch.zeros(shape)) for shape in shapes])
    except Exception as error:  # a user's class may raise anything
        raise SpecError(f"{spec.label}: {one_line(error)}") from None
    reasons = filter(None, map(why_not_scheduled, optimizer.param_groups))
    if not spec.schedule.constant and (reason := next(reasons, "")):
        raise SpecError(f"{spec.label}: {reason}")


def _split(text: str, separator: str) -> list[str]:
    """Split at separators outside parentheses.

    >>> _split("a:betas=(0.9,0.99),b", ",")
    ['a:betas=(0.9,0.99)', 'b']
    """
    parts, depth = [""], 0
    for character in text:
        depth += (character == "(") - (character == ")")
        if not 0 <= depth <= _DEEPEST:
            break
        if character == separator and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    if depth:
        raise SpecError(f"{shown(text)}: parentheses do not match, or lie in each other too deeply")
    return parts


def _value(text: str) -> Any:
    """Read one value.

    >>> [_value(text) for text in ("1e-3", "5", "true", "none", "mean", "1/sqrt(t)")]
    [0.001, 5, True, None, 'mean', '1/sqrt(t)']
    >>> _value("(0.9, 0.99)") == _value("0.9/0.99") == (0.9, 0.99)
    True
    """
    if text.startswith("(") and text.endswith(")"):
        return tuple(_value(part.strip()) for part in _split(text[1:-1], ",") if part.strip())
    if re.fullmatch(f"{_PART}(/{_PART})+", text):
        return tuple(_value(part) for part in text.split("/"))
    if re.match(r"[+-]?\.?[0-9][^/]*\.\.", text):
        return _range(text)
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if re.fullmatch(r"[+-]?[0-9]+", text):
        if len(text) > _MOST_DIGITS:
            raise SpecError(f"{shown(text)}: expected at most {_MOST_DIGITS} digits")
        return int(text)
    try:
        return float(text) if text.isascii() else text
    except ValueError:
        return text


def _range(text: str) -> Range:
    """Read a range: log-uniform, or one minus log-uniform if both ends lie in (0.5, 1).

    The name is left open.

    >>> _range("0.8..0.999")
    Range(name='', low=0.001, high=0.2, one_minus=True)
    """
    match = re.fullmatch(_RANGE, text)
    if match is None or "..." in text:
        raise SpecError(f"{shown(text)}: expected a range of two numbers, as in 1e-4..1e-1")
    low, high = map(float, match.groups())
    if low <= 0 or high <= 0:
        raise SpecError(
            f"{shown(text)}: a range is log-uniform: give positive ends, as in 1e-4..1e-1"
        )
    if not low < high < math.inf:
        raise SpecError(f"{shown(text)}: expected a range with the smaller end first")
    if low > 0.5 and high < 1:
        from_one = [float(1 - Decimal(repr(end))) for end in (high, low)]  # 0.001 for 0.999
        return Range(name="", low=from_one[0], high=from_one[1], one_minus=True)
    return Range(name="", low=low, high=high)
