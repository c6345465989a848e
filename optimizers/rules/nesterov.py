"""Nesterov's accelerated gradient, as momentum with a look ahead.

Paper: Sutskever, Martens, Dahl & Hinton, "On the importance of initialization and momentum in deep
learning", ICML 2013: v ← μ·v − α·∇f(θ + μ·v), θ ← θ + v. Deviation: as in torch, the stored
parameters are the look-ahead point φ = θ + μ·v (Bengio et al. 2013), so the gradient is taken at
the stored parameters, and the learning rate stands outside the velocity. With constant α and μ the
iterates are the paper's.
"""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from torch import Tensor

from optimizers.base import Bound, Execution, Group, PaperOptimizer, Scalar
from optimizers.inplace import plus_scaled, subtract_scaled


def nesterov_rule(
    theta: Tensor, g: Tensor, v: Tensor, alpha: float | Tensor, mu: float | Tensor
) -> None:
    """Set v ← μ·v + g; φ ← φ − α·(g + μ·v).

    Args:
        theta: Parameters φ.
        g: Gradient, of the same shape.
        v: Velocity, of the same shape; zeros before the first step.
        alpha: Learning rate: a float, or a tensor that broadcasts against `theta`.
        mu: Momentum μ: a float, or a tensor that broadcasts.
    """
    v.mul_(mu).add_(g)
    subtract_scaled(theta, alpha, plus_scaled(g, mu, v))


class Nesterov(PaperOptimizer):
    """Momentum whose gradient is taken at the look-ahead point.

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
    fixed: ClassVar = {"dampening": 0, "nesterov": True}
    counters = ()
    rule = staticmethod(nesterov_rule)

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
