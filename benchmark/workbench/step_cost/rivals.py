"""The table of rivals: which class of torch has the same update rule as which of ours."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

from optimizers.registry import OPTIMIZERS

if TYPE_CHECKING:
    from torch.optim import Optimizer


@dataclass(frozen=True, kw_only=True)
class Rival:
    """A class of torch, and the arguments that make it the same rule as ours.

    Args:
        name: Of the class in `torch.optim`.
        fixed: Arguments besides those that both classes have.
    """

    name: str
    fixed: Mapping[str, Any] = field(default_factory=dict)

    @property
    def target(self) -> "type[Optimizer]":
        """The class."""
        found: type[Optimizer] = resolve_name(f"torch.optim:{self.name}")
        return found

    def arguments(self, hyperparameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments of torch's class for our `hyperparameters`."""
        takes = inspect.signature(self.target).parameters
        shared = {name: value for name, value in hyperparameters.items() if name in takes}
        return shared | dict(self.fixed)


# Lion is not in torch.
RIVALS = {
    "sgd": Rival(name="SGD"),
    "momentum": Rival(name="SGD"),  # both have the argument `momentum`
    "nesterov": Rival(name="SGD", fixed={"nesterov": True}),
    "adagrad": Rival(name="Adagrad"),
    "adadelta": Rival(name="Adadelta"),
    "rmsprop": Rival(name="RMSprop"),
    "adam": Rival(name="Adam"),
    "adamax": Rival(name="Adamax"),
    "adamw": Rival(name="AdamW"),
    "nadam": Rival(name="NAdam"),
    "radam": Rival(name="RAdam"),
}


def rival_of(cls: type) -> Rival | None:
    """Return the rival of one of our classes; None for any other class."""
    for name, rival in RIVALS.items():
        if resolve_name(OPTIMIZERS[name].target) is cls:
            return rival
    return None
