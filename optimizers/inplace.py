"""In-place arithmetic that update rules share; every scalar is a float or a tensor that broadcasts.

A float uses torch's fused operations, in the order in which `torch.optim` rounds. A tensor, 0-d or
of shape [K, 1, …] with one value for each of K trials, uses the same formula in more operations.
"""

from torch import Tensor


def subtract_scaled(x: Tensor, scale: float | Tensor, direction: Tensor) -> None:
    """Set x ← x − scale·direction."""
    if isinstance(scale, Tensor):
        x.sub_(scale * direction)
    else:
        x.add_(direction, alpha=-scale)


def subtract_quotient(x: Tensor, scale: float | Tensor, above: Tensor, below: Tensor) -> None:
    """Set x ← x − scale·above/below."""
    if isinstance(scale, Tensor):
        x.sub_(scale * (above / below))
    else:
        x.addcdiv_(above, below, value=-scale)


def average(mean: Tensor, x: Tensor, decay: float | Tensor) -> None:
    """Set mean ← decay·mean + (1 − decay)·x."""
    if isinstance(decay, Tensor):
        mean.mul_(decay).add_((1 - decay) * x)
    else:
        mean.lerp_(x, 1 - decay)


def average_square(mean: Tensor, x: Tensor, decay: float | Tensor) -> None:
    """Set mean ← decay·mean + (1 − decay)·x²."""
    if isinstance(decay, Tensor):
        mean.mul_(decay).add_((1 - decay) * x * x)
    else:
        mean.mul_(decay).addcmul_(x, x, value=1 - decay)


def plus_scaled(x: Tensor, scale: float | Tensor, direction: Tensor) -> Tensor:
    """Return x + scale·direction without changing x."""
    if isinstance(scale, Tensor):
        return x + scale * direction
    return x.add(direction, alpha=scale)
