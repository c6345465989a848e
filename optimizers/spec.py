"""An optimizer as data: its name, where its class lives, its resolved hyperparameters.

`grammar` reads such descriptions from a command line. Torch is imported only by `build`.
"""

import inspect
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property, partial
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

from optimizers.schedules import Schedule

if TYPE_CHECKING:
    from torch.optim import Optimizer

_LATER = ("source", "rest", "create_graph", "gradients")  # fields that came after the first records


class SpecError(ValueError):
    """A description of an optimizer that cannot be followed; the message is one line."""


@dataclass(frozen=True, kw_only=True)
class OptimizerSpec:
    """A factory of optimizers: everything but the parameters.

    Args:
        name: Registered name or import path.
        label: What tables and figures call it.
        target: Its class as ``module:attribute``.
        hyperparameters: Every one that can be written as JSON, defaults included. Read it only;
            it takes no part in the hash, so that specs can be keys. Lists become tuples.
        schedule: What multiplies the learning rate.
        source: Digest of the file of a class that is not installed, see `source`; empty else.
        rest: For a class that takes matrices alone: what steps the other parameters.
        create_graph: Whether gradients keep their graph, for a step that differentiates them; None
            to tell from the class, see `contract.differentiates_gradients`.
        gradients: ``first`` for a step that takes a closure and finds gradients there already, as
            most sharpness-aware methods do; ``closure`` for one that gets them from its closure;
            empty for the latter, which a rehearsal then checks.
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
            params: Parameters, pairs of name and parameter, or groups of either; the class gets
                the form that it asks for, see `construct`.
            execution: For those who own the network: how our own optimizers run their rule, see
                `optimizers.base`; others, and hyperparameters that say it themselves, keep theirs.
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
        """All of it as one text, equal where trials with it have equal keys."""
        return json.dumps(self._json, sort_keys=True)

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-able mapping that `from_json` reads; its values are not to be changed."""
        return dict(self._json)

    @cached_property
    def _json(self) -> dict[str, Any]:
        found = {each.name: getattr(self, each.name) for each in fields(self)}
        found["hyperparameters"] = {k: _lists(v) for k, v in self.hyperparameters.items()}
        found["schedule"] = asdict(self.schedule)
        found["rest"] = self.rest and self.rest.to_json()
        # So that keys of trials stay as they were without them.
        for each in fields(self):
            if each.name in _LATER and found[each.name] == each.default:
                del found[each.name]
        return found

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "OptimizerSpec":
        """Build a spec from `to_json`'s mapping."""
        rest = cls.from_json(data["rest"]) if data.get("rest") else None
        return cls(**{**data, "schedule": Schedule(**data["schedule"]), "rest": rest})


def _has_executions(target: Any) -> bool:
    """Whether this is a class with our ways of running a rule."""
    from optimizers.base import PaperOptimizer

    if not (isinstance(target, type) and issubclass(target, PaperOptimizer)):
        return False
    return "execution" in inspect.signature(target).parameters


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, (tuple, list)) else value


def _lists(value: Any) -> Any:
    return list(map(_lists, value)) if isinstance(value, (tuple, list)) else value
