"""Optimizers to tune: a name, fixed hyperparameters, and a space from which the others are drawn.

`grammar.describe_tunables` reads them from a command line. Torch is loaded only for import paths.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal, get_args

from optimizers.construct import wrapped_argument
from optimizers.errors import SpecError
from optimizers.pick import shown
from optimizers.recordable import is_recordable
from optimizers.registry import OPTIMIZERS
from optimizers.resolve import (
    REQUIRED,
    Found,
    arguments,
    check_bounds,
    find,
    labelled,
    resolve,
    takes_any,
)
from optimizers.spaces import KNOWN, Choice, Kind, Range, Space, as_text, from_text, whole
from optimizers.spec import OptimizerSpec
from optimizers.whole_numbers import is_of_whole_numbers

_ALMOST_ONE = 1 - 2**-53

Ranges = Literal["lr", "full", "given"]
"""Where ranges are from: one of the registry's two spaces, or the user."""


@dataclass(frozen=True, kw_only=True)
class Tunable:
    """An optimizer to tune.

    Args:
        name: Registered name or import path.
        label: Name in tables; the label of a point is this and the point's drawn values.
        fixed: Hyperparameters that are given and not drawn; ``betas.1`` is one number of a tuple.
            Do not modify the mapping. All hyperparameters neither here nor in `space` have their
            defaults.
        space: Hyperparameters that are drawn.
        kind: ``lr`` or ``full`` for that space of the registry, ``given`` for ranges of the user.
    """

    name: str
    label: str
    fixed: Mapping[str, Any] = field(default_factory=dict, hash=False)
    space: Space
    kind: Ranges

    def __post_init__(self) -> None:
        if self.kind not in get_args(Ranges):
            raise SpecError(
                f"{self.label}: expected kind to be one of {', '.join(get_args(Ranges))}, "
                f"got {shown(self.kind)}"
            )
        for name in ("name", "label"):
            if not isinstance(found := getattr(self, name), str):
                raise SpecError(f"optimizer to tune: expected {name} to be a text, got {found!r}")
        object.__setattr__(self, "fixed", {k: _tuples(v) for k, v in self.fixed.items()})

    def point(self, u: Sequence[float]) -> OptimizerSpec:
        """Return the optimizer at one point of its space.

        Args:
            u: One number in [0, 1) for each of `space.ranges`, in their order.

        Raises:
            ValueError: `u` has another length, or a number outside of [0, 1).
            SpecError: the class cannot be loaded or does not have a hyperparameter.
        """
        ranges = self.space.ranges
        if len(u) != len(ranges) or not all(0 <= each < 1 for each in u):
            raise ValueError(
                f"{self.label}: expected {len(ranges)} numbers in [0, 1), got {list(u)!r}"
            )
        found = find(self.name)
        return self._spec(
            {each.name: self._drawn(each, x, found) for each, x in zip(ranges, u, strict=True)}
        )

    def defaults(self) -> OptimizerSpec:
        """Return the optimizer with its default hyperparameters and those that are fixed.

        The middle of a range stands for a default that is missing or outside of the user's range,
        the first value of a choice for a default that is not one of its values.

        Raises:
            SpecError: the class cannot be loaded or does not have a hyperparameter.
        """
        return self._spec(self.first_values())

    def first_values(self) -> dict[str, Any]:
        """Return the values that `defaults` has for the hyperparameters of the space, by name."""
        found = find(self.name)
        known = {"schedule": "constant"} | arguments(found)
        return {
            each.name: self._start(each, _default(each.name, known), found)
            for each in self.space.ranges
        }

    @property
    def size(self) -> float:
        """Number of points: infinite with a range of real numbers, otherwise a product.

        Raises:
            SpecError: the class cannot be loaded.
        """
        found = find(self.name)
        return math.prod(self._count(each, found) for each in self.space.ranges)

    def check(self) -> None:
        """Raise SpecError if the ends of a range or one of the choices cannot be resolved."""
        ranges = self.space.ranges
        ends = [self.defaults(), self.point([0.0] * len(ranges))]
        ends.append(self.point([_ALMOST_ONE] * len(ranges)))
        for i, each in enumerate(ranges):
            count = len(each.values) if isinstance(each, Choice) else 0
            for value in range(count):
                u = [0.0] * len(ranges)
                u[i] = (value + 0.5) / count
                ends.append(self.point(u))
        for spec in ends:
            check_bounds(spec)

    def to_json(self) -> dict[str, Any]:
        """Return a mapping that JSON and TOML can hold, and that `from_json` reads."""
        return {
            "name": self.name,
            "label": self.label,
            "kind": self.kind,
            "fixed": {key: _lists(value) for key, value in self.fixed.items()},
            "space": self.space.to_json(),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Tunable":
        """Build an optimizer to tune from `to_json`'s mapping.

        Raises:
            SpecError: an entry is missing, unknown or has a wrong value.
        """
        names = {each.name for each in fields(cls)}
        if unlike := sorted(names.symmetric_difference(data)):
            raise SpecError(
                f"optimizer to tune: expected {', '.join(sorted(names))}; "
                f"missing or unknown: {', '.join(unlike)}"
            )
        try:
            return cls(**{**data, "space": Space.from_json(data["space"])})
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise SpecError(f"optimizer to tune {shown(data['name'])}: {error}") from None

    def _count(self, each: Range | Choice, found: Found) -> float:
        if isinstance(each, Choice):
            return len(each.values)
        is_whole = is_of_whole_numbers(each, found, self.fixed)
        return each.whole_count if is_whole else math.inf

    def _start(self, each: Range | Choice, default: Any, found: Found) -> Any:
        if isinstance(each, Choice):
            return each.start(default)
        is_free = self.kind != "given" and is_recordable(default)
        if is_free or each.where(default) is not None:
            return float(default) if isinstance(default, float) else default
        return self._drawn(each, 0.5, found)

    def _drawn(self, each: Range | Choice, u: float, found: Found) -> Any:
        """Return the value at `u`, in the type in which a command line gives it.

        A command line writes 1.0 as ``lr=1``, a whole number, which becomes a float only where the
        class has a float as its default. So a point and its command are one trial.
        """
        if isinstance(each, Range) and is_of_whole_numbers(each, found, self.fixed):
            return each.whole_at(u)
        value = each.at(u)
        return int(value) if isinstance(value, float) and value.is_integer() else value

    def _spec(self, tuned: Mapping[str, Any]) -> OptimizerSpec:
        found = find(self.name)
        named = {key: value for key, value in self.fixed.items() if whole(key) == key}
        parts = {key: value for key, value in self.fixed.items() if key not in named}
        drawn = _joined({**tuned, **parts}, arguments(found))
        if twice := named.keys() & drawn.keys():
            raise SpecError(f"{self.label}: {', '.join(sorted(twice))} is both fixed and drawn")
        return resolve(found, {**named, **drawn}, label=labelled(self.label, drawn))


def space_of(found: Found, kind: Kind) -> Space:
    """Return the space of an optimizer: the registry's, or ranges by the names of arguments.

    Arguments of a class by import path that have a name that the registry knows, and a number as
    default or none, get the registry's ranges: lr, betas, beta1 and beta2 Adam's, weight_decay
    AdamW's, momentum, alpha and rho those of momentum, RMSprop and Adadelta.

    Raises:
        SpecError: the class has no argument ``lr``.
    """
    if found.cls is None:
        return OPTIMIZERS[found.name].spaces[kind]
    known = arguments(found)
    if "lr" not in known:
        numbers = [key for key, value in known.items() if _is_drawn(value)]
        inner = wrapped_argument(found.cls)
        if not (inner or numbers or takes_any(found.cls)):
            raise SpecError(
                f"{found.name} has no number to tune: give its __init__ an argument such as lr"
            )
        key = f"{inner}=torch.optim.SGD:{inner}.lr" if inner else next(iter(numbers), "lr")
        raise SpecError(
            f"{found.name} has no argument lr: give a range to tune, as in "
            f"{found.name}:{key}=1e-4..1e-1"
        )
    named = tuple(each for name, each in KNOWN.items() if _is_drawn(_default(name, known, None)))
    lr = () if "lr" in [each.name for each in named] else (KNOWN["lr"],)  # its default is None
    space = Space(ranges=(*lr, *named), source="ranges of registered optimizers, by argument names")
    return space.only_lr if kind == "lr" else space


def _default(name: str, known: Mapping[str, Any], missing: Any = REQUIRED) -> Any:
    """Return the default of an argument, or of one number of a pair, `missing` if there is none."""
    key = whole(name)
    value = known.get(key, missing)
    if key == name:
        return value
    is_pair = isinstance(value, (tuple, list)) and len(value) == 2
    return value[int(name[-1])] if is_pair and name[-2:] in (".0", ".1") else missing


def _is_drawn(default: Any) -> bool:
    is_number = isinstance(default, (int, float)) and not isinstance(default, bool)
    return is_number or default is REQUIRED


def _joined(values: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """Return `values` in which ``betas.0`` and ``betas.1`` are one tuple, ``betas``.

    >>> _joined({"lr": 0.1, "betas.1": 0.99}, {"betas": (0.9, 0.999)})
    {'lr': 0.1, 'betas': (0.9, 0.99)}
    """
    joined: dict[str, Any] = {}
    for name, value in values.items():
        key = whole(name)
        if key == name:
            joined[key] = value
        else:
            index = int(name.rpartition(".")[2])
            joined[key] = joined.get(key, {}) | {index: value}
    return {
        key: _filled(key, value, known.get(key)) if isinstance(value, dict) else value
        for key, value in joined.items()
    }


def _filled(key: str, parts: Mapping[int, Any], default: Any) -> tuple[Any, ...]:
    numbers = dict(enumerate(default)) if isinstance(default, (tuple, list)) else {}
    numbers |= parts
    if missing := sorted(set(range(len(numbers))) - numbers.keys()):
        raise SpecError(
            f"{key}: give all its numbers in parentheses; number {missing[0]} is missing"
        )
    return tuple(numbers[i] for i in range(len(numbers)))


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, (tuple, list)) else from_text(value)


def _lists(value: Any) -> Any:
    return list(map(_lists, value)) if isinstance(value, (tuple, list)) else as_text(value)
