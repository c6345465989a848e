"""An optimizer as data: its name, where its class lives, its resolved hyperparameters.

`grammar` reads such descriptions from a command line. Torch is imported only by `build`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

from optimizers.schedules import Schedule

if TYPE_CHECKING:
    from torch.optim import Optimizer


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
    """

    name: str
    label: str
    target: str
    hyperparameters: Mapping[str, Any] = field(default_factory=dict, hash=False)
    schedule: Schedule = field(default_factory=Schedule)
    source: str = ""

    def __post_init__(self) -> None:
        values = {name: _tuples(value) for name, value in self.hyperparameters.items()}
        object.__setattr__(self, "hyperparameters", values)

    def build(self, params: Iterable[Any]) -> "Optimizer":
        """Return the optimizer over `params`, with hyperparameters as its class checks them."""
        optimizer: Optimizer = resolve_name(self.target)(params, **self.hyperparameters)
        return optimizer

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-able mapping that `from_json` reads."""
        values = {name: _lists(value) for name, value in self.hyperparameters.items()}
        found = asdict(self) | {"hyperparameters": values}
        if not self.source:  # so that keys of trials stay as they were before there was one
            del found["source"]
        return found

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "OptimizerSpec":
        """Build a spec from `to_json`'s mapping."""
        return cls(**{**data, "schedule": Schedule(**data["schedule"])})


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, (tuple, list)) else value


def _lists(value: Any) -> Any:
    return list(map(_lists, value)) if isinstance(value, (tuple, list)) else value
