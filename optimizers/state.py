"""The state that any `torch.optim.Optimizer` keeps from one step to the next."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from torch import Tensor
from torch.optim import Optimizer


def state_tensors(optimizer: Optimizer) -> list[Tensor]:
    """Return every tensor in the state of `optimizer`, including those in lists and mappings."""
    return list(_tensors(list(optimizer.state.values())))


def copied(value: Any) -> Any:
    """Return a copy of a state entry, or of a dict of them; a view's copy has its own memory."""
    if isinstance(value, dict):
        return {name: copied(each) for name, each in value.items()}
    return value.detach().clone() if isinstance(value, Tensor) else deepcopy(value)


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict):
        yield from _tensors(list(value.values()))
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _tensors(each)
