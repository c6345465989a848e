"""RMSprop.

Source: Tieleman & Hinton, Lecture 6.5 of "Neural Networks for Machine Learning", 2012, whose decay
is 0.9. Deviations, all as in torch: the decay is 0.99 by default, ε is added to the root, momentum
may follow the division, and the centered form of Graves, "Generating Sequences With Recurrent
Neural Networks", 2013, has ε outside the root, not 1e-4 inside it. From torch: if rounding makes
the centered form's E[g²] − E[g]² negative, it counts as 0; torch's root of it is NaN.
"""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from torch import Tensor

from optimizers.base import Bound, Execution, Group, PaperOptimizer, Scalar
from optimizers.inplace import average, average_square, subtract_quotient, subtract_scaled


def rmsprop_rule(
    theta: Tensor,
    g: Tensor,
    mean_g2: Tensor,
    mean_g: Tensor | None,
    velocity: Tensor | None,
    lr: float | Tensor,
    alpha: float | Tensor,
    eps: float | Tensor,
    mu: float | Tensor,
) -> None:
    """Set E[g²] ← αE[g²] + (1−α)g²; θ ← θ − lr·g/(√E[g²] + ε).

    Args:
        theta: Parameters.
        g: Gradient, of the same shape.
        mean_g2: Decaying mean of g², of the same shape.
        mean_g: Decaying mean of g in the centered form, whose root is that of E[g²] − E[g]²;
            otherwise None.
        velocity: Velocity v ← μ·v + g/(√E[g²] + ε), which replaces the quotient; None without
            momentum.
        lr: Learning rate; this and the scalars below are floats or tensors that broadcast.
        alpha: Decay of the means.
        eps: ε.
        mu: Momentum μ.
    """
    average_square(mean_g2, g, alpha)
    variance = mean_g2
    if mean_g is not None:
        average(mean_g, g, alpha)
        variance = mean_g2.addcmul(mean_g, mean_g, value=-1).clamp_(min=0)
    denominator = variance.sqrt().add_(eps)
    if velocity is None:
        subtract_quotient(theta, lr, g, denominator)
    else:
        velocity.mul_(mu).addcdiv_(g, denominator)
        subtract_scaled(theta, lr, velocity)


class RMSprop(PaperOptimizer):
    """Gradient descent divided by the root of a decaying mean of squared gradients.

    Args:
        params: Parameters or groups.
        lr: Learning rate.
        alpha: Decay of the mean; Hinton's is 0.9.
        eps: ε.
        weight_decay: L2 coefficient, added to the gradient as weight_decay·θ.
        momentum: Momentum μ, 0 for none.
        centered: Divide by the estimated standard deviation instead.
        maximize: Climb instead of descend.
        execution: How the rule is run; see `optimizers.base`.
    """

    bounds: ClassVar = {
        "lr": Bound(),
        "alpha": Bound(high=1),
        "eps": Bound(),
        "weight_decay": Bound(),
        "momentum": Bound(high=1),
    }
    flags = ("maximize", "centered")
    rule = staticmethod(rmsprop_rule)

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
        *,
        maximize: bool = False,
        execution: Execution = "auto",
    ) -> None:
        own: Group = {"lr": lr, "alpha": alpha, "eps": eps, "momentum": momentum}
        own |= {"weight_decay": weight_decay, "centered": centered, "maximize": maximize}
        super().__init__(params, own, execution)

    def entries(self, group: Group) -> Mapping[str, str | None]:
        """Return the mean of squares, and the state of the centered form and of momentum."""
        centered = "grad_avg" if group["centered"] else None
        velocity = "momentum_buffer" if group["momentum"] > 0 else None
        return {"mean_g2": "square_avg", "mean_g": centered, "velocity": velocity}

    def scalars(self, group: Group, counters: Mapping[str, float]) -> Mapping[str, Scalar]:
        """Return lr, α, ε and μ."""
        own = {name: group[name] for name in ("lr", "alpha", "eps")}
        return own | {"mu": group["momentum"]}
