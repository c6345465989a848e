"""Stochastic gradient descent.

Paper: Robbins & Monro, "A Stochastic Approximation Method", 1951. Deviations: none. From torch:
momentum is not an argument, because `Momentum` and `Nesterov` are separate classes. A group's
``momentum``, 0 at first, may be set later, as `OneCycleLR` and `CyclicLR` do with torch's class.
"""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from torch import Tensor

from optimizers.base import Bound, Execution, Group, PaperOptimizer, Scalar
from optimizers.inplace import subtract_scaled


def sgd_rule(
    theta: Tensor,
    g: Tensor,
    v: Tensor | None,
    alpha: float | Tensor,
    mu: float | Tensor,
) -> None:
    """Set θ ← θ − α·g.

    Args:
        theta: Parameters.
        g: Gradient, of the same shape.
        v: Velocity v ← μ·v + g, which replaces g; None without momentum.
        alpha: Learning rate: a float, or a tensor that broadcasts against `theta`.
        mu: Momentum μ: a float, or a tensor that broadcasts.
    """
    if v is not None:
        g = v.mul_(mu).add_(g)
    subtract_scaled(theta, alpha, g)


class SGD(PaperOptimizer):
    """Plain gradient descent on minibatches.

    Args:
        params: Parameters or groups.
        lr: Learning rate α.
        weight_decay: L2 coefficient, added to the gradient as weight_decay·θ.
        maximize: Climb instead of descend.
        execution: How the rule is run; see `optimizers.base`.
    """

    bounds: ClassVar = {"lr": Bound(), "weight_decay": Bound()}
    # State dicts pass to torch.optim.SGD and back because of these.
    fixed: ClassVar = {"dampening": 0, "nesterov": False}
    counters = ()
    rule = staticmethod(sgd_rule)
    takes_sparse = True

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-3,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
        execution: Execution = "auto",
    ) -> None:
        own = {"lr": lr, "weight_decay": weight_decay, "momentum": 0, "maximize": maximize}
        super().__init__(params, own, execution)

    def entries(self, group: Group) -> Mapping[str, str | None]:
        """Return the velocity if a schedule has set a momentum."""
        return {"v": "momentum_buffer" if group["momentum"] != 0 else None}

    def scalars(self, group: Group, counters: Mapping[str, float]) -> Mapping[str, Scalar]:
        """Return α and μ."""
        return {"alpha": group["lr"], "mu": group["momentum"]}
