"""Optimizers as data: name, import path of the class, and resolved hyperparameters.

`grammar` reads such descriptions from a command line. Torch is imported only by `build`.
"""

import inspect
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from functools import cache, cached_property, partial
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

from optimizers.errors import SpecError
from optimizers.schedules import Schedule

if TYPE_CHECKING:
    from torch.optim import Optimizer

_LATER = ("source", "rest", "create_graph", "gradients")  # fields added after the first records


@dataclass(frozen=True, kw_only=True)
class OptimizerSpec:
    """The description of an optimizer: everything except its parameters.

    Args:
        name: Registered name or import path.
        label: Name in tables and figures.
        target: The class as ``module:attribute``.
        hyperparameters: All hyperparameters that JSON can hold, defaults included. Do not modify
            the mapping. It is left out of the hash so that specs can be keys. Lists become tuples.
        schedule: Learning-rate schedule.
        source: Digest of the source file if the class is not installed, see `source`; otherwise "".
        rest: Optimizer of the other parameters if the class accepts only matrices.
        create_graph: Keep the graph of the gradients, for a step that differentiates them; None to
            decide by the class, see `contract.differentiates_gradients`.
        gradients: ``first`` if the step takes a closure and expects gradients before it calls it,
            as most sharpness-aware methods do; ``closure`` if the closure computes them; "" is
            ``closure`` with a check in the rehearsal.
    """

    name: str
    label: str
    target: str
    hyperparameters: Mapping[str, Any] = field(default_factory=dict, hash=False)
    schedule: Schedule = field(default_factory=Schedule)
    source: str = ""
    rest: "OptimizerSpec | None" = None
    create_graph: bool | None = None
    gradients: str = ""

    def __post_init__(self) -> None:
        values = {name: _tuples(value) for name, value in self.hyperparameters.items()}
        object.__setattr__(self, "hyperparameters", values)
        if self.create_graph not in (None, True, False):
            raise SpecError(f"create_graph: expected true or false, got {self.create_graph!r}")
        if self.gradients not in ("", "first", "closure"):
            raise SpecError(f"gradients: expected first or closure, got {self.gradients!r}")

    def build(self, params: Iterable[Any], *, execution: str | None = None) -> "Optimizer":
        """Return the optimizer over `params`, with hyperparameters as its class checks them.

        Args:
            params: Parameters, pairs of name and parameter, or groups of either; `construct` passes
                them to the class in the form that it expects.
            execution: Way in which our own optimizers run their rule, see `optimizers.base`. Other
                classes ignore it, and a hyperparameter `execution` takes precedence.
        """
        make = partial(self._make, execution=execution)
        if self.rest is None:
            return make(params)
        from optimizers.split import SplitOptimizer

        return SplitOptimizer(params, make, partial(self.rest.build, execution=execution))

    def _make(self, params: Iterable[Any], *, execution: str | None) -> "Optimizer":
        from optimizers.construct import construct

        target = resolve_name(self.target)
        chosen = {"execution": execution} if execution and _has_executions(target) else {}
        return construct(target, params, {**chosen, **self.hyperparameters})

    @cached_property
    def text(self) -> str:
        """The whole spec as one text; equal texts give equal trial keys."""
        return json.dumps(self._json, sort_keys=True)

    @cached_property
    def compact(self) -> str:
        """The whole spec as one text without spaces, as it stands in what trial keys digest."""
        return json.dumps(self._json, sort_keys=True, separators=(",", ":"))

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-able mapping that `from_json` reads; do not modify its values."""
        return dict(self._json)

    @cached_property
    def _json(self) -> dict[str, Any]:
        found = {name: getattr(self, name) for name, _ in _defaults()}
        found["hyperparameters"] = {k: _lists(v) for k, v in self.hyperparameters.items()}
        found["schedule"] = dict(vars(self.schedule))
        found["rest"] = self.rest and self.rest.to_json()
        # Fields at their defaults are left out, so that older trial keys stay valid.
        for name, default in _defaults():
            if name in _LATER and found[name] == default:
                del found[name]
        return found

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "OptimizerSpec":
        """Build a spec from `to_json`'s mapping."""
        rest = cls.from_json(data["rest"]) if data.get("rest") else None
        return cls(**{**data, "schedule": Schedule(**data["schedule"]), "rest": rest})


@cache
def _defaults() -> tuple[tuple[str, Any], ...]:
    """Return the fields of a spec with their defaults."""
    return tuple((each.name, each.default) for each in fields(OptimizerSpec))


def _has_executions(target: Any) -> bool:
    """Return whether this is a class with our ways of running a rule."""
    from optimizers.base import PaperOptimizer

    if not (isinstance(target, type) and issubclass(target, PaperOptimizer)):
        return False
    return "execution" in inspect.signature(target).parameters


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, (tuple, list)) else value


def _lists(value: Any) -> Any:
    return list(map(_lists, value)) if isinstance(value, (tuple, list)) else value
