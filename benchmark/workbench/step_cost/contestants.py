"""The contestants of a heat: an optimizer's modes of execution, and torch's of the same rule.

Modes are read from the signature of the class, so that any optimizer can take part unchanged.
"""

import inspect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pkgutil import resolve_name
from typing import Any

from torch import nn
from torch.optim import Optimizer

from benchmark.errors import UsageError
from benchmark.workbench.step_cost.modes import OWN_MODES, TORCH_MODES
from optimizers.construct import construct
from optimizers.contract import switch_to_training
from optimizers.registry import OPTIMIZERS
from optimizers.spec import OptimizerSpec
from optimizers.split import SplitOptimizer
from optimizers.twin import TorchTwin


@dataclass(frozen=True, kw_only=True)
class Contestant:
    """An optimizer in one mode of execution.

    Args:
        optimizer: The optimizer's label.
        mode: The mode of execution.
        is_rival: It is torch's implementation.
        target: The optimizer's class.
        arguments: Hyperparameters, and the argument that selects the mode.
        rest: The optimizer for parameters that the class does not accept.
    """

    optimizer: str
    mode: str
    is_rival: bool
    target: type[Optimizer]
    arguments: Mapping[str, Any]
    rest: OptimizerSpec | None = None

    def build(self, params: Iterable[nn.Parameter]) -> Optimizer:
        """Return the optimizer over `params`, ready for a step."""
        optimizer = (
            SplitOptimizer(params, self._make, self.rest.build) if self.rest else self._make(params)
        )
        switch_to_training(optimizer)
        return optimizer

    def _make(self, params: Iterable[Any]) -> Optimizer:
        return construct(self.target, params, self.arguments)


def contestants(spec: OptimizerSpec, modes: Sequence[str] = OWN_MODES) -> list[Contestant]:
    """Return the modes of the optimizer of `spec`, then those of torch's class of the same rule.

    Args:
        spec: The optimizer to time.
        modes: Modes out of `OWN_MODES`; ignored for classes without the argument ``execution``.
    """
    cls = resolve_name(spec.target)
    is_torch = cls.__module__.startswith("torch.optim")
    found = _modes_of(spec.label, cls, spec.hyperparameters, modes, is_rival=is_torch)
    found = [replace(each, rest=spec.rest) for each in found]
    twin = twin_of(cls)
    if twin is None or not twin.takes(spec.hyperparameters):
        return found
    arguments = twin.arguments(spec.hyperparameters)
    label = f"torch.optim.{twin.name}"
    rivals = _modes_of(label, twin.load(), arguments, modes, is_rival=True)
    rest = _rest_of(twin, spec.hyperparameters)
    return found + [replace(each, rest=rest) for each in rivals]


def twin_of(cls: type) -> TorchTwin | None:
    """Return torch's class with the same rule as one of our classes; None for other classes."""
    target = f"{cls.__module__}:{cls.__qualname__}"
    return next((row.torch for row in OPTIMIZERS.values() if row.target == target), None)


def _rest_of(twin: TorchTwin, hyperparameters: Mapping[str, Any]) -> OptimizerSpec | None:
    """Return torch's optimizer of the parameters that the twin's class does not take."""
    if twin.rest is None:
        return None
    name = f"torch.optim.{twin.rest.name}"
    return OptimizerSpec(
        name=name,
        label=name,
        target=twin.rest.target,
        hyperparameters=twin.rest.arguments(hyperparameters),
    )


def check_modes(specs: Sequence[OptimizerSpec]) -> None:
    """Raise UsageError if none of `specs` has modes to choose from."""
    classes = [resolve_name(spec.target) for spec in specs]
    if not any("execution" in inspect.signature(cls).parameters for cls in classes):
        labels = ", ".join(spec.label for spec in specs)
        raise UsageError(f"--modes: none of {labels} takes 'execution'; leave --modes out")


def _modes_of(
    label: str,
    cls: type[Optimizer],
    hyperparameters: Mapping[str, Any],
    modes: Sequence[str],
    *,
    is_rival: bool,
) -> list[Contestant]:
    takes = inspect.signature(cls).parameters
    ways: dict[str, dict[str, Any]]
    if any(_is_given(name, hyperparameters, takes) for name in ("execution", *TORCH_MODES)):
        ways = {"as given": {}}
    elif "execution" in takes:
        ways = {mode: {"execution": mode} for mode in modes}
    else:
        ways = {"default": {}} | {name: {name: True} for name in TORCH_MODES if name in takes}
    return [
        Contestant(
            optimizer=label,
            mode=mode,
            is_rival=is_rival,
            target=cls,
            arguments={**hyperparameters, **way},
        )
        for mode, way in ways.items()
    ]


def _is_given(
    name: str, hyperparameters: Mapping[str, Any], takes: Mapping[str, inspect.Parameter]
) -> bool:
    return name in takes and hyperparameters.get(name, takes[name].default) != takes[name].default
