"""Gradient descent with momentum, the heavy ball.

Paper: Polyak, "Some methods of speeding up the convergence of iteration methods", 1964, in the form
v ← μ·v + g, θ ← θ − α·v. Deviation: as in torch, the learning rate stands outside the velocity, so
a change of α acts at once; with constant α the iterates are Polyak's. There is no dampening.
"""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from torch import Tensor

from optimizers.base import Bound, Execution, Group, PaperOptimizer, Scalar
from optimizers.inplace import subtract_scaled


def momentum_rule(
    theta: Tensor, g: Tensor, v: Tensor, alpha: float | Tensor, mu: float | Tensor
) -> None:
    """Set v ← μ·v + g; θ ← θ − α·v.

    Args:
        theta: Parameters.
        g: Gradient, of the same shape.
        v: Velocity, of the same shape; zeros before the first step.
        alpha: Learning rate: a float, or a tensor that broadcasts against `theta`.
        mu: Momentum μ: a float, or a tensor that broadcasts.
    """
    v.mul_(mu).add_(g)
    subtract_scaled(theta, alpha, v)


class Momentum(PaperOptimizer):
    """Gradient descent along a decaying sum of gradients.

    Args:
        params: Parameters or groups.
        lr: Learning rate α.
        momentum: Decay μ of the velocity.
        weight_decay: L2 coefficient, added to the gradient as weight_decay·θ.
        maximize: Climb instead of descend.
        execution: How the rule is run; see `optimizers.base`.
    """

    bounds: ClassVar = {"lr": Bound(), "momentum": Bound(high=1), "weight_decay": Bound()}
    # State dicts pass to torch.optim.SGD and back because of these.
    fixed: ClassVar = {"dampening": 0, "nesterov": False}
    counters = ()
    rule = staticmethod(momentum_rule)

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-3,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
        execution: Execution = "auto",
    ) -> None:
        own = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay, "maximize": maximize}
        super().__init__(params, own, execution)

    def entries(self, group: Group) -> Mapping[str, str | None]:
        """Return the velocity."""
        return {"v": "momentum_buffer"}

    def scalars(self, group: Group, counters: Mapping[str, float]) -> Mapping[str, Scalar]:
        """Return α and μ."""
        return {"alpha": group["lr"], "mu": group["momentum"]}
