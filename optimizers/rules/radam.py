"""RAdam.

Paper: Liu et al., "On the Variance of the Adaptive Learning Rate and Beyond", ICLR 2020, Algorithm
2. Deviations, as in torch: the step is rectified from ρ_t > 5 on, while the paper has 4, and ε,
which the paper leaves out, is added to √v before the bias correction. From torch: only rounding.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from optimizers.base import Bound, Execution, Group, PaperOptimizer, Scalar
from optimizers.inplace import average, average_square, subtract_quotient, subtract_scaled


def radam_rule(
    theta: Tensor,
    g: Tensor,
    m: Tensor,
    v: Tensor,
    alpha_t: Scalar,
    beta1: Scalar,
    beta2: Scalar,
    adapts: Scalar,
    eps: Scalar,
) -> None:
    """Set m ← β₁m + (1−β₁)g; v ← β₂v + (1−β₂)g²; θ ← θ − α_t·m/(√v + ε), or θ − α_t·m.

    Args:
        theta: Parameters.
        g: Gradient, of the same shape.
        m: First moment, of the same shape.
        v: Second moment, of the same shape.
        alpha_t: Rectified and bias-corrected stepsize; this and the scalars below are floats or
            tensors that broadcast.
        beta1: Decay of the first moment.
        beta2: Decay of the second moment.
        adapts: True if the variance of the adaptive rate can be rectified, False for a step along
            m alone.
        eps: ε.
    """
    average(m, g, beta1)
    average_square(v, g, beta2)
    if isinstance(adapts, Tensor):
        root = torch.where(adapts > 0, v.sqrt().add_(eps), 1.0)
        subtract_quotient(theta, alpha_t, m, root)
    elif adapts:
        subtract_quotient(theta, alpha_t, m, v.sqrt().add_(eps))
    else:
        subtract_scaled(theta, alpha_t, m)


class RAdam(PaperOptimizer):
    """Adam that adapts only as far as its second moment can be trusted.

    Args:
        params: Parameters or groups.
        lr: Stepsize α.
        betas: Decays β₁ and β₂ of the two moments.
        eps: ε.
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
    fixed: ClassVar = {"decoupled_weight_decay": False}
    rule = staticmethod(radam_rule)

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-3,
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
        """Return the two moments."""
        return {"m": "exp_avg", "v": "exp_avg_sq"}

    def scalars(self, group: Group, counters: Mapping[str, float]) -> Mapping[str, Scalar]:
        """Return α_t, β₁, β₂, ε and the choice between the two steps."""
        beta1, beta2 = group["betas"]
        same = {"beta1": beta1, "beta2": beta2, "eps": group["eps"]}
        t = counters["step"]
        alpha = group["lr"] / (1 - beta1**t)
        rho_inf = 2 / (1 - beta2) - 1
        rho = rho_inf - 2 * t * beta2**t / (1 - beta2**t)
        if rho <= 5:
            return same | {"alpha_t": alpha, "adapts": False}
        above = (rho - 4) * (rho - 2) * rho_inf
        rectification = math.sqrt(above / ((rho_inf - 4) * (rho_inf - 2) * rho))
        root = (1 - beta2**t) ** 0.5
        return same | {"alpha_t": alpha * rectification * root, "adapts": True}
