"""Scalars of an update rule with one value for each member of a stack; `stacking` uses them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor


class Column:
    """A scalar of n members, which an update rule uses like a float.

    An operation with it rounds for each member as the same operation with that member's float: it
    is cast where a float would be, and 1 − β is formed in 64 bits before. A rule may use it as an
    operand of torch's functions, negate it, and subtract it from 1.

    Args:
        value: The members' values in the type of the parameters, (n, 1, …).
        rest: 1 − value, rounded once.
    """

    def __init__(self, value: Tensor, rest: Tensor) -> None:
        self.value = value
        self.rest = rest

    def __neg__(self) -> Tensor:
        return -self.value

    def __rsub__(self, number: float) -> Tensor:
        return self.rest if number == 1 else NotImplemented

    @classmethod
    def __torch_function__(
        cls,
        function: Callable[..., Any],
        types: Sequence[type],
        arguments: Sequence[Any] = (),
        options: Mapping[str, Any] | None = None,
    ) -> Any:
        """Call a function of torch, such as `Tensor.mul_`, with tensors in place of columns."""
        given = [each.value if isinstance(each, Column) else each for each in arguments]
        return function(*given, **(options or {}))


def pairs(table: Tensor, dtype: torch.dtype) -> Tensor:
    """Return values and 1 − values of a `table` in 64 bits, (n, scalars), as (n, 2·scalars)."""
    return torch.stack([table, 1 - table], -1).flatten(1).to(dtype)


def columns(pairs: Tensor, ndim: int) -> list[Column]:
    """Return the scalars in `pairs`, to be used with tensors of `ndim` dimensions."""
    each = iter(pairs.view(*pairs.shape, *[1] * (ndim - 1)).unbind(1))
    return [Column(value, rest) for value, rest in zip(each, each, strict=True)]
