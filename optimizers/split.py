"""Two optimizers as one: matrices go to one that takes nothing else, the rest to another."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

Group = dict[str, Any]
Make = Callable[[list[Group]], Optimizer]


class Split(Optimizer):
    """Steps parameters of two dimensions by one optimizer and all others by a second.

    `param_groups` are those of both, so that learning rates are scheduled for both.

    Args:
        params: Parameters or groups of them; at least one has two dimensions.
        matrices: Makes the optimizer of those with two dimensions.
        rest: Makes the optimizer of the others, if there are any.
    """

    def __init__(self, params: Iterable[Any], matrices: Make, rest: Make) -> None:
        given = list(params)
        groups = given if isinstance(given[0], dict) else [{"params": given}]
        flat = _those(groups, lambda p: p.ndim != 2)
        parts = [matrices(_those(groups, lambda p: p.ndim == 2))]
        parts += [rest(flat)] if flat else []
        super().__init__(given, {})
        self.parts = parts
        self._join()

    def _join(self) -> None:
        self.param_groups = [group for part in self.parts for group in part.param_groups]
        for part in self.parts:
            self.state.update(part.state)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one step with both.

        Args:
            closure: Reevaluates the model once and returns the loss, which is returned.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for part in self.parts:
            part.step()
            self.state.update(part.state)
        return loss

    def state_dict(self) -> dict[str, Any]:
        """Return the state of both parts."""
        return {"parts": [part.state_dict() for part in self.parts]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load what `state_dict` gave."""
        for part, saved in zip(self.parts, state_dict["parts"], strict=True):
            part.load_state_dict(saved)
        self._join()


def _those(groups: list[Group], wanted: Callable[[Tensor], bool]) -> list[Group]:
    """Return the groups with the wanted of their parameters, without those that have none."""
    picked = [{**group, "params": list(filter(wanted, group["params"]))} for group in groups]
    return [group for group in picked if group["params"]]
