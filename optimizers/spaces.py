"""Search spaces: the hyperparameters of an optimizer to tune and their ranges, for all problems.

The ranges are fixed before anything is run, so that no optimizer is tuned more finely than another.
They are ours, derived from published ones: Schmidt, Schneider & Hennig, "Descending through a
Crowded Valley", ICML 2021 (learning rates log-uniform over four decades, decays as one minus a
log-uniform number), and Choi et al., "On Empirical Comparisons of Optimizers for Deep Learning",
2019 (one minus momentum log-uniform; a space that holds every special case of an optimizer).
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

Kind = Literal["lr", "full"]
"""Which of an optimizer's two spaces: the learning rate alone, or every hyperparameter to tune."""

_DIGITS = 6  # significant digits of a drawn value, as many as a label shows
_WORDS = {
    "lr": "lr",
    "momentum": "momentum/beta1",
    "beta1": "momentum/beta1",
    "beta": "momentum/beta1",
    "betas.0": "momentum/beta1",
    "beta2": "beta2",
    "betas.1": "beta2",
    "alpha": "beta2",  # RMSprop's decay of squared gradients
    "rho": "beta2",  # Adadelta's
    "weight_decay": "weight_decay",
    "schedule": "schedule",
}
_ORDER = tuple(dict.fromkeys(_WORDS.values()))


@dataclass(frozen=True, kw_only=True)
class Range:
    """A hyperparameter drawn log-uniformly from low to high.

    Args:
        name: Name of the hyperparameter; ``betas.0`` for the first number of a pair.
        low: Smallest value.
        high: Largest value.
        one_minus: The hyperparameter is one minus the drawn value, as for decays near one.
    """

    name: str
    low: float
    high: float
    one_minus: bool = False

    def __post_init__(self) -> None:
        if not (_is_number(self.low) and _is_number(self.high) and 0 < self.low < self.high):
            raise ValueError(
                f"range of {self.name}: expected positive ends, the smaller first, "
                f"got {self.low!r} and {self.high!r}"
            )
        if self.one_minus and self.high >= 1:
            raise ValueError(
                f"range of {self.name}: expected one minus a number below 1, got {self.high!r}"
            )

    def at(self, u: float) -> float:
        """Return the value at `u` in [0, 1] of the range, rounded to 6 significant digits.

        If the value is one minus a number, that number keeps at least 3 digits. So labels, files
        and commands show all digits of a drawn value.

        >>> Range(name="lr", low=1e-4, high=1.0).at(0.375)
        0.00316228
        >>> Range(name="momentum", low=0.001, high=0.1, one_minus=True).at(0.5)
        0.99
        """
        drawn = math.exp((1 - u) * math.log(self.low) + u * math.log(self.high))
        exponent = math.floor(math.log10(drawn))
        if self.one_minus:
            return round(1 - drawn, max(_DIGITS, 2 - exponent))
        return float(f"{drawn:.{_DIGITS}g}")

    def whole_at(self, u: float) -> int:
        """Return the whole number of the range that is next to the value at `u`.

        >>> Range(name="k", low=1.5, high=9.0).whole_at(0.0)
        2
        """
        return max(math.ceil(self.low), min(round(self.at(u)), math.floor(self.high)))

    @property
    def whole_count(self) -> float:
        """Number of whole numbers in the range; infinite where 6 digits do not tell them apart."""
        count = math.floor(self.high) - math.ceil(self.low) + 1
        return count if self.high <= 10**_DIGITS else math.inf

    def where(self, value: Any) -> float | None:
        """Return the u in [0, 1] at which the range has `value`, None if it does not have it.

        >>> Range(name="lr", low=1e-4, high=1.0).where(0.01)
        0.5
        """
        if not _is_number(value):
            return None
        drawn = 1 - value if self.one_minus else value
        if drawn <= 0:
            return None
        u = math.log(drawn / self.low) / math.log(self.high / self.low)
        u = round(u, 9)  # one minus 0.999 is nearly 0.001
        return u if 0 <= u <= 1 else None


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A hyperparameter drawn from a few values, each as probable as the others.

    Args:
        name: Name of the hyperparameter, such as ``schedule``.
        values: Two or more different texts, booleans or None.
    """

    name: str
    values: tuple[str | bool | None, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", tuple(self.values))
        if len(set(self.values)) != len(self.values) or len(self.values) < 2:
            raise ValueError(
                f"choice of {self.name}: expected two or more different values, got {self.values!r}"
            )

    def at(self, u: float) -> str | bool | None:
        """Return the value at `u` in [0, 1].

        >>> Choice(name="schedule", values=("constant", "cosine")).at(0.5)
        'cosine'
        """
        count = len(self.values)
        return self.values[min(math.floor(u * count), count - 1)]

    def where(self, value: Any) -> float | None:
        """Return a u in [0, 1] at which the choice has `value`, None if it does not have it."""
        found = (i for i, each in enumerate(self.values) if each == value)
        return next(((i + 0.5) / len(self.values) for i in found), None)

    def start(self, default: Any) -> str | bool | None:
        """Return `default` if it is one of the values, otherwise the first value."""
        return self.at(self.where(default) or 0.0)


@dataclass(frozen=True, kw_only=True)
class Space:
    """The hyperparameters that are tuned together, and the source of their ranges.

    Args:
        ranges: Their ranges and choices; the learning rate is put first, choices last.
        source: Origin of the ranges.
    """

    ranges: tuple[Range | Choice, ...] = ()
    source: str = (
        "learning rate over four decades, decays as one minus a log-uniform number, "
        "after Schmidt et al., ICML 2021, and Choi et al., 2019"
    )

    def __post_init__(self) -> None:
        order = sorted(
            self.ranges, key=lambda each: (kind_of(each.name) != "lr", isinstance(each, Choice))
        )
        object.__setattr__(self, "ranges", tuple(order))

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of the hyperparameters, one word for each; optimizers that share these compare.

        >>> Space(ranges=ADAM_LIKE).kinds
        ('lr', 'momentum/beta1', 'beta2')
        """
        found = {kind_of(each.name) for each in self.ranges}
        others = sorted(found.difference(_ORDER))
        return (*(kind for kind in _ORDER if kind in found), *others)

    @property
    def only_lr(self) -> "Space":
        """The space of the learning rate alone."""
        own = tuple(each for each in self.ranges if kind_of(each.name) == "lr")
        return Space(ranges=own, source=self.source)

    def without(self, names: frozenset[str]) -> "Space":
        """Return the space without the hyperparameters `names`; ``betas`` removes ``betas.0``."""
        kept = [each for each in self.ranges if names.isdisjoint({each.name, whole(each.name)})]
        return Space(ranges=tuple(kept), source=self.source)

    def to_json(self) -> dict[str, Any]:
        """Return a mapping that JSON and TOML can hold, and that `from_json` reads."""
        ranges = [
            {**asdict(each), "values": [as_text(value) for value in each.values]}
            if isinstance(each, Choice)
            else asdict(each)
            for each in self.ranges
        ]
        return {"ranges": ranges, "source": self.source}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Space":
        """Build a space from `to_json`'s mapping.

        Raises:
            ValueError, TypeError: an entry is missing, unknown or no range.
        """
        ranges = [
            Choice(**{**each, "values": tuple(map(from_text, each["values"]))})
            if "values" in each
            else Range(**each)
            for each in data["ranges"]
        ]
        return cls(**{**data, "ranges": tuple(ranges)})


def kind_of(name: str) -> str:
    """Return the kind of hyperparameter that `name` is, in one word for all optimizers.

    >>> [kind_of(name) for name in ("betas.0", "optimizer.lr", "rest.lr", "eps")]
    ['momentum/beta1', 'lr', 'rest.lr', 'eps']
    """
    words = name.split(".")
    own = ".".join(words[-1:] if whole(name) == name else words[-2:])
    kind = _WORDS.get(own, own)
    return f"rest.{kind}" if words[0] == "rest" and len(words) > 1 else kind


def is_registered(kind: str) -> bool:
    """Return whether spaces of the registry may have a kind of hyperparameter.

    >>> is_registered("beta2"), is_registered("rest.lr"), is_registered("schedule")
    (True, True, False)
    """
    return kind.removeprefix("rest.") in _ORDER and kind != "schedule"


def learning_rate(hyperparameters: Mapping[str, Any]) -> tuple[str, float] | None:
    """Return the name and value of the learning rate, the optimizer's own before a wrapped one's.

    >>> learning_rate({"alpha": 0.5, "optimizer.lr": 0.1})
    ('optimizer.lr', 0.1)
    """
    found = [name for name in hyperparameters if kind_of(name) == "lr"]
    rates = [name for name in found if _is_number(hyperparameters[name])]
    name = min(rates, key=lambda each: each != "lr", default=None)
    return (name, float(hyperparameters[name])) if name is not None else None


def whole(name: str) -> str:
    """Return the hyperparameter to which `name` belongs.

    >>> whole("betas.0"), whole("optimizer.lr")
    ('betas', 'optimizer.lr')
    """
    return split_name(name)[0]


def split_name(name: str) -> tuple[str, int | None]:
    """Return the hyperparameter to which `name` belongs, and the index of its number in a tuple.

    >>> split_name("betas.0"), split_name("optimizer.lr")
    (('betas', 0), ('optimizer.lr', None))
    """
    head, _, last = name.rpartition(".")
    is_index = last.isascii() and last.isdigit() and len(last) < 3
    return (head, int(last)) if head and is_index else (name, None)


def as_text(value: Any) -> Any:
    """Return ``"none"`` for None, which TOML cannot hold, and other values unchanged."""
    return "none" if value is None else value


def from_text(value: Any) -> Any:
    """Return None for ``"none"``, as the grammar does, and other values unchanged."""
    return None if value == "none" else value


def _is_number(value: Any) -> bool:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and math.isfinite(value)


ADAM_LIKE = (
    Range(name="lr", low=1e-5, high=1e-1),
    Range(name="betas.0", low=1e-2, high=0.5, one_minus=True),
    Range(name="betas.1", low=1e-4, high=0.2, one_minus=True),
)
MOMENTUM = Range(name="momentum", low=1e-3, high=0.3, one_minus=True)
ALPHA = Range(name="alpha", low=1e-3, high=0.3, one_minus=True)
RHO = Range(name="rho", low=1e-2, high=0.3, one_minus=True)
WEIGHT_DECAY = Range(name="weight_decay", low=1e-4, high=1.0)

KNOWN = {
    each.name: each
    for each in (
        *ADAM_LIKE,
        replace(ADAM_LIKE[1], name="beta1"),
        replace(ADAM_LIKE[2], name="beta2"),
        MOMENTUM,
        ALPHA,
        RHO,
        WEIGHT_DECAY,
    )
}
"""Ranges for arguments of any optimizer class, by the name of the argument."""
