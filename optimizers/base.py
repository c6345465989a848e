"""What every optimizer here has in common: all but the update rule.

A subclass gives its hyperparameters with their `Bound`s, the state it begins with, and one call of
its rule per parameter. Groups, closures, `maximize`, weight decay, complex parameters, checks and
state dicts that torch's own classes read and write are done here.
"""

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.optim import Optimizer

State = dict[str, Tensor]
Group = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Bound:
    """The values that a hyperparameter may take: `count` finite numbers, low ≤ number < high."""

    low: float = 0.0
    high: float = float("inf")
    count: int = 1

    def check(self, owner: str, name: str, value: Any) -> None:
        """Raise ValueError unless `value` is as many numbers as there should be, all in bounds."""
        numbers = value if self.count > 1 and isinstance(value, (tuple, list)) else (value,)
        if len(numbers) == self.count and all(map(self._holds, numbers)):
            return
        kind = "a number" if self.count == 1 else f"{self.count} numbers"
        high = "" if self.high == float("inf") else f" and < {self.high:g}"
        raise ValueError(
            f"{owner}: expected {name} to be {kind} >= {self.low:g}{high}, got {value!r}"
        )

    def _holds(self, value: Any) -> bool:
        number = value.item() if isinstance(value, Tensor) and value.numel() == 1 else value
        is_number = isinstance(number, (int, float)) and not isinstance(number, bool)
        return is_number and self.low <= number < self.high


class PaperOptimizer(Optimizer):
    """Base of the optimizers: subclasses give `bounds`, `init_state` and `update`.

    A subclass may also name its true-or-false arguments in `flags`, and in `fixed` what its rule
    is in the words of torch's class: the groups carry these constants, so that torch reads our
    state dicts, and a group or state dict that says otherwise is refused.

    Args:
        params: Parameters or groups of them, as `torch.optim.Optimizer` takes them.
        hyperparameters: Of every group that does not give its own.

    Raises:
        ValueError: a hyperparameter is out of its bounds.
    """

    bounds: ClassVar[dict[str, Bound]] = {}
    flags: ClassVar[tuple[str, ...]] = ("maximize",)
    fixed: ClassVar[dict[str, Any]] = {}
    counts_steps: ClassVar[bool] = True

    def __init__(self, params: Iterable[Any], hyperparameters: Group) -> None:
        super().__init__(params, hyperparameters)

    def add_param_group(self, param_group: Group) -> None:
        """Add a group, after a check of the hyperparameters that it will have."""
        self._check(self.defaults | param_group)
        super().add_param_group(self.fixed | param_group)
        _make_scalars_0d(self.param_groups[-1])

    def init_state(self, param: Tensor, group: Group) -> State:
        """Return the state that `param` begins with, besides ``step``."""
        return {}

    def update(self, param: Tensor, grad: Tensor, state: State, group: Group) -> None:
        """Move `param` in place; `grad` must not be changed, for it may be ``param.grad``."""
        raise NotImplementedError

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one step.

        Args:
            closure: Reevaluates the model and returns the loss, which is returned.

        Raises:
            RuntimeError: a gradient is sparse.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for param in group["params"]:
                if param.grad is not None:
                    self._step_one(param, group)
        return loss

    def _step_one(self, param: Tensor, group: Group) -> None:
        grad = param.grad
        assert grad is not None
        if grad.is_sparse:
            raise RuntimeError(
                f"{type(self).__name__} does not take sparse gradients; "
                "give the embedding sparse=False"
            )
        state: State = self.state.get(param) or self._begin(param, group)
        if self.counts_steps:
            state["step"] += 1
        if group["maximize"]:
            grad = -grad
        if group["weight_decay"] != 0:
            grad = grad.add(param, alpha=group["weight_decay"])
        if param.is_complex():
            real = {name: torch.view_as_real(v) for name, v in state.items() if v.is_complex()}
            grad = torch.view_as_real(grad.resolve_conj())
            self.update(torch.view_as_real(param), grad, state | real, group)
        else:
            self.update(param, grad, state, group)

    def _begin(self, param: Tensor, group: Group) -> State:
        state = self.init_state(param, group)
        if self.counts_steps:
            state = {"step": torch.zeros((), dtype=_step_dtype(), device="cpu")} | state
        if state:  # as torch, no entry for what keeps none
            self.state[param] = state
        return state

    def _check(self, group: Group) -> None:
        owner = type(self).__name__
        for name, bound in self.bounds.items():
            bound.check(owner, name, group[name])
        for name in self.flags:
            if not isinstance(group[name], bool):
                raise ValueError(f"{owner}: expected {name} to be a bool, got {group[name]!r}")
        self._check_fixed(group)

    def _check_fixed(self, group: Group) -> None:
        for name, value in self.fixed.items():
            if group.get(name, value) != value:
                owner = type(self).__name__
                raise ValueError(f"{owner}: {name} is always {value!r}, got {group[name]!r}")

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load the state of this class, or of torch's class of the same rule.

        Raises:
            ValueError: it belongs to a variant with another rule, or to other parameters.
        """
        for group in state_dict["param_groups"]:
            self._check_fixed(group)
        super().load_state_dict(state_dict)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        # What was saved before a hyperparameter was added takes the default that it has now.
        arguments = inspect.signature(type(self)).parameters
        known = [name for name in (*self.bounds, *self.flags) if name in arguments]
        now = {name: arguments[name].default for name in known}
        for group in self.param_groups:
            for name, default in (now | self.fixed).items():
                group.setdefault(name, default)
            _make_scalars_0d(group)


def zeros(param: Tensor) -> Tensor:
    """Return zeros that lie in memory as `param` does."""
    return torch.zeros_like(param, memory_format=torch.preserve_format)


def _make_scalars_0d(group: Group) -> None:
    # A learning rate of shape [1] would not broadcast into a 0-d parameter.
    for name, value in group.items():
        if isinstance(value, Tensor) and value.numel() == 1:
            group[name] = value.view(())


def _step_dtype() -> torch.dtype:
    # As torch: 32 bits count to 16 million exactly.
    is_double = torch.get_default_dtype() == torch.float64
    return torch.float64 if is_double else torch.float32
