"""One step of the members of a stack, for rows of a parameter; `stacking` finds the rows."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor

from optimizers.columns import Column
from optimizers.layout import Names
from optimizers.motion import Motion
from optimizers.packing import SLICE

_NUMBER = object()  # stands for any number among choices


class Move(NamedTuple):
    """One step of one member.

    Args:
        motion: The step as the member takes it alone.
        values: Its weight decays and scalars: numbers, and None or booleans, which are choices.
        form: All that members must share to move together: state, direction and choices.
    """

    motion: Motion
    values: tuple[Any, ...]
    form: tuple[Any, ...]

    @classmethod
    def of(cls, names: Names, motion: Motion) -> "Move":
        """Return the move of a member whose state has these names, in the rule's order."""
        values = (motion.l2, motion.keep, *motion.scalars)
        choices = [v if v is None or v is True or v is False else _NUMBER for v in values]
        return cls(motion, values, (names, motion.maximize, choices))

    @property
    def names(self) -> Names:
        """Names of the state entries, in the rule's order."""
        return cast(Names, self.form[0])

    @property
    def places(self) -> list[int]:
        """Places of the numbers among the values."""
        return [place for place, choice in enumerate(self.form[2]) if choice is _NUMBER]

    def with_columns(self, columns: Sequence[Column]) -> Motion:
        """Return the motion with `columns` in place of its numbers."""
        values: list[Any] = list(self.values)
        for place, column in zip(self.places, columns, strict=True):
            values[place] = column
        motion, (l2, keep, *scalars) = self.motion, values
        return Motion(
            rule=motion.rule,
            scalars=tuple(scalars),
            maximize=motion.maximize,
            l2=l2,
            keep=keep,
        )


def laid_out_gradient(param: Tensor) -> Tensor:
    """Return the gradient of a parameter in the memory layout of the parameter."""
    grad = param.grad
    assert grad is not None
    if grad.is_sparse:
        raise RuntimeError("a stack does not take sparse gradients; give the layer sparse=False")
    grad = grad.resolve_conj()
    if grad.stride() != param.stride():
        grad = torch.empty_like(param).copy_(grad)
    return grad


def step_one_by_one(moves: Sequence[Move], tensors: Sequence[Tensor | None]) -> None:
    """Step the rows of `tensors` (parameter, gradient, *state) each by its own move."""
    for k, move in enumerate(moves):
        x, g, *state = [None if each is None else each[k] for each in tensors]
        assert x is not None
        assert g is not None
        move.motion(x, g, tuple(state))


def pieces(
    tensors: Sequence[Tensor | None], scalars: Tensor
) -> Iterator[tuple[Sequence[Tensor | None], Tensor]]:
    """Cut tensors of one layout, (n, …), and the `scalars` of n rows so that temporaries are small.

    On a CPU the pieces of contiguous tensors have at most `packing.SLICE` elements, which stay in
    its cache.
    """
    present = [each for each in tensors if each is not None]
    if present[0].device.type != "cpu" or not all(each.is_contiguous() for each in present):
        yield tensors, scalars
        return
    size = len(present[0])
    width = present[0][0].numel()
    flat = [None if each is None else each.view(size, width) for each in tensors]
    rows = max(1, SLICE // max(1, width))
    if size <= rows and width <= SLICE:
        yield flat, scalars
        return
    for begin in range(0, size, rows):
        own = slice(begin, begin + rows)
        for left in range(0, width, SLICE):
            part = own, slice(left, left + SLICE)
            yield [None if each is None else each[part] for each in flat], scalars[own]
