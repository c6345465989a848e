"""Gradient descent with momentum, the heavy ball.

Paper: Polyak, "Some methods of speeding up the convergence of iteration methods", 1964, in the form
v ← μ·v + g, θ ← θ − α·v. Deviation: the learning rate stands outside the velocity, as in torch, so
a change of α acts at once; with constant α the iterates are Polyak's. As in torch the velocity
begins as the first gradient, undamped.
"""

from collections.abc import Iterable
from typing import Any, ClassVar

from torch import Tensor

from optimizers.base import Bound, Group, PaperOptimizer, State
from optimizers.sgd import sgd_rule


def momentum_rule(
    theta: Tensor,
    g: Tensor,
    v: Tensor,
    alpha: float | Tensor,
    mu: float | Tensor,
    dampening: float | Tensor = 0.0,
) -> None:
    """V ← μ·v + (1 − dampening)·g; θ ← θ − α·v, in place.

    Args:
        theta: Parameters.
        g: Gradient, of the same shape.
        v: Velocity, of the same shape.
        alpha: Learning rate; it and the next two are floats or tensors that broadcast.
        mu: Momentum μ.
        dampening: Part of the gradient that does not enter the velocity.
    """
    v.mul_(mu)
    v.add_(g * (1 - dampening) if isinstance(dampening, Tensor) or dampening else g)
    sgd_rule(theta, v, alpha)


class Momentum(PaperOptimizer):
    """Gradient descent along a decaying sum of gradients.

    Args:
        params: Parameters or groups.
        lr: Learning rate α.
        momentum: Decay μ of the velocity.
        dampening: Part of the gradient that does not enter the velocity.
        weight_decay: L2 coefficient, added to the gradient as weight_decay·θ.
        maximize: Climb instead of descend.
    """

    bounds: ClassVar = {
        "lr": Bound(),
        "momentum": Bound(high=1),
        "dampening": Bound(),
        "weight_decay": Bound(),
    }
    counts_steps = False

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-3,
        momentum: float = 0.9,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        own = {"lr": lr, "momentum": momentum, "dampening": dampening}
        rest = {"weight_decay": weight_decay, "maximize": maximize, "nesterov": False}
        super().__init__(params, own | rest)

    def update(self, param: Tensor, grad: Tensor, state: State, group: Group) -> None:
        """Apply the rule to one parameter."""
        v = state.get("momentum_buffer")
        if v is None:
            self.state[param]["momentum_buffer"] = grad.clone()
            sgd_rule(param, grad, group["lr"])
        else:
            momentum_rule(param, grad, v, group["lr"], group["momentum"], group["dampening"])
