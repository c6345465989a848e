"""Measurements of one optimizer step: its update of the parameters, compared with the gradient."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import takewhile
from operator import add
from typing import Any

import torch
from torch import Tensor

from benchmark.callbacks.curves import Row


@dataclass(frozen=True)
class Sums:
    """Sums over the elements of one or more parameters, from which the quantities follow.

    Args:
        gradient: Σ g².
        update: Σ u².
        weight: Σ w².
        product: −Σ u·g.
        signal: Σ |m̂|/√v̂, over the elements whose v is not zero.
        signals: Number of these elements; 0 if the optimizer has no such moments.
    """

    gradient: float = 0.0
    update: float = 0.0
    weight: float = 0.0
    product: float = 0.0
    signal: float = 0.0
    signals: float = 0.0

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(*map(add, vars(self).values(), vars(other).values()))

    def quantities(self) -> Row:
        """Return the quantities by name; an undefined one is NaN.

        ``gradient_norm`` ‖g‖, ``update_norm`` ‖u‖, ``update_ratio`` ‖u‖/‖w‖, ``effective_step``
        ‖u‖/‖g‖, ``cosine`` of the angle between u and −g, and ``signal_to_noise``, the mean of
        |m̂|/√v̂ (Kingma & Ba, "Adam", ICLR 2015, section 2.1): near 1 where gradients agree from
        step to step, near 0 where they cancel.

        >>> Sums(gradient=25.0, update=0.25, weight=1.0, product=2.5).quantities()["cosine"]
        1.0
        """
        gradient, update = math.sqrt(self.gradient), math.sqrt(self.update)
        cosine = _ratio(self.product, update * gradient)
        return {
            "gradient_norm": gradient,
            "update_norm": update,
            "update_ratio": _ratio(update, math.sqrt(self.weight)),
            "effective_step": _ratio(update, gradient),
            "cosine": math.copysign(
                min(abs(cosine), 1.0), cosine
            ),  # rounding in 32 bits may exceed 1
            "signal_to_noise": _ratio(self.signal, self.signals),
        }


def step_sums(
    before: Tensor, gradient: Tensor, param: Tensor, state: Mapping[str, Any], group: Any
) -> Tensor:
    """Return the fields of `Sums` for one step of one parameter, shape (6,), on its device.

    Args:
        before: The parameter before the step.
        gradient: The gradient for the step, dense or sparse.
        param: The parameter after the step.
        state: The optimizer's state for this parameter.
        group: The optimizer's parameter group of this parameter.
    """
    w = _vector(before)
    g = _vector(gradient)
    u = _vector(param) - w
    return torch.stack([g @ g, u @ u, w @ w, -(u @ g), *_signal(param, state, group)])


def group_names(dimensions: Mapping[str, int]) -> list[str]:
    """Return the group of each parameter: its top-level layer, and weights or biases.

    If one module contains all layers, the first level with several modules counts as the top.
    Parameters with two or more dimensions are weights; all others, such as the scales of
    normalization layers, are biases.

    Args:
        dimensions: Number of dimensions of each parameter, by name.

    >>> group_names({"0.weight": 2, "0.bias": 1, "3.weight": 2})
    ['0.weights', '0.biases', '3.weights']
    >>> group_names({"net.a.conv.weight": 4, "net.a.norm.weight": 1, "net.b.weight": 2})
    ['net.a.weights', 'net.a.biases', 'net.b.weights']
    >>> group_names({"weight": 2, "bias": 1})
    ['weights', 'biases']
    """
    paths = [name.split(".")[:-1] for name in dimensions]
    shared = takewhile(lambda level: len(set(level)) == 1, zip(*paths, strict=False))
    depth = len(list(shared)) + 1
    return [
        ".".join([*path[:depth], "weights" if dimension > 1 else "biases"])
        for path, dimension in zip(paths, dimensions.values(), strict=True)
    ]


def _ratio(above: float, below: float) -> float:
    return above / below if below else math.nan


def _signal(param: Tensor, state: Mapping[str, Any], group: Any) -> tuple[Tensor, Tensor]:
    """Return Σ |m̂|/√v̂ and the number of elements in it; zeros if there are no such moments.

    Whatever else an optimizer keeps under these names must not end its trial.
    """
    none = torch.zeros((), device=param.device)
    m, v = state.get("exp_avg"), state.get("exp_avg_sq")
    try:
        if m is None or v is None or not m.shape == v.shape == param.shape:
            return none, none
        correction = _correction(state, group)
        if correction is None:
            return none, none
        m, v = _vector(m), _vector(v)
        moved = v > 0
        ratios = torch.where(moved, m.abs() / v.sqrt(), 0)
        total = (ratios.sum() * correction).reshape(()).to(param.device)
        return (none, none) if total.is_complex() else (total, moved.sum().to(param.device))
    except (ArithmeticError, AttributeError, RuntimeError, TypeError, ValueError):
        return none, none


def _correction(state: Mapping[str, Any], group: Any) -> Tensor | float | None:
    """Return the factor from m/√v to m̂/√v̂: √(1−β₂ᵗ)/(1−β₁ᵗ), or 1 without bias correction.

    Return None if the optimizer does not show its t and its betas.
    """
    if group.get("bias_correction") is False:
        return 1.0
    step, betas = state.get("step", group.get("step")), group.get("betas")
    if step is None or betas is None:
        return None
    t = step if isinstance(step, Tensor) else torch.tensor(float(step))  # may be on the device
    # 1 − βᵗ, computed without the loss of digits of a subtraction in 32 bits.
    first, second = (
        -torch.expm1(t * (math.log(beta) if beta else -math.inf)) for beta in betas[:2]
    )
    return second.sqrt() / first


def _vector(tensor: Tensor) -> Tensor:
    """Return the elements in their logical order, as a dense vector of at least 32 bits each."""
    dense = tensor.detach().to_dense() if tensor.is_sparse else tensor.detach()
    return dense.reshape(-1).to(torch.promote_types(dense.dtype, torch.float32))
