"""The grammar of ``--opts``: ``adam,sgd:lr=0.1|0.01,mine@mypkg.module.MyOpt:beta=0.5,…``.

    list   = item {"," item}                 nothing inside parentheses separates
    item   = "all" | name ["@" label] {":" key "=" value {"|" value}}
    name   = registered name | import path of a class | path/to/file.py:Class
    value  = number | true | false | none | text | tuple
    tuple  = "(" value {"," value} ")" | number "/" number {"/" number}

If a class accepts only matrices, such as torch.optim.Muon, ``adamw`` steps the other parameters, or
``rest=name`` with hyperparameters like ``rest.lr=0.001``. A class that wraps an optimizer gets it
under the name of its first argument: ``optimizer=adam:optimizer.lr=0.01``.

Several values make a grid; the last key varies fastest. ``schedule``, ``warmup``, ``create_graph``
and ``gradients`` belong to the suite unless the optimizer itself has an argument of that name.
A repeated spec counts once; two different specs must not share a label.

Registered optimizers are described without importing torch; `build_once` later checks their values.
"""

import inspect
import itertools
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Any

from optimizers.construct import (
    construct,
    optimizer_class,
    supplied_arguments,
    wrapped_argument,
)
from optimizers.errors import SourceError, SpecError, UnknownNameError
from optimizers.mistakes import ALIASES, cure
from optimizers.pick import near, pick, shown
from optimizers.registry import OPTIMIZERS
from optimizers.schedules import Schedule
from optimizers.source import (
    literal_bounds,
    literal_defaults,
    module_of,
    reachable,
    source_digest,
    why_not_found,
)
from optimizers.spec import OptimizerSpec

_HOW_NOT_WHAT = ("execution", "foreach", "fused", "capturable", "differentiable")
_SCHEDULE_KEYS = {"schedule": "kind", "warmup": "warmup"}
_CALL_KEYS = ("create_graph", "gradients")  # settings of the loop that calls the step
_NUMBER = r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?"
_PATHS = "such as torch.optim.AdamW, or a file such as path/to/mine.py:MyOpt"
_LONGEST_TEXT = 100_000  # characters of --opts
_MOST_SPECS = 10_000  # points of one grid
_DEEPEST = 8  # levels of nested parentheses
_MOST_DIGITS = 18  # so that the number fits into 64 bits
_PATH = re.compile(r"([^\W\d]\w*)?(\.\w*)+")
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
    if len(text) > _LONGEST_TEXT:
        raise SpecError(f"expected at most {_LONGEST_TEXT:,} characters, got {len(text):,}")
    items = [item.strip() for item in _split(text, ",") if item.strip()]
    if not items:
        raise SpecError(f"no optimizer given. Known: {', '.join(OPTIMIZERS)}")
    found: list[OptimizerSpec] = []
    for index, item in enumerate(items):
        for name in OPTIMIZERS if item == "all" else (item,):
            try:
                found += _parse_item(name)
            except UnknownNameError as error:
                known = _known_defaults(found[-1]) if found else {}
                reason = cure(items, index, known) or f"{error}, or an import path {_PATHS}"
                raise SpecError(reason) from None
    unique = list(dict.fromkeys(found))
    _check_labels(unique)
    for spec in unique:
        _check_bounds(spec)
    return unique


def _check_labels(specs: Iterable[OptimizerSpec]) -> None:
    for label, count in Counter(spec.label for spec in specs).items():
        if count > 1:
            raise SpecError(f"two different optimizers are labelled {shown(label)}; rename one")


def _check_bounds(spec: OptimizerSpec) -> None:
    """Raise SpecError for a value that a registered class would refuse, with its message."""
    for key, bound in literal_bounds(spec.target).items() if spec.name in OPTIMIZERS else ():
        try:
            bound.check(spec.target.partition(":")[2], key, spec.hyperparameters[key])
        except ValueError as error:
            raise SpecError(f"{spec.label}: {_one_line(error)}") from None


def _known_defaults(spec: OptimizerSpec) -> Mapping[str, Any]:
    if spec.name in OPTIMIZERS:
        return literal_defaults(spec.target)
    return _defaults(spec.name, _load(spec.name, spec.target), dict(spec.hyperparameters))


def build_once(specs: Iterable[OptimizerSpec]) -> None:
    """Build each optimizer over a small parameter, so that its class checks the values.

    Raises:
        SpecError: a class refuses a value; the message is that of the class.
    """
    for spec in specs:
        _try(spec)


def _parse_item(item: str) -> list[OptimizerSpec]:
    head, *assignments = _split(item, ":")
    if "@" not in head and head.endswith(".py") and assignments:
        head = f"{head}:{assignments.pop(0)}"
    name, at, label = (part.strip() for part in head.partition("@"))
    if at and not label:
        raise SpecError(f"{shown(item)}: expected a label after '@'")
    if name == "all":
        raise SpecError(f"{shown(item)}: 'all' takes no label and no hyperparameters")
    name = _importable(name)
    target = _target(name)
    cls = None if name in OPTIMIZERS else _load(name, target)
    grid = _grid(item, assignments)
    if math.prod(map(len, grid.values())) > _MOST_SPECS:
        raise SpecError(f"{shown(item)}: expected a grid of at most {_MOST_SPECS:,} points")
    choices = [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]
    return [_spec(name, label, target, cls, choice, grid) for choice in choices]


def _importable(name: str) -> str:
    """Return the import path of a class; `name` may be ``path/to/file.py:Class``."""
    try:
        return reachable(name)
    except SourceError as error:
        raise SpecError(f"optimizer {error}") from None


def _grid(item: str, assignments: list[str]) -> dict[str, list[Any]]:
    grid: dict[str, list[Any]] = {}
    for assignment in assignments:
        key, _, text = (part.strip() for part in assignment.partition("="))
        values = [value.strip() for value in _split(text, "|")]
        if not key or not all(values):
            raise SpecError(f"{shown(item)}: expected key=value after ':', got {shown(assignment)}")
        if key in grid:
            raise SpecError(f"{shown(item)}: {shown(key)} is given twice")
        grid[key] = [_value(value) for value in values]
        for value, text in zip(grid[key], values, strict=True):
            if isinstance(value, float) and not math.isfinite(value):
                raise SpecError(f"{shown(item)}: expected {key} to be finite, got {shown(text)}")
    return grid


def _spec(
    name: str,
    label: str,
    target: str,
    cls: type | None,
    given: dict[str, Any],
    grid: dict[str, list[Any]],
) -> OptimizerSpec:
    """Return one point of a grid as a spec; `cls` is None for a registered optimizer."""
    defaults = literal_defaults(target) if cls is None else _defaults(name, cls, given)
    suites = {key: given[key] for key in (*_SCHEDULE_KEYS, *_CALL_KEYS) if key in given}
    ours = {key: value for key, value in suites.items() if key not in defaults}
    own = {k: _as_default(v, defaults.get(k)) for k, v in given.items() if k not in ours}
    for key in _CALL_KEYS:
        if cls is None and key in ours:
            raise SpecError(f"{name}: {key} is for classes by import path; leave it out")
    rest = None if cls is None else _rest(name, cls, own)
    if cls is None or not _takes_any(cls):
        inner = "" if cls is None else wrapped_argument(cls)
        own_keys = [key for key in own if not (inner and key.startswith(f"{inner}."))]
        _check_keys(name, own_keys, defaults)
    resolved = {k: v for k, v in defaults.items() if k not in _HOW_NOT_WHAT and _is_json(v)} | own
    try:
        plan = {_SCHEDULE_KEYS[key]: ours[key] for key in _SCHEDULE_KEYS if key in ours}
        schedule = Schedule(**plan)
    except ValueError as error:
        raise SpecError(f"{name}: {error}") from None
    shown = given if not label else {key: given[key] for key in grid if len(grid[key]) > 1}
    words = [label or name, *(f"{key}={_text(value)}" for key, value in shown.items())]
    try:
        return OptimizerSpec(
            name=name,
            label=" ".join(words),
            target=target,
            hyperparameters=resolved,
            schedule=schedule,
            source="" if cls is None else _source(name, resolved),
            rest=rest,
            **{key: ours[key] for key in _CALL_KEYS if key in ours},
        )
    except SpecError as error:
        raise SpecError(f"{name}: {error}") from None


def _source(name: str, hyperparameters: dict[str, Any]) -> str:
    """Return the digests of the source files of a class and of the classes passed to it."""
    texts = [value for value in hyperparameters.values() if isinstance(value, str)]
    inner = [text for text in texts if "." in text and optimizer_class(text) is not None]
    return "".join(source_digest(path) for path in (name, *inner) if "." in path)


def _rest(name: str, cls: type, own: dict[str, Any]) -> OptimizerSpec | None:
    """Return the optimizer of vectors if `cls` refuses them; remove its settings from `own`.

    Some classes refuse vectors only in their step; for these the user gives ``rest``.
    """
    settings = [key for key in own if key == "rest" or key.startswith("rest.")]
    plain = {key: value for key, value in own.items() if key not in settings}
    takes = inspect.signature(cls).parameters
    asked = "." in name and "rest" in settings and "rest" not in takes
    takes_vectors = not asked and _takes(cls, plain, (2, 2), (2,))
    if takes_vectors or not _takes(cls, plain, (2, 2)):
        return None
    found = {key: own.pop(key) for key in settings}
    other = str(found.pop("rest", "adamw"))
    target = _target(other)
    given = {key.removeprefix("rest."): value for key, value in found.items()}
    return _spec(
        other, "", target, None if other in OPTIMIZERS else _load(other, target), given, {}
    )


def _takes(cls: type, own: dict[str, Any], *shapes: tuple[int, ...]) -> bool:
    import torch

    try:
        construct(cls, [torch.nn.Parameter(torch.zeros(shape)) for shape in shapes], own)
    except Exception:  # a user's class may raise anything
        return False
    return True


def _check_keys(name: str, own: Iterable[str], defaults: Mapping[str, Any]) -> None:
    for key in own:
        if key not in defaults:
            takes = ", ".join(key for key in defaults if key not in _HOW_NOT_WHAT)
            alias = ALIASES.get(key.lower().replace("-", "_"))
            known = alias if alias and alias in defaults else key
            hint = near(known, {**defaults, **_SCHEDULE_KEYS, **dict.fromkeys(_CALL_KEYS)})
            raise SpecError(f"{name} has no hyperparameter {shown(key)}.{hint} It takes: {takes}")


def _takes_any(cls: type) -> bool:
    """Return whether `cls` has ``**kwargs``: then only its constructor knows what it refuses."""
    return any(p.kind is p.VAR_KEYWORD for p in inspect.signature(cls).parameters.values())


def _defaults(name: str, cls: type, given: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of `cls` with their defaults; required ones must be in `given`."""
    supplied = supplied_arguments(cls)
    arguments = [p for p in inspect.signature(cls).parameters.values() if p.name not in supplied]
    named = [p for p in arguments if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    for parameter in named:
        if parameter.default is parameter.empty and parameter.name not in given:
            example = "torch.optim.SGD" if "optimizer" in parameter.name else "…"
            raise SpecError(
                f"{name} needs {parameter.name}: give {name}:{parameter.name}={example}"
            )
    return {p.name: None if p.default is p.empty else p.default for p in named}


def _try(spec: OptimizerSpec) -> None:
    import torch

    try:
        shapes = [(2, 2), (2,)] if spec.rest else [(2, 2)]
        optimizer = spec.build([torch.nn.Parameter(torch.zeros(shape)) for shape in shapes])
    except Exception as error:  # a user's class may raise anything
        raise SpecError(f"{spec.label}: {_one_line(error)}") from None
    if not spec.schedule.constant and any("lr" not in group for group in optimizer.param_groups):
        raise SpecError(f"{spec.label}: a schedule needs a learning rate, and it has no 'lr'")


def _target(name: str) -> str:
    if name.endswith(".py"):
        raise SpecError(f"optimizer {shown(name)}: add the class, as in {shown(name + ':MyOpt')}")
    if _PATH.fullmatch(name):
        if not all(name.split(".")):
            raise SpecError(
                f"optimizer {shown(name)}: expected names with a dot between them, as in "
                "torch.optim.AdamW"
            )
        module = module_of(name)
        return f"{module}:{name[len(module) + 1 :]}"
    return pick(OPTIMIZERS, name, "optimizer").address


def _load(name: str, target: str) -> type:
    from torch.optim import Optimizer

    module_name, attribute = target.split(":")
    try:
        module = import_module(module_name)
    except (Exception, SystemExit) as error:  # includes errors raised by the module itself
        reason = why_not_found(error, module_name) or _one_line(error)
        raise SpecError(
            f"optimizer {shown(name)}: cannot import {shown(module_name)}: {reason}"
        ) from None
    found: Any = module
    for part in attribute.split("."):
        holder, found = found, getattr(found, part, None)
        if found is None:
            hint = near(part, vars(holder) if hasattr(holder, "__dict__") else {})
            where = getattr(holder, "__qualname__", module_name)
            raise SpecError(f"optimizer {shown(name)}: {where} has no {shown(part)}.{hint}")
    if not (isinstance(found, type) and issubclass(found, Optimizer)):
        raise SpecError(f"optimizer {shown(name)}: it is not a subclass of torch.optim.Optimizer")
    return found


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
    if re.fullmatch(f"{_NUMBER}(/{_NUMBER})+", text):
        return tuple(_value(part) for part in text.split("/"))
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


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return f"({','.join(map(_text, value))})"
    short = f"{value:g}" if isinstance(value, float) else str(value)
    return short if not isinstance(value, float) or float(short) == value else repr(value)


def _as_default(value: Any, default: Any) -> Any:
    """Convert whole numbers to floats where the default is a float: ``lr=1`` is lr=1.0."""
    if isinstance(value, tuple) and isinstance(default, (tuple, list)):
        return tuple(map(_as_default, value, default)) if len(value) == len(default) else value
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return float(value) if is_whole and isinstance(default, float) else value


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _is_json(value: Any) -> bool:
    if isinstance(value, (tuple, list)):
        return all(map(_is_json, value))
    return value is None or isinstance(value, (bool, int, float, str))
