"""In-place arithmetic that update rules share; every scalar is a float, a tensor or a `Column`.

A float uses torch's fused operations, in the order in which `torch.optim` rounds. A column, which
has one value for each of K members of a stack, uses fused operations that round as those with
floats. A tensor, 0-d or of shape [K, 1, …], uses the same formula in more operations.
"""

from torch import Tensor

from optimizers.columns import Column


def subtract_scaled(x: Tensor, scale: float | Tensor | Column, direction: Tensor) -> None:
    """Set x ← x − scale·direction."""
    if isinstance(scale, Tensor):
        x.sub_(scale * direction)
    elif isinstance(scale, Column):
        x.addcmul_(direction, -scale)
    else:
        x.add_(direction, alpha=-scale)


def subtract_quotient(
    x: Tensor, scale: float | Tensor | Column, above: Tensor, below: Tensor
) -> None:
    """Set x ← x − scale·above/below."""
    if isinstance(scale, Tensor):
        x.sub_(scale * (above / below))
    elif isinstance(scale, Column):
        x.addcdiv_(above * -scale, below)
    else:
        x.addcdiv_(above, below, value=-scale)


def average(mean: Tensor, x: Tensor, decay: float | Tensor | Column) -> None:
    """Set mean ← decay·mean + (1 − decay)·x."""
    if isinstance(decay, Tensor):
        mean.mul_(decay).add_((1 - decay) * x)
    elif isinstance(decay, Column):
        mean.lerp_(x, 1 - decay)
    else:
        mean.lerp_(x, 1 - decay)


def average_square(mean: Tensor, x: Tensor, decay: float | Tensor | Column) -> None:
    """Set mean ← decay·mean + (1 − decay)·x²."""
    if isinstance(decay, Tensor):
        mean.mul_(decay).add_((1 - decay) * x * x)
    elif isinstance(decay, Column):
        mean.mul_(decay.value).addcmul_(x * (1 - decay), x)
    else:
        mean.mul_(decay).addcmul_(x, x, value=1 - decay)


def plus_scaled(x: Tensor, scale: float | Tensor | Column, direction: Tensor) -> Tensor:
    """Return x + scale·direction without changing x."""
    if isinstance(scale, Tensor):
        return x + scale * direction
    if isinstance(scale, Column):
        return x.addcmul(direction, scale.value)
    return x.add(direction, alpha=scale)
