"""Adadelta.

Paper: Zeiler, "ADADELTA: An Adaptive Learning Rate Method", arXiv 1212.5701, 2012, Algorithm 1.
Deviations: as in torch, a learning rate multiplies the step; its default 1 gives the paper's rule.
ρ is 0.9 by default, as in torch; the paper uses 0.95.
"""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from torch import Tensor

from optimizers.base import Bound, Execution, Group, PaperOptimizer, Scalar
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
        x: Parameters; they and the two means change in place.
        g: Gradient, of the same shape.
        mean_g2: Decaying mean E[g²], of the same shape.
        mean_dx2: Decaying mean E[Δx²], of the same shape.
        lr: Factor of the step; this and the scalars below are floats or tensors that broadcast.
        rho: Decay ρ of both means.
        eps: ε, inside both roots.
    """
    average_square(mean_g2, g, rho)
    deviation = mean_g2.add(eps).sqrt_()
    delta = mean_dx2.add(eps).sqrt_().div_(deviation).mul_(g)
    average_square(mean_dx2, delta, rho)
    subtract_scaled(x, lr, delta)


class Adadelta(PaperOptimizer):
    """Gradient descent whose steps get the units of the parameters from the steps before.

    Args:
        params: Parameters or groups.
        lr: Factor of the step; the paper has none, which corresponds to 1.
        rho: Decay ρ of both means.
        eps: ε, inside both roots.
        weight_decay: L2 coefficient, added to the gradient as weight_decay·θ.
        maximize: Climb instead of descend.
        execution: How the rule is run; see `optimizers.base`.
    """

    bounds: ClassVar = {
        "lr": Bound(),
        "rho": Bound(high=1),
        "eps": Bound(),
        "weight_decay": Bound(),
    }
    rule = staticmethod(adadelta_rule)

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
        execution: Execution = "auto",
    ) -> None:
        own: Group = {"lr": lr, "rho": rho, "eps": eps}
        own |= {"weight_decay": weight_decay, "maximize": maximize}
        super().__init__(params, own, execution)

    def entries(self, group: Group) -> Mapping[str, str | None]:
        """Return the two means."""
        return {"mean_g2": "square_avg", "mean_dx2": "acc_delta"}

    def scalars(self, group: Group, counters: Mapping[str, float]) -> Mapping[str, Scalar]:
        """Return lr, ρ and ε."""
        return {"lr": group["lr"], "rho": group["rho"], "eps": group["eps"]}
