"""Adam with decoupled weight decay.

Paper: Loshchilov & Hutter, "Decoupled Weight Decay Regularization", ICLR 2019, Algorithm 2.
Deviation, as in torch: the decay is multiplied by the learning rate, θ ← (1 − lr·λ)θ, so λ here is
the paper's λ/α; the default 0.01 is torch's. From torch: only rounding.
"""

from collections.abc import Iterable
from typing import Any, ClassVar

from torch import Tensor

from optimizers.base import Execution
from optimizers.rules.adam import Adam


class AdamW(Adam):
    """Adam whose weight decay shrinks the parameters directly, not through the gradient.

    Args:
        params: Parameters or groups.
        lr: Stepsize α.
        betas: Decays β₁ and β₂ of the two moments.
        eps: ε.
        weight_decay: λ: before each step the parameters are multiplied by 1 − lr·λ.
        amsgrad: Divide by the largest second moment so far.
        bias_correction: Correct for the start of both moments at zero.
        maximize: Climb instead of descend.
        execution: How the rule is run; see `optimizers.base`.
    """

    fixed: ClassVar = {"decoupled_weight_decay": True}
    decoupled = True

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        bias_correction: bool = True,
        maximize: bool = False,
        execution: Execution = "auto",
    ) -> None:
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            bias_correction=bias_correction,
            maximize=maximize,
            execution=execution,
        )
