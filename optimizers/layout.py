"""Memory layout of tensors, and the flat views on which many parameters step together."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

import torch
from torch import Tensor

Item = TypeVar("Item")
Names = Sequence[str | None]
States = Mapping[Tensor, dict[str, Tensor]]


def as_real(tensor: Tensor) -> Tensor:
    """Return a complex tensor as a view of real and imaginary parts, and any other unchanged."""
    return torch.view_as_real(tensor) if tensor.is_complex() else tensor


def is_plain(tensor: Tensor) -> bool:
    """Return whether this is an ordinary tensor and not a subclass such as DTensor."""
    return type(tensor) in (Tensor, torch.nn.Parameter) and tensor.layout is torch.strided


def rounds_by_place(tensor: Tensor) -> bool:
    """Return whether the last bit of a result depends on the element's position in the tensor.

    This is so with 16 bits on a CPU: torch's vector operations round once, but the leftover
    elements at the end of a tensor are also rounded after each multiplication.
    """
    return tensor.device.type == "cpu" and tensor.element_size() < 4


def is_dense(tensor: Tensor) -> bool:
    """Return whether the elements fill one stretch of memory, in any order of dimensions."""
    strides = sorted(
        (stride, size)
        for stride, size in zip(tensor.stride(), tensor.shape, strict=True)
        if size > 1
    )
    expected = 1
    for stride, size in strides:
        if stride != expected:
            return False
        expected *= size
    return tensor.numel() > 0


def flat(tensor: Tensor) -> Tensor:
    """Return a view of a dense tensor, (elements,), in memory order."""
    return tensor.as_strided((tensor.numel(),), (1,))


def in_batches(params: Iterable[Item], limit: int, room: Callable[[Item], int]) -> list[list[Item]]:
    """Return batches of parameters whose rooms sum to at most `limit`, or of a single parameter."""
    batches: list[list[Item]] = []
    taken = limit
    for param in params:
        needed = room(param)
        if taken + needed > limit or not batches:
            batches.append([])
            taken = 0
        batches[-1].append(param)
        taken += needed
    return batches
