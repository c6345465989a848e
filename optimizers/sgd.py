"""Stochastic gradient descent.

Paper: Robbins & Monro, "A Stochastic Approximation Method", 1951. Deviations: none; the same as
`torch.optim.SGD` without momentum.
"""

from collections.abc import Iterable
from typing import Any, ClassVar

from torch import Tensor

from optimizers.base import Bound, Group, PaperOptimizer, State


def sgd_rule(theta: Tensor, g: Tensor, alpha: float | Tensor) -> None:
    """θ ← θ − α·g, in place.

    Args:
        theta: Parameters.
        g: Gradient, of the same shape.
        alpha: Learning rate: a float, or a tensor that broadcasts against `theta`.
    """
    if isinstance(alpha, Tensor):
        theta.sub_(alpha * g)
    else:
        theta.add_(g, alpha=-alpha)


class SGD(PaperOptimizer):
    """Plain gradient descent on minibatches.

    Args:
        params: Parameters or groups.
        lr: Learning rate α.
        weight_decay: L2 coefficient, added to the gradient as weight_decay·θ.
        maximize: Climb instead of descend.
    """

    bounds: ClassVar = {"lr": Bound(), "weight_decay": Bound()}
    counts_steps = False

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-3,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        # The constants are there for state dicts to pass to torch.optim.SGD and back.
        fixed = {"momentum": 0, "dampening": 0, "nesterov": False}
        own = {"lr": lr, "weight_decay": weight_decay, "maximize": maximize}
        super().__init__(params, own | fixed)

    def update(self, param: Tensor, grad: Tensor, state: State, group: Group) -> None:
        """Apply the rule to one parameter."""
        sgd_rule(param, grad, group["lr"])
