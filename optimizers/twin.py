"""Classes of `torch.optim` that have the same update rule as ours."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pkgutil import resolve_name
from typing import Any

_OURS_ALONE = {"execution"}


@dataclass(frozen=True, kw_only=True)
class TorchTwin:
    """A class of torch, and the translation of our hyperparameters into its arguments.

    Hyperparameters have the same names in both, except those of `fixed`, `built_in`, `elsewhere`.

    Args:
        name: Name of the class in `torch.optim`.
        fixed: Arguments of torch's class that make it the same rule.
        built_in: Hyperparameters that torch's class lacks, with the values that it has built in.
        is_exact: Torch rounds in the same order, so all bits are equal; otherwise 13 digits are,
            or as many as our class says.
        elsewhere: Hyperparameters that act only on parameters that torch's class does not take.
        rest: The twin for these parameters, if the class takes only those with two dimensions.
    """

    name: str
    fixed: Mapping[str, Any] = field(default_factory=dict, hash=False)
    built_in: Mapping[str, Any] = field(default_factory=dict, hash=False)
    is_exact: bool = True
    elsewhere: frozenset[str] = frozenset()
    rest: "TorchTwin | None" = None

    @property
    def target(self) -> str:
        """The class as ``module:attribute``."""
        return f"torch.optim:{self.name}"

    def load(self) -> type[Any]:
        """Import torch and return the class."""
        found: type[Any] = resolve_name(self.target)
        return found

    def takes(self, hyperparameters: Mapping[str, Any]) -> bool:
        """Return whether torch has the rule with these hyperparameters of ours.

        >>> TorchTwin(name="Adam", built_in={"centered": True}).takes({"centered": False})
        False
        """
        return all(
            hyperparameters.get(name, value) == value for name, value in self.built_in.items()
        )

    def arguments(self, hyperparameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return torch's arguments for all our hyperparameters, defaults included.

        Raises:
            ValueError: torch has no rule with these hyperparameters.

        >>> TorchTwin(name="SGD", fixed={"nesterov": True}).arguments({"lr": 0.1})
        {'lr': 0.1, 'nesterov': True}
        """
        if not self.takes(hyperparameters):
            only = ", ".join(f"{name}={value}" for name, value in self.built_in.items())
            raise ValueError(f"torch.optim.{self.name} has this rule with {only} alone")
        shared = hyperparameters.keys() - self.built_in.keys() - self.elsewhere - _OURS_ALONE
        return {k: v for k, v in hyperparameters.items() if k in shared} | dict(self.fixed)
