"""Adagrad.

Paper: Duchi, Hazan & Singer, "Adaptive Subgradient Methods for Online Learning and Stochastic
Optimization", JMLR 2011, the diagonal form. Deviations: none; δ is added to the root as in the
paper. `lr_decay` and the initial value of the accumulator are torch's additions. From torch: none.
"""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from optimizers.base import Bound, Execution, Group, PaperOptimizer, Scalar
from optimizers.inplace import subtract_quotient


def adagrad_rule(
    theta: Tensor, g: Tensor, s: Tensor, eta: float | Tensor, delta: float | Tensor
) -> None:
    """Set s ← s + g²; θ ← θ − η·g/(√s + δ).

    Args:
        theta: Parameters.
        g: Gradient, of the same shape.
        s: Sum of squared gradients, of the same shape.
        eta: Learning rate: a float, or a tensor that broadcasts against `theta`.
        delta: Positive term of the denominator: a float, or a tensor that broadcasts.
    """
    s.addcmul_(g, g)
    subtract_quotient(theta, eta, g, s.sqrt().add_(delta))


class Adagrad(PaperOptimizer):
    """Gradient descent whose rate falls in each coordinate with the gradients seen there.

    Args:
        params: Parameters or groups.
        lr: Learning rate η.
        lr_decay: The rate at step t is lr/(1 + (t − 1)·lr_decay).
        weight_decay: L2 coefficient, added to the gradient as weight_decay·θ.
        initial_accumulator_value: Initial value of the sum of squares.
        eps: δ, added to the root.
        maximize: Climb instead of descend.
        execution: How the rule is run; see `optimizers.base`.
    """

    bounds: ClassVar = {
        "lr": Bound(),
        "lr_decay": Bound(),
        "weight_decay": Bound(),
        "initial_accumulator_value": Bound(),
        "eps": Bound(),
    }
    rule = staticmethod(adagrad_rule)
    takes_sparse = True

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-2,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
        *,
        maximize: bool = False,
        execution: Execution = "auto",
    ) -> None:
        hyperparameters = {
            "lr": lr,
            "lr_decay": lr_decay,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "eps": eps,
            "maximize": maximize,
        }
        super().__init__(params, hyperparameters, execution)
        for group in self.param_groups:  # torch too fills state dicts before step 1
            for param in group["params"]:
                self.begin(param, group)

    def entries(self, group: Group) -> Mapping[str, str | None]:
        """Return the sum of squares."""
        return {"s": "sum"}

    def initial(self, name: str, param: Tensor, group: Group) -> Tensor:
        """Return the initial sum of squares."""
        start = float(group["initial_accumulator_value"])
        value = complex(start, start) if param.is_complex() else start
        return torch.full_like(param, value, memory_format=torch.preserve_format)

    def scalars(self, group: Group, counters: Mapping[str, float]) -> Mapping[str, Scalar]:
        """Return η at this step, and δ."""
        eta = group["lr"] / (1 + (counters["step"] - 1) * group["lr_decay"])
        return {"eta": eta, "delta": group["eps"]}
