"""AdaMax.

Paper: Kingma & Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015, section 7.1, Algorithm
2. Deviation, as in torch: ε is added to |g| in the maximum, so that gradients that were always zero
do not cause a division by zero; the paper has no ε. From torch: none.
"""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from optimizers.base import Bound, Execution, Group, PaperOptimizer, Scalar
from optimizers.inplace import average, subtract_quotient


def adamax_rule(
    theta: Tensor,
    g: Tensor,
    m: Tensor,
    u: Tensor,
    alpha_t: Scalar,
    beta1: Scalar,
    beta2: Scalar,
    eps: Scalar,
) -> None:
    """Set m ← β₁m + (1−β₁)g; u ← max(β₂u, |g| + ε); θ ← θ − α_t·m/u.

    Args:
        theta: Parameters.
        g: Gradient, of the same shape.
        m: First moment, of the same shape.
        u: Exponentially weighted infinity norm, of the same shape.
        alpha_t: α/(1−β₁ᵗ); this and the scalars below are floats or tensors that broadcast.
        beta1: Decay of the first moment.
        beta2: Decay of the norm.
        eps: ε.
    """
    average(m, g, beta1)
    torch.maximum(u.mul_(beta2), g.abs().add_(eps), out=u)
    subtract_quotient(theta, alpha_t, m, u)


class Adamax(PaperOptimizer):
    """Adam with the largest recent gradient in place of the root of the mean square.

    Args:
        params: Parameters or groups.
        lr: Stepsize α, with the paper's default.
        betas: Decays β₁ and β₂ of the first moment and of the norm.
        eps: ε, added to |g|.
        weight_decay: L2 coefficient, added to the gradient as weight_decay·θ.
        maximize: Climb instead of descend.
        execution: How the rule is run; see `optimizers.base`.
    """

    bounds: ClassVar = {
        "lr": Bound(),
        "betas": Bound(high=1, count=2),
        "eps": Bound(),
        "weight_decay": Bound(),
    }
    rule = staticmethod(adamax_rule)

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
        execution: Execution = "auto",
    ) -> None:
        own: Group = {"lr": lr, "betas": betas, "eps": eps}
        own |= {"weight_decay": weight_decay, "maximize": maximize}
        super().__init__(params, own, execution)

    def entries(self, group: Group) -> Mapping[str, str | None]:
        """Return the first moment and the norm."""
        return {"m": "exp_avg", "u": "exp_inf"}

    def scalars(self, group: Group, counters: Mapping[str, float]) -> Mapping[str, Scalar]:
        """Return α_t, β₁, β₂ and ε."""
        beta1, beta2 = group["betas"]
        alpha_t = group["lr"] / (1 - beta1 ** counters["step"])
        return {"alpha_t": alpha_t, "beta1": beta1, "beta2": beta2, "eps": group["eps"]}
