"""Lion.

Paper: Chen et al., "Symbolic Discovery of Optimization Algorithms", NeurIPS 2023, Algorithm 2.
Deviations: none. The defaults are those of the authors' code. torch has no Lion.
"""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from torch import Tensor

from optimizers.base import Bound, Execution, Group, PaperOptimizer, Scalar
from optimizers.inplace import average, subtract_scaled


def lion_rule(
    theta: Tensor, g: Tensor, m: Tensor, eta: Scalar, beta1: Scalar, beta2: Scalar
) -> None:
    """Set c ← β₁m + (1−β₁)g; θ ← θ − η·sign(c); m ← β₂m + (1−β₂)g.

    Args:
        theta: Parameters.
        g: Gradient, of the same shape.
        m: Mean gradient, of the same shape.
        eta: Learning rate; this and the scalars below are floats or tensors that broadcast.
        beta1: Weight of m in the direction.
        beta2: Decay of m.
    """
    c = m.clone()
    average(c, g, beta1)
    subtract_scaled(theta, eta, c.sign_())
    average(m, g, beta2)


class Lion(PaperOptimizer):
    """Descent by the sign of an interpolated momentum, with equal steps in every coordinate.

    Args:
        params: Parameters or groups.
        lr: Learning rate η.
        betas: β₁ of the direction and β₂ of the mean.
        weight_decay: λ: before each step the parameters are multiplied by 1 − lr·λ.
        maximize: Climb instead of descend.
        execution: How the rule is run; see `optimizers.base`.
    """

    bounds: ClassVar = {"lr": Bound(), "betas": Bound(high=1, count=2), "weight_decay": Bound()}
    counters = ()
    decoupled = True
    rule = staticmethod(lion_rule)

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-4,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
        execution: Execution = "auto",
    ) -> None:
        own = {"lr": lr, "betas": betas, "weight_decay": weight_decay, "maximize": maximize}
        super().__init__(params, own, execution)

    def entries(self, group: Group) -> Mapping[str, str | None]:
        """Return the mean gradient."""
        return {"m": "exp_avg"}

    def scalars(self, group: Group, counters: Mapping[str, float]) -> Mapping[str, Scalar]:
        """Return η, β₁ and β₂."""
        beta1, beta2 = group["betas"]
        return {"eta": group["lr"], "beta1": beta1, "beta2": beta2}
