"""Two optimizers as one: the first steps matrices, the second all other parameters."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from optimizers.contract import needs_closure, switch_to_evaluation, switch_to_training

Group = dict[str, Any]
Make = Callable[[list[Any]], Optimizer]  # takes parameters, or groups with their own settings


class SplitOptimizer(Optimizer):
    """An optimizer that steps two-dimensional parameters by one optimizer and others by a second.

    `param_groups` and `state` join those of both, so schedules act on both, and state dicts have
    torch's form.

    Args:
        params: Parameters or groups of them; at least one has two dimensions.
        matrices: Factory of the optimizer for two-dimensional parameters.
        rest: Factory of the optimizer for the other parameters, called only if there are any.
    """

    def __init__(self, params: Iterable[Any], matrices: Make, rest: Make) -> None:
        self._make = {True: matrices, False: rest}  # keyed by "is a matrix"
        self._parts: dict[bool, Optimizer] = {}
        super().__init__(params, {})

    def add_param_group(self, param_group: Group) -> None:
        """Add the matrices of a group to the first optimizer and the rest to the second."""
        found = param_group["params"]
        given = [found] if isinstance(found, Tensor) else list(found)
        params = [each[1] if isinstance(each, tuple) else each for each in given]
        for is_matrix in (True, False):
            own = [param for param in params if (param.ndim == 2) is is_matrix]
            if not own:
                continue
            group = {**param_group, "params": own}
            if is_matrix in self._parts:
                self._parts[is_matrix].add_param_group(group)
            else:
                # Some classes accept no groups, so groups are passed only if needed.
                made = self._make[is_matrix](own if group.keys() == {"params"} else [group])
                self._parts[is_matrix] = made
        self._join()

    def _join(self) -> None:
        parts = self._parts.values()
        self.param_groups = [group for part in parts for group in part.param_groups]
        for part in parts:
            self.state.update(part.state)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one step with both optimizers.

        Args:
            closure: Reevaluates the model once and returns the loss, which is returned.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for part in self._parts.values():
            part.step(*[lambda: loss] * needs_closure(part))  # type: ignore[arg-type]
            self.state.update(part.state)
        return loss

    def train(self) -> None:
        """Switch both optimizers to the weights at which they train."""
        for part in self._parts.values():
            switch_to_training(part)

    def eval(self) -> None:
        """Switch both optimizers to the weights that they offer for evaluation."""
        for part in self._parts.values():
            switch_to_evaluation(part)

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_make": self._make, "_parts": self._parts}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        begin = 0
        for part in self._parts.values():
            groups = self.param_groups[begin : begin + len(part.param_groups)]
            begin += len(groups)
            own = [param for group in groups for param in group["params"]]
            kept = {param: self.state[param] for param in own if param in self.state}
            part.__setstate__({"state": _like(part.state, kept), "param_groups": groups})
        self._join()


def _like(state: Any, entries: dict[Tensor, Any]) -> Any:
    """Return `entries` in a mapping of the type of `state`, which creates missing entries."""
    found = state.copy()
    found.clear()
    found.update(entries)
    return found
