"""NAdam.

Paper: Dozat, "Incorporating Nesterov Momentum into Adam", ICLR 2016 workshop, Algorithm 2, with the
momentum schedule μ_t of its section 3. Deviations, as in torch: the schedule's exponent t/250 is
t·momentum_decay with 0.004, and the root is that of v̂ as in Adam, while the paper's algorithm has
one more factor β₂. From torch: only rounding, see `adam`.
"""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from optimizers.base import Bound, Execution, Group, PaperOptimizer, Scalar, State
from optimizers.inplace import average, average_square, subtract_quotient


def nadam_rule(
    theta: Tensor,
    g: Tensor,
    m: Tensor,
    v: Tensor,
    alpha_g: Scalar,
    alpha_m: Scalar,
    beta1: Scalar,
    beta2: Scalar,
    eps_hat: Scalar,
) -> None:
    """Set m ← β₁m + (1−β₁)g; v ← β₂v + (1−β₂)g²; θ ← θ − (α_g·g + α_m·m)/(√v + ε̂).

    Args:
        theta: Parameters.
        g: Gradient, of the same shape.
        m: First moment, of the same shape.
        v: Second moment, of the same shape.
        alpha_g: α(1−μ_t)/(1−Πμ)·√(1−β₂ᵗ); all scalars are floats or tensors that broadcast.
        alpha_m: αμ_{t+1}/(1−Πμ·μ_{t+1})·√(1−β₂ᵗ), the factor of the look-ahead.
        beta1: Decay of the first moment.
        beta2: Decay of the second moment.
        eps_hat: ε·√(1−β₂ᵗ).
    """
    average(m, g, beta1)
    average_square(v, g, beta2)
    denominator = v.sqrt().add_(eps_hat)
    subtract_quotient(theta, alpha_g, g, denominator)
    subtract_quotient(theta, alpha_m, m, denominator)


class NAdam(PaperOptimizer):
    """Adam with the look-ahead of Nesterov's momentum.

    Args:
        params: Parameters or groups.
        lr: Stepsize α, with the default of the paper and of torch.
        betas: Decays β₁ and β₂ of the two moments.
        eps: ε.
        weight_decay: L2 coefficient, added to the gradient as weight_decay·θ.
        momentum_decay: ψ of the schedule μ_t = β₁(1 − ½·0.96^(tψ)).
        maximize: Climb instead of descend.
        execution: How the rule is run; see `optimizers.base`.
    """

    bounds: ClassVar = {
        "lr": Bound(),
        "betas": Bound(high=1, count=2),
        "eps": Bound(),
        "weight_decay": Bound(),
        "momentum_decay": Bound(),
    }
    fixed: ClassVar = {"decoupled_weight_decay": False}
    counters = ("step", "mu_product")
    rule = staticmethod(nadam_rule)

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum_decay: float = 4e-3,
        *,
        maximize: bool = False,
        execution: Execution = "auto",
    ) -> None:
        own: Group = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        own |= {"momentum_decay": momentum_decay, "maximize": maximize}
        super().__init__(params, own, execution)

    def entries(self, group: Group) -> Mapping[str, str | None]:
        """Return the two moments."""
        return {"m": "exp_avg", "v": "exp_avg_sq"}

    def initial_counter(self, name: str) -> Tensor:
        """Return 0 for the step and 1 for the empty product Πμ."""
        start = super().initial_counter(name)
        return start if name == "step" else torch.ones_like(start)

    def count(self, group: Group, counters: State) -> None:
        """Advance the step and multiply μ_t into the product."""
        super().count(group, counters)
        counters["mu_product"] *= float(_mu(group, counters["step"].flatten()[0].item()))

    def scalars(self, group: Group, counters: Mapping[str, float]) -> Mapping[str, Scalar]:
        """Return α_g, α_m, β₁, β₂ and ε̂."""
        beta1, beta2 = group["betas"]
        t, product = counters["step"], counters["mu_product"]
        root = (1 - beta2**t) ** 0.5
        mu, mu_next = _mu(group, t), _mu(group, t + 1)
        alpha_g = group["lr"] * (1 - mu) / (1 - product) * root
        alpha_m = group["lr"] * mu_next / (1 - product * mu_next) * root
        return {
            "alpha_g": alpha_g,
            "alpha_m": alpha_m,
            "beta1": beta1,
            "beta2": beta2,
            "eps_hat": group["eps"] * root,
        }


def _mu(group: Group, t: float) -> float:
    mu: float = group["betas"][0] * (1 - 0.5 * 0.96 ** (t * group["momentum_decay"]))
    return mu
