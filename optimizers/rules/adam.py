"""Adam.

Paper: Kingma & Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015, Algorithm 1, in the
order of computation that the end of its section 2 gives: the bias corrections of both moments go
into the stepsize α_t = α·√(1−β₂ᵗ)/(1−β₁ᵗ), and ε̂ = ε·√(1−β₂ᵗ) makes the update equal to that of
the algorithm's box. Deviations: none. From torch: only rounding; with float16 parameters it turns
an ε below 2e-6 into an ε̂ of zero in the first steps. torch has no counterpart of the form without
bias correction (the paper's figure 4).

`amsgrad`: Reddi, Kale & Kumar, "On the Convergence of Adam and Beyond", ICLR 2018. As in torch, the
maximum is that of the uncorrected v and is bias-corrected afterwards. The paper corrects nothing,
which is `amsgrad=True, bias_correction=False`.
"""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from optimizers.base import Bound, Execution, Group, PaperOptimizer, Scalar
from optimizers.inplace import average, average_square, subtract_quotient


def adam_rule(
    theta: Tensor,
    g: Tensor,
    m: Tensor,
    v: Tensor,
    v_max: Tensor | None,
    alpha_t: Scalar,
    beta1: Scalar,
    beta2: Scalar,
    eps_hat: Scalar,
) -> None:
    """Set m ← β₁m + (1−β₁)g; v ← β₂v + (1−β₂)g²; θ ← θ − α_t·m/(√v + ε̂).

    Args:
        theta: Parameters.
        g: Gradient, of the same shape.
        m: First moment, of the same shape.
        v: Second moment, of the same shape.
        v_max: AMSGrad's maximum, v_max ← max(v_max, v), which replaces v in the root; otherwise
            None.
        alpha_t: Stepsize with both bias corrections; this and the scalars below are floats, or
            tensors that broadcast against `theta`.
        beta1: Decay of the first moment.
        beta2: Decay of the second moment.
        eps_hat: ε̂, the positive term of the denominator.
    """
    average(m, g, beta1)
    average_square(v, g, beta2)
    if v_max is not None:
        v = torch.maximum(v_max, v, out=v_max)
    subtract_quotient(theta, alpha_t, m, v.sqrt().add_(eps_hat))


class Adam(PaperOptimizer):
    """Gradient descent by the mean gradient over the root of the mean squared gradient.

    Args:
        params: Parameters or groups.
        lr: Stepsize α.
        betas: Decays β₁ and β₂ of the two moments.
        eps: ε.
        weight_decay: L2 coefficient, added to the gradient as weight_decay·θ.
        amsgrad: Divide by the largest second moment so far.
        bias_correction: Correct for the start of both moments at zero.
        maximize: Climb instead of descend.
        execution: How the rule is run; see `optimizers.base`.
    """

    bounds: ClassVar = {
        "lr": Bound(),
        "betas": Bound(high=1, count=2),
        "eps": Bound(),
        "weight_decay": Bound(),
    }
    flags = ("maximize", "amsgrad", "bias_correction")
    fixed: ClassVar = {"decoupled_weight_decay": False}
    rule = staticmethod(adam_rule)

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
        *,
        bias_correction: bool = True,
        maximize: bool = False,
        execution: Execution = "auto",
    ) -> None:
        own: Group = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        own |= {"amsgrad": amsgrad, "bias_correction": bias_correction, "maximize": maximize}
        super().__init__(params, own, execution)

    def entries(self, group: Group) -> Mapping[str, str | None]:
        """Return the two moments and, for AMSGrad, the largest second moment."""
        largest = "max_exp_avg_sq" if group["amsgrad"] else None
        return {"m": "exp_avg", "v": "exp_avg_sq", "v_max": largest}

    def scalars(self, group: Group, counters: Mapping[str, float]) -> Mapping[str, Scalar]:
        """Return α_t, β₁, β₂ and ε̂."""
        alpha, (beta1, beta2), eps = group["lr"], group["betas"], group["eps"]
        if group["bias_correction"]:
            t = counters["step"]
            root = (1 - beta2**t) ** 0.5
            alpha, eps = alpha * root / (1 - beta1**t), eps * root
        return {"alpha_t": alpha, "beta1": beta1, "beta2": beta2, "eps_hat": eps}
