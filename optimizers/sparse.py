"""Steps for sparse gradients, with rules that leave rows without a gradient unchanged."""

from torch import Tensor

from optimizers.motion import Motion


def move_rows(
    motion: Motion, param: Tensor, grad: Tensor, state: tuple[Tensor | None, ...]
) -> None:
    """Update the entries of `param` and `state` for which the sparse COO `grad` has values."""
    grad = grad.coalesce()
    where = tuple(grad.indices())
    rows = [None if t is None else t[where] for t in (param, *state)]
    x, *entries = rows
    assert x is not None
    motion(x, grad.values(), tuple(entries))
    for whole, part in zip((param, *state), rows, strict=True):
        if whole is not None and part is not None:
            whole[where] = part
