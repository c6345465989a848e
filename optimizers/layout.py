"""How tensors lie in memory, and the flat views that steps of many parameters are made of."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import torch
from torch import Tensor

Names = Sequence[str | None]
States = Mapping[Tensor, dict[str, Tensor]]


def as_real(tensor: Tensor) -> Tensor:
    """Return a view of a complex tensor as real and imaginary parts, any other as it is."""
    return torch.view_as_real(tensor) if tensor.is_complex() else tensor


def is_plain(tensor: Tensor) -> bool:
    """Whether this is ordinary memory, and not a subclass such as DTensor."""
    return type(tensor) in (Tensor, torch.nn.Parameter) and tensor.layout is torch.strided


def rounds_by_place(tensor: Tensor) -> bool:
    """Whether the last bit of a result depends on where in a tensor its element lies.

    So it is with 16 bits on a CPU: torch's vector operations round once, what is left over at the
    end of a tensor is rounded after each multiplication as well.
    """
    return tensor.device.type == "cpu" and tensor.element_size() < 4


def is_dense(tensor: Tensor) -> bool:
    """Whether the elements fill one stretch of memory, in whatever order of dimensions."""
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
    """Return a view (elements,) of a dense tensor, in the order of its memory."""
    return tensor.as_strided((tensor.numel(),), (1,))


def in_batches(
    params: Iterable[Tensor], limit: int, room: Callable[[Tensor], int]
) -> list[list[Tensor]]:
    """Return the parameters in batches that need a room of up to `limit`, or hold a single one."""
    batches: list[list[Tensor]] = []
    taken = limit
    for param in params:
        needed = room(param)
        if taken + needed > limit or not batches:
            batches.append([])
            taken = 0
        batches[-1].append(param)
        taken += needed
    return batches
