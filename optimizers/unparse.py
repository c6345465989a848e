"""The inverse of `grammar`: the text of ``--opts`` that gives the same specs and labels."""

import itertools
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from optimizers.registry import OPTIMIZERS
from optimizers.schedules import ALIASES
from optimizers.spec import OptimizerSpec

_CONSTANT: Mapping[str, Any] = {"schedule": "constant", "warmup": 0.0}


def items(optimizers: Iterable[OptimizerSpec]) -> tuple[str, ...]:
    """Return items of ``--opts``; specs that differ only in hyperparameters become one grid.

    >>> from optimizers.grammar import describe
    >>> items(describe("sgd:lr=0.1,sgd:lr=0.5"))
    ('sgd:lr=0.1|0.5',)
    """
    grids: dict[tuple[str, tuple[str, ...], str], list[_Item]] = {}
    for optimizer in optimizers:
        item = _item(optimizer)
        grids.setdefault((item.head, tuple(item.named), item.rest), []).append(item)
    return tuple(item for grid in grids.values() for item in _grid(grid))


@dataclass(frozen=True, kw_only=True)
class _Item:
    """An optimizer in the notation of ``--opts``.

    Args:
        head: The name, or ``name@label`` with the part of the label that the user gave.
        named: Hyperparameters that the label names, as texts.
        rest: Hyperparameters that are not in the label, because the user chose the label.
        alone: The item that gives only this optimizer.
    """

    head: str
    named: Mapping[str, str]
    rest: str
    alone: str


def _item(optimizer: OptimizerSpec) -> _Item:
    name, label = optimizer.name, optimizer.label
    head, named = _label_parts(label, _values(optimizer))
    if head == name and _is_default(optimizer, named):
        return _Item(head=name, named=named, rest="", alone=name + _assigned(named))
    hidden = _hidden(optimizer)
    rest = _assigned({key: text for key, text in hidden.items() if key not in named})
    alone = f"{name}@{label}{_assigned(hidden)}"
    return _Item(head=f"{name}@{head}", named=named, rest=rest, alone=alone)


def _is_default(optimizer: OptimizerSpec, named: Iterable[str]) -> bool:
    """Return whether all hyperparameters outside `named` have their defaults, as far as known."""
    name = optimizer.name
    defaults = {**_CONSTANT, **(OPTIMIZERS[name].hyperparameters if name in OPTIMIZERS else {})}
    values = {key: value for key, value in _values(optimizer).items() if key not in named}
    return all(_value(values[key]) == _value(defaults[key]) for key in values.keys() & defaults)


def _label_parts(label: str, values: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    """Split hyperparameters with these `values` off the end of a label; return both parts.

    >>> _label_parts("my lr=5 lr=0.1", {"lr": 0.1})
    ('my lr=5', {'lr': '0.1'})
    """
    words = re.split(rf" ({'|'.join(map(re.escape, values))})=", label)
    named: dict[str, str] = {}
    while len(words) > 1 and words[-2] not in named and words[-1] in _texts(values[words[-2]]):
        *words, key, text = words
        named = {key: text} | named
    head, *pairs = words
    item = zip(pairs[::2], pairs[1::2], strict=True)
    return head + "".join(f" {key}={text}" for key, text in item), named


def _texts(value: Any) -> set[str]:
    """Return the texts that a label may have for `value`; an integer may be written as a float.

    >>> sorted(_texts([0.5, 1000000.0]))
    ['(0.5,1000000)', '(0.5,1000000.0)', '(0.5,1e+06)']
    """
    if isinstance(value, (list, tuple)):
        return {f"({','.join(parts)})" for parts in itertools.product(*map(_texts, value))}
    found = {str(value)} | {alias for alias, kind in ALIASES.items() if kind == value}
    if isinstance(value, float):
        whole = {str(int(value))} if value.is_integer() else set()
        found |= {text for text in {f"{value:g}"} | whole if float(text) == value}
    return found


def _values(optimizer: OptimizerSpec) -> dict[str, Any]:
    """Return all values that a label can name, including those of the optimizer `rest`."""
    schedule, rest = optimizer.schedule, optimizer.rest
    values: dict[str, Any] = {"schedule": schedule.kind, "warmup": schedule.warmup}
    values |= optimizer.hyperparameters
    if rest is not None:
        values |= {"rest": rest.name}
        values |= {f"rest.{key}": value for key, value in _values(rest).items()}
    return values


def _hidden(optimizer: OptimizerSpec) -> dict[str, str]:
    """Return all hyperparameters in ``--opts`` notation, for a label that does not name them."""
    values = _values(optimizer)
    ours = [key for key in _CONSTANT if repr(values[key]) != repr(_CONSTANT[key])]
    keys = dict.fromkeys((*optimizer.hyperparameters, *ours))
    hidden = {key: _value(values[key]) for key in keys if _is_finite(values[key])}
    rest = optimizer.rest
    if rest is not None:
        _, named = _label_parts(rest.label, _values(rest))  # its label is part of the trial key
        hidden |= {"rest": rest.name} | {f"rest.{key}": text for key, text in named.items()}
    return hidden


def _is_finite(value: Any) -> bool:
    """Return whether ``--opts`` accepts `value`; an infinite value can only be a default."""
    return not isinstance(value, float) or math.isfinite(value)


def _grid(grid: Sequence[_Item]) -> list[str]:
    """Return one item if `grid` has all combinations, otherwise one item for each spec."""
    found = [tuple(item.named.values()) for item in grid]
    columns = [list(dict.fromkeys(column)) for column in zip(*found, strict=True)]
    is_whole = set(itertools.product(*columns)) == set(found)
    # A user's label is not extended by a key that has a single value.
    is_shown = "@" not in grid[0].head or all(len(column) > 1 for column in columns)
    if not (is_whole and is_shown):
        return [item.alone for item in grid]
    values = zip(grid[0].named, map("|".join, columns), strict=True)
    return [grid[0].head + _assigned(dict(values)) + grid[0].rest]


def _assigned(texts: Mapping[str, str]) -> str:
    return "".join(f":{key}={text}" for key, text in texts.items())


def _value(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return f"({','.join(map(_value, value))})"
    if value is None or isinstance(value, bool):
        return str(value).lower()
    return str(value)
