"""Muon: momentum with orthogonal steps for matrices, AdamW for all other parameters.

Sources: Jordan, Jin, Boza, You, Cesista, Newhouse & Bernstein, "Muon: An optimizer for hidden
layers in neural networks", 2024, and for the size of the steps Liu et al., "Muon is Scalable for
LLM Training", arXiv 2502.16982, 2025, section 2.2: with ``adjust_lr_fn="match_rms_adamw"`` a step
is as large as one of AdamW, so that one learning rate serves all parameters; ``"original"`` is the
first source's. The momentum is a mean, m ← μm + (1−μ)g, as in the first source's code and in torch.

Deviations. A parameter with two dimensions counts as a matrix, and so does one with four, a
convolution's kernel, flattened to (outputs, inputs·height·width). The sources leave embeddings and
output layers to AdamW too, but an optimizer sees only tensors: here these are matrices as well,
unless they are given to another optimizer. The iteration runs in the type of the parameter, but in
32 bits at least; torch's and the sources' runs in bfloat16, which is slow on most CPUs. ε is also
the smallest divisor of the momentum's norm. Complex matrices, which torch refuses, become unitary.

From torch.optim.Muon, which takes only two-dimensional parameters: in 64 bits 12 digits are equal
if its iteration runs in 64 bits too; with its bfloat16, steps differ by a few per cent. Its ε has
another default, 1e-7.
"""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from optimizers.base import Bound, Execution, Group, PaperOptimizer, Scalar
from optimizers.inplace import average, average_square, subtract_quotient, subtract_scaled

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # of the first source
_NUM_STEPS = 5


def muon_rule(
    theta: Tensor, g: Tensor, m: Tensor, eta: Scalar, mu: Scalar, eps: Scalar, matches_adamw: bool
) -> None:
    """Set m ← μm + (1−μ)g; θ ← θ − η·s·orthogonal(μm + (1−μ)g), with a factor s for the shape.

    Args:
        theta: A matrix, or a kernel of four dimensions.
        g: Gradient, of the same shape.
        m: Momentum, of the same shape.
        eta: Learning rate; this, μ and ε are floats or 0-d tensors.
        mu: Decay of the momentum.
        eps: Smallest divisor of the norm.
        matches_adamw: s is 0.2·√max(rows, columns), the size of AdamW's steps; otherwise it is
            √max(1, rows/columns).
    """
    average(m, g, mu)
    ahead = m.clone(memory_format=torch.contiguous_format)
    average(ahead, g, mu)
    matrix = ahead.flatten(1)
    rows, columns = matrix.shape
    scale = 0.2 * max(rows, columns) ** 0.5 if matches_adamw else max(1, rows / columns) ** 0.5
    subtract_scaled(theta, eta * scale, orthogonal(matrix, eps).reshape(theta.shape))


def orthogonal(matrix: Tensor, eps: Scalar) -> Tensor:
    """Return a matrix with the singular vectors of `matrix` and singular values from 0.7 to 1.2.

    Five times X ← aX + b(XXᵀ)X + c(XXᵀ)²X, the Newton–Schulz iteration of the first source. It
    begins with all singular values at most 1; those below 0.0015 or so stay below 0.7.

    Args:
        matrix: Any matrix, (rows, columns).
        eps: Smallest divisor of its norm.
    """
    x = matrix.float() if matrix.element_size() < 4 else matrix
    is_tall = len(x) > x[0].numel()
    x = x.mH if is_tall else x
    x = x / torch.linalg.vector_norm(x).clamp(min=eps)
    a, b, c = _COEFFICIENTS
    for _ in range(_NUM_STEPS):
        gram = x @ x.mH
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mH if is_tall else x


def adamw_rule(
    theta: Tensor,
    g: Tensor,
    m: Tensor,
    v: Tensor,
    alpha_t: Scalar,
    beta1: Scalar,
    beta2: Scalar,
    eps_hat: Scalar,
) -> None:
    """Set m ← β₁m + (1−β₁)g; v ← β₂v + (1−β₂)g²; θ ← θ − α_t·m/(√v + ε̂), as `adam` explains.

    Args:
        theta: Parameters.
        g: Gradient, of the same shape.
        m: First moment, of the same shape.
        v: Second moment, of the same shape.
        alpha_t: Stepsize with both bias corrections; all scalars are floats or tensors that
            broadcast.
        beta1: Decay of the first moment.
        beta2: Decay of the second moment.
        eps_hat: ε·√(1−β₂ᵗ).
    """
    average(m, g, beta1)
    average_square(v, g, beta2)
    subtract_quotient(theta, alpha_t, m, v.sqrt().add_(eps_hat))


class Muon(PaperOptimizer):
    """Nesterov's momentum with singular values near 1 for matrices, and AdamW for the rest.

    Args:
        params: Parameters or groups.
        lr: Learning rate of both.
        momentum: μ, for matrices.
        betas: Decays β₁ and β₂ of AdamW's moments, for all other parameters.
        eps: AdamW's ε, and the smallest divisor of the norm of a matrix.
        weight_decay: λ: before each step all parameters are multiplied by 1 − lr·λ.
        adjust_lr_fn: Size of a matrix's steps: ``match_rms_adamw`` or ``original``, which torch
            also calls None.
        maximize: Climb instead of descend.
        execution: How AdamW's rule is run, see `optimizers.base`; matrices step one by one.
    """

    bounds: ClassVar = {
        "lr": Bound(),
        "momentum": Bound(high=1),
        "betas": Bound(high=1, count=2),
        "eps": Bound(),
        "weight_decay": Bound(),
    }
    choices: ClassVar = {"adjust_lr_fn": ("match_rms_adamw", "original", None)}
    fixed: ClassVar = {"nesterov": True, "ns_coefficients": _COEFFICIENTS, "ns_steps": _NUM_STEPS}
    decoupled = True
    rule = staticmethod(adamw_rule)
    whole_rule = staticmethod(muon_rule)

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-3,
        momentum: float = 0.95,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.1,
        adjust_lr_fn: str | None = "match_rms_adamw",
        *,
        maximize: bool = False,
        execution: Execution = "auto",
    ) -> None:
        own: Group = {"lr": lr, "momentum": momentum, "betas": betas, "eps": eps}
        own |= {"weight_decay": weight_decay, "adjust_lr_fn": adjust_lr_fn, "maximize": maximize}
        super().__init__(params, own, execution)

    def is_whole(self, param: Tensor) -> bool:
        """Return whether this is a matrix or a kernel, and not empty."""
        return param.ndim in (2, 4) and param.numel() > 0

    def whole_entries(self, group: Group) -> Mapping[str, str | None]:
        """Return the momentum."""
        return {"m": "momentum_buffer"}

    def whole_scalars(self, group: Group) -> Mapping[str, Scalar]:
        """Return η, μ, ε and the choice of the scale."""
        return {
            "eta": group["lr"],
            "mu": group["momentum"],
            "eps": group["eps"],
            "matches_adamw": group["adjust_lr_fn"] == "match_rms_adamw",
        }

    def entries(self, group: Group) -> Mapping[str, str | None]:
        """Return AdamW's two moments."""
        return {"m": "exp_avg", "v": "exp_avg_sq"}

    def scalars(self, group: Group, counters: Mapping[str, float]) -> Mapping[str, Scalar]:
        """Return AdamW's α_t, β₁, β₂ and ε̂."""
        (beta1, beta2), t = group["betas"], counters["step"]
        root = (1 - beta2**t) ** 0.5
        return {
            "alpha_t": group["lr"] * root / (1 - beta1**t),
            "beta1": beta1,
            "beta2": beta2,
            "eps_hat": group["eps"] * root,
        }
