"""Adam.

Paper: Kingma & Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015, Algorithm 1.
Deviations: none; ε is added to the root of the corrected second moment, as in the algorithm's box,
not as in the faster order of its section 2. From torch: none.
"""

from collections.abc import Iterable
from typing import Any, ClassVar

from torch import Tensor

from optimizers.base import Bound, Group, PaperOptimizer, State, zeros
from optimizers.inplace import average_square, subtract_quotient


def adam_rule(
    theta: Tensor,
    g: Tensor,
    m: Tensor,
    v: Tensor,
    alpha: float | Tensor,
    beta1: float | Tensor,
    beta2: float | Tensor,
    eps: float | Tensor,
    correction1: float | Tensor,
    root_correction2: float | Tensor,
) -> None:
    """Set m ← β₁m + (1−β₁)g; v ← β₂v + (1−β₂)g²; θ ← θ − α·m̂/(√v̂ + ε).

    Args:
        theta: Parameters.
        g: Gradient, of the same shape.
        m: First moment, of the same shape.
        v: Second moment, of the same shape.
        alpha: Stepsize; it and all below are floats, or tensors that broadcast against `theta`.
        beta1: Decay of the first moment.
        beta2: Decay of the second.
        eps: Keeps the denominator from zero.
        correction1: 1 − β₁ᵗ, so that m̂ = m / correction1.
        root_correction2: √(1 − β₂ᵗ), so that √v̂ = √v / root_correction2.
    """
    m.lerp_(g, 1 - beta1)
    average_square(v, g, beta2)
    denominator = v.sqrt().div_(root_correction2).add_(eps)
    subtract_quotient(theta, alpha / correction1, m, denominator)


class Adam(PaperOptimizer):
    """Steps along the mean gradient over the root of the mean squared gradient.

    Args:
        params: Parameters or groups.
        lr: Stepsize α.
        betas: Decays β₁ and β₂ of the two moments.
        eps: ε.
        weight_decay: L2 coefficient, added to the gradient as weight_decay·θ.
        maximize: Climb instead of descend.
    """

    bounds: ClassVar = {
        "lr": Bound(),
        "betas": Bound(high=1, count=2),
        "eps": Bound(),
        "weight_decay": Bound(),
    }
    # torch's variants under the same class, so that their state dicts are not taken for ours.
    fixed: ClassVar = {"amsgrad": False, "decoupled_weight_decay": False}

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        own = {"lr": lr, "betas": betas, "eps": eps}
        super().__init__(params, own | {"weight_decay": weight_decay, "maximize": maximize})

    def init_state(self, param: Tensor, group: Group) -> State:
        """Return two moments of zero."""
        return {"exp_avg": zeros(param), "exp_avg_sq": zeros(param)}

    def update(self, param: Tensor, grad: Tensor, state: State, group: Group) -> None:
        """Apply the rule to one parameter."""
        t = state["step"].item()
        beta1, beta2 = group["betas"]
        adam_rule(
            param,
            grad,
            state["exp_avg"],
            state["exp_avg_sq"],
            group["lr"],
            beta1,
            beta2,
            group["eps"],
            1 - beta1**t,
            (1 - beta2**t) ** 0.5,
        )
