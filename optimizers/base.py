"""What every optimizer here has in common: all but the update rule.

A subclass gives its hyperparameters with their `Bound`s, the state it begins with, and one call of
its rule per parameter. Groups, closures, `maximize`, weight decay, complex parameters, checks and
state dicts that torch's own classes read and write are done here.
"""

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
    """The values that a hyperparameter may take: low ≤ value, and value < high if there is one."""

    low: float = 0.0
    high: float | None = None

    def check(self, owner: str, name: str, value: Any) -> None:
        """Raise ValueError unless `value` is a number, or one-element tensor, within the bounds."""
        number = value.item() if isinstance(value, Tensor) and value.numel() == 1 else value
        is_number = isinstance(number, (int, float)) and not isinstance(number, bool)
        if is_number and self.low <= number < (float("inf") if self.high is None else self.high):
            return
        high = "" if self.high is None else f" and < {self.high:g}"
        raise ValueError(f"{owner}: expected {name} >= {self.low:g}{high}, got {value!r}")


class PaperOptimizer(Optimizer):
    """Base of the optimizers: subclasses give `bounds`, `init_state` and `update`.

    Args:
        params: Parameters or groups of them, as `torch.optim.Optimizer` takes them.
        hyperparameters: Of every group that does not give its own.

    Raises:
        ValueError: a hyperparameter is out of its bounds.
    """

    bounds: ClassVar[dict[str, Bound]] = {}
    counts_steps: ClassVar[bool] = True

    def __init__(self, params: Iterable[Any], hyperparameters: Group) -> None:
        super().__init__(params, hyperparameters)

    def add_param_group(self, param_group: Group) -> None:
        """Add a group, after a check of the hyperparameters that it will have."""
        values = self.defaults | param_group
        for name, bound in self.bounds.items():
            each = values[name] if isinstance(values[name], (tuple, list)) else (values[name],)
            for value in each:
                bound.check(type(self).__name__, name, value)
        super().add_param_group(param_group)

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
        state: State = self.state[param]
        if not state:
            self._begin(param, group)
        if self.counts_steps:
            state["step"] += 1
        if group["maximize"]:
            grad = -grad
        if group["weight_decay"] != 0:
            grad = grad.add(param, alpha=group["weight_decay"])
        if param.is_complex():
            real = {name: torch.view_as_real(v) for name, v in state.items() if v.is_complex()}
            self.update(torch.view_as_real(param), torch.view_as_real(grad), state | real, group)
        else:
            self.update(param, grad, state, group)

    def _begin(self, param: Tensor, group: Group) -> None:
        state = self.state[param]
        if self.counts_steps:
            state["step"] = torch.zeros((), dtype=_step_dtype(), device="cpu")
        state.update(self.init_state(param, group))

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:  # pickled before a hyperparameter was added
            for name, default in self.defaults.items():
                group.setdefault(name, default)


def zeros(param: Tensor) -> Tensor:
    """Return zeros that lie in memory as `param` does."""
    return torch.zeros_like(param, memory_format=torch.preserve_format)


def _step_dtype() -> torch.dtype:
    # As torch: 32 bits count to 16 million exactly.
    is_double = torch.get_default_dtype() == torch.float64
    return torch.float64 if is_double else torch.float32
