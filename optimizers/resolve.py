"""From a name and given hyperparameters to a spec, with every default resolved.

`grammar` and `tunable` come here with values; nothing here reads the text of a command line.
Registered optimizers are resolved without importing torch.
"""

import inspect
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from optimizers.construct import (
    construct,
    optimizer_class,
    supplied_arguments,
    wrapped_argument,
)
from optimizers.errors import SourceError, SpecError, exit_words
from optimizers.mistakes import ALIASES
from optimizers.pick import is_import_path, near, pick, shown
from optimizers.recordable import LONGEST_LABEL, VALUES, is_recordable, is_text
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
_PATHS = "such as torch.optim.AdamW, or a file such as path/to/mine.py:MyOpt"
_PATH = re.compile(r"([^\W\d]\w*)?(\.\w*)+")
REQUIRED = inspect.Parameter.empty


@dataclass(frozen=True, kw_only=True)
class Found:
    """An optimizer found by its name.

    Args:
        name: Registered name or import path.
        target: The class as ``module:attribute``, as in records.
        cls: The class; None for a registered optimizer, whose arguments are read from its source.
    """

    name: str
    target: str
    cls: type | None


def find(name: str) -> Found:
    """Return the optimizer called `name`: registered, an import path, or ``path/to/file.py:Class``.

    Raises:
        UnknownNameError: the name is neither registered nor a path.
        SpecError: there is no optimizer class at the path.
    """
    try:
        path = reachable(name)
    except SourceError as error:
        raise SpecError(f"optimizer {error}") from None
    target = _target(path)
    return Found(name=path, target=target, cls=None if path in OPTIMIZERS else _load(path, target))


def arguments(found: Found) -> dict[str, Any]:
    """Return the arguments of an optimizer with their defaults, `REQUIRED` for one without."""
    if found.cls is None:
        return dict(literal_defaults(found.target))
    supplied = supplied_arguments(found.cls)
    takes = inspect.signature(found.cls).parameters.values()
    return {
        p.name: p.default
        for p in takes
        if p.name not in supplied and p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
    }


def resolve(found: Found, given: Mapping[str, Any], *, label: str) -> OptimizerSpec:
    """Return the spec of an optimizer with the hyperparameters `given` and defaults for all others.

    Raises:
        SpecError: a hyperparameter is missing or unknown.
    """
    name, cls = found.name, found.cls
    defaults = defaults_with(found, given)
    suites = {key: given[key] for key in (*_SCHEDULE_KEYS, *_CALL_KEYS) if key in given}
    ours = {key: value for key, value in suites.items() if key not in defaults}
    own = {k: _as_default(v, defaults.get(k)) for k, v in given.items() if k not in ours}
    for key in _CALL_KEYS:
        if cls is None and key in ours:
            raise SpecError(f"{name}: {key} is for classes by import path; leave it out")
    rest = None if cls is None else _rest(name, cls, own)
    _check_keys(found, own, defaults)
    _check_values(name, label, own)
    kept = (k for k, v in defaults.items() if k not in _HOW_NOT_WHAT and is_recordable(v))
    resolved = {key: defaults[key] for key in kept} | own
    try:
        plan = {_SCHEDULE_KEYS[key]: ours[key] for key in _SCHEDULE_KEYS if key in ours}
        schedule = Schedule(**plan)
    except ValueError as error:
        raise SpecError(f"{name}: {error}") from None
    try:
        return OptimizerSpec(
            name=name,
            label=label,
            target=found.target,
            hyperparameters=resolved,
            schedule=schedule,
            source="" if cls is None else _source(name, resolved),
            rest=rest,
            **{key: ours[key] for key in _CALL_KEYS if key in ours},
        )
    except SpecError as error:
        raise SpecError(f"{name}: {error}") from None


def check_bounds(spec: OptimizerSpec) -> None:
    """Raise SpecError for a value that a registered class would refuse, with its message."""
    for key, bound in literal_bounds(spec.target).items() if spec.name in OPTIMIZERS else ():
        try:
            bound.check(spec.target.partition(":")[2], key, spec.hyperparameters[key])
        except ValueError as error:
            raise SpecError(f"{spec.label}: {one_line(error)}") from None


def labelled(head: str, values: Mapping[str, Any]) -> str:
    """Return a label that ends with hyperparameters.

    >>> labelled("adam", {"lr": 0.01, "betas": (0.9, 0.99)})
    'adam lr=0.01 betas=(0.9,0.99)'
    """
    return " ".join([head, *(f"{key}={_text(value)}" for key, value in values.items())])


def one_line(error: BaseException) -> str:
    """Return the message of any error on one line."""
    if isinstance(error, SystemExit):
        return exit_words(error)
    return " ".join(str(error).split()) or type(error).__name__


def defaults_with(found: Found, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return all arguments with their defaults; None for required ones, which are in `given`.

    Raises:
        SpecError: a required argument is not in `given`.
    """
    defaults = arguments(found)
    if found.cls is not None and (nameless := _nameless(found.cls)):
        raise SpecError(
            f"{found.name}: arguments before the / of its constructor cannot be given by name, as "
            f"hyperparameters are: move {nameless} behind it"
        )
    for key, default in defaults.items():
        if default is REQUIRED and key not in given:
            example = "torch.optim.SGD" if "optimizer" in key else "…"
            raise SpecError(f"{found.name} needs {key}: give {found.name}:{key}={example}")
    return {key: None if value is REQUIRED else value for key, value in defaults.items()}


def _nameless(cls: type) -> str:
    """Return a required argument of `cls` that can only be given by place; "" if none."""
    supplied = {*supplied_arguments(cls), wrapped_argument(cls)}
    takes = inspect.signature(cls).parameters.values()
    return next(
        (
            p.name
            for p in takes
            if p.kind is p.POSITIONAL_ONLY and p.default is p.empty and p.name not in supplied
        ),
        "",
    )


def _source(name: str, hyperparameters: dict[str, Any]) -> str:
    """Return the digests of the source files of a class and of the classes passed to it."""
    texts = [value for value in hyperparameters.values() if isinstance(value, str)]
    inner = [text for text in texts if is_import_path(text) and optimizer_class(text) is not None]
    return "".join(source_digest(path) for path in (name, *inner) if is_import_path(path))


def _rest(name: str, cls: type, own: dict[str, Any]) -> OptimizerSpec | None:
    """Return the optimizer of vectors if `cls` refuses them; remove its settings from `own`.

    Some classes refuse vectors only in their step; for these the user gives ``rest``.
    """
    settings = [key for key in own if key == "rest" or key.startswith("rest.")]
    plain = {key: value for key, value in own.items() if key not in settings}
    takes = inspect.signature(cls).parameters
    asked = is_import_path(name) and "rest" in settings and "rest" not in takes
    takes_vectors = not asked and _takes(cls, plain, (2, 2), (2,))
    if takes_vectors or not _takes(cls, plain, (2, 2)):
        return None
    found = {key: own.pop(key) for key in settings}
    other = str(found.pop("rest", "adamw"))
    given = {key.removeprefix("rest."): value for key, value in found.items()}
    inner = find(other)
    for key in (*_SCHEDULE_KEYS, *_CALL_KEYS):
        if key in given and key not in arguments(inner):
            raise SpecError(
                f"{name}: {key} is set for matrices and the rest together: give {key}={given[key]} "
                f"in place of rest.{key}"
            )
    rest = resolve(inner, given, label=labelled(other, given))
    if rest.rest is not None:
        raise SpecError(
            f"{name}: the rest must accept vectors, and {other} accepts only matrices: leave rest "
            "out for adamw, or give another, such as rest=sgd"
        )
    return rest


def _takes(cls: type, own: dict[str, Any], *shapes: tuple[int, ...]) -> bool:
    import torch

    try:
        construct(cls, [torch.nn.Parameter(torch.zeros(shape)) for shape in shapes], own)
    except Exception:  # a user's class may raise anything
        return False
    return True


def _check_keys(found: Found, own: Iterable[str], defaults: Mapping[str, Any]) -> None:
    if found.cls is not None and takes_any(found.cls):
        return
    inner = "" if found.cls is None else wrapped_argument(found.cls)
    for key in own:
        is_inner = bool(inner) and (key == inner or key.startswith(f"{inner}."))
        if key not in defaults and not is_inner:
            takes = ", ".join(key for key in defaults if key not in _HOW_NOT_WHAT) or "none"
            alias = ALIASES.get(key.lower().replace("-", "_"))
            known = alias if alias and alias in defaults else key
            hint = near(known, {**defaults, **_SCHEDULE_KEYS, **dict.fromkeys(_CALL_KEYS)})
            raise SpecError(
                f"{found.name} has no hyperparameter {shown(key)}.{hint} It takes: {takes}"
            )


def _check_values(name: str, label: str, own: Mapping[str, Any]) -> None:
    for key, value in own.items():
        if not is_recordable(value):
            raise SpecError(f"{name}: expected {key} to be {VALUES}, got {shown(_text(value))}")
    if not is_text(label, LONGEST_LABEL):
        raise SpecError(
            f"{name}: expected a label of at most {LONGEST_LABEL} characters in valid Unicode, got "
            f"{shown(label)}; give one, as in {shown(f'{name}@mine')}"
        )


def takes_any(cls: type) -> bool:
    """Return whether `cls` has ``**kwargs``: then only its constructor knows what it refuses."""
    return any(p.kind is p.VAR_KEYWORD for p in inspect.signature(cls).parameters.values())


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
    module_name, attribute = target.split(":")
    try:
        module = import_module(module_name)
    except (Exception, SystemExit) as error:  # includes errors raised by the module itself
        reason = why_not_found(error, module_name) or one_line(error)
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
    from torch.optim import Optimizer  # late, so that a misspelt module is told at once

    if not (isinstance(found, type) and issubclass(found, Optimizer)):
        raise SpecError(f"optimizer {shown(name)}: it is not a subclass of torch.optim.Optimizer")
    return found


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
