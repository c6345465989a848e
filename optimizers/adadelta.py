"""Adadelta.

Paper: Zeiler, "ADADELTA: An Adaptive Learning Rate Method", arXiv 1212.5701, 2012, Algorithm 1.
Deviations: a learning rate multiplies the step as in torch, 1 by default, which is the paper's
rule; ρ is 0.9 by default as in torch, where the paper uses 0.95.
"""

from collections.abc import Iterable
from typing import Any, ClassVar

from torch import Tensor

from optimizers.base import Bound, Group, PaperOptimizer, State, zeros
from optimizers.inplace import average_square, subtract_scaled


def adadelta_rule(
    x: Tensor,
    g: Tensor,
    mean_g2: Tensor,
    mean_dx2: Tensor,
    lr: float | Tensor,
    rho: float | Tensor,
    eps: float | Tensor,
) -> None:
    """Set E[g²] ← ρE[g²] + (1−ρ)g²; Δx = √(E[Δx²]+ε)/√(E[g²]+ε)·g; E[Δx²] likewise; x ← x − lr·Δx.

    Args:
        x: Parameters, changed in place as are the two means.
        g: Gradient, of the same shape.
        mean_g2: Decaying mean E[g²], of the same shape.
        mean_dx2: Decaying mean E[Δx²], of the same shape.
        lr: Factor of the step; it and those below are floats or tensors that broadcast.
        rho: Decay ρ of both means.
        eps: ε, inside both roots.
    """
    average_square(mean_g2, g, rho)
    deviation = mean_g2.add(eps).sqrt_()
    delta = mean_dx2.add(eps).sqrt_().div_(deviation).mul_(g)
    average_square(mean_dx2, delta, rho)
    subtract_scaled(x, lr, delta)


class Adadelta(PaperOptimizer):
    """Steps in the units of the parameters, from the steps taken before.

    Args:
        params: Parameters or groups.
        lr: Factor of the step; the paper has none, which is 1.
        rho: Decay ρ of both means.
        eps: ε, inside both roots.
        weight_decay: L2 coefficient, added to the gradient as weight_decay·θ.
        maximize: Climb instead of descend.
    """

    bounds: ClassVar = {
        "lr": Bound(),
        "rho": Bound(high=1),
        "eps": Bound(),
        "weight_decay": Bound(),
    }

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        own = {"lr": lr, "rho": rho, "eps": eps}
        super().__init__(params, own | {"weight_decay": weight_decay, "maximize": maximize})

    def init_state(self, param: Tensor, group: Group) -> State:
        """Return two means of zero."""
        return {"square_avg": zeros(param), "acc_delta": zeros(param)}

    def update(self, param: Tensor, grad: Tensor, state: State, group: Group) -> None:
        """Apply the rule to one parameter."""
        means = state["square_avg"], state["acc_delta"]
        adadelta_rule(param, grad, *means, group["lr"], group["rho"], group["eps"])
