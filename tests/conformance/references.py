"""Every rule as its paper writes it, and the forms of it that the conformance tests run over.

A rule takes one step of one parameter in numpy and 64 bits: θ and g go in, the new θ comes out; `s`
is the state, under torch's names, empty before the first step; `h` has the hyperparameters.
`maximize` and coupled weight decay are in `step`, once for all. `CASES` has the forms of each rule.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pkgutil import resolve_name
from typing import Any

import numpy as np

from optimizers.registry import OPTIMIZERS
from tests.conformance import course


def step(rule, theta, g, s, h, *, decoupled=False):
    """Take the step of `rule` with what every optimizer does around it."""
    if h.maximize:
        g = -g
    if decoupled:
        theta = theta * (1 - h.lr * h.weight_decay)
    else:
        g = g + h.weight_decay * theta
    return rule(theta, g, s, h)


def sgd(theta, g, s, h):
    """θ ← θ − αg."""
    return theta - h.lr * g


def momentum(theta, g, s, h):
    """Polyak 1964: v ← μv + g; θ ← θ − αv."""
    v = s["momentum_buffer"] = h.momentum * s.get("momentum_buffer", 0.0) + g
    return theta - h.lr * v


def nesterov(theta, g, s, h):
    """Sutskever et al. 2013, held at the point looked ahead to: φ ← φ − α(g + μv)."""
    v = s["momentum_buffer"] = h.momentum * s.get("momentum_buffer", 0.0) + g
    return theta - h.lr * (g + h.momentum * v)


def adagrad(theta, g, s, h):
    """Duchi et al. 2011: θ ← θ − ηg/(δ + √Σg²), η falling with lr_decay as torch has it."""
    t = count(s)
    total = s["sum"] = s.get("sum", h.initial_accumulator_value) + g**2
    return theta - h.lr / (1 + (t - 1) * h.lr_decay) * g / (h.eps + np.sqrt(total))


def adadelta(theta, g, s, h):
    """Zeiler 2012, Algorithm 1."""
    count(s)
    mean_g2 = s["square_avg"] = h.rho * s.get("square_avg", 0.0) + (1 - h.rho) * g**2
    delta = -np.sqrt(s.get("acc_delta", 0.0) + h.eps) / np.sqrt(mean_g2 + h.eps) * g
    s["acc_delta"] = h.rho * s.get("acc_delta", 0.0) + (1 - h.rho) * delta**2
    return theta + h.lr * delta


def rmsprop(theta, g, s, h):
    """Hinton 2012, lecture 6.5, with ε beside the root."""
    count(s)
    mean_g2 = s["square_avg"] = h.alpha * s.get("square_avg", 0.0) + (1 - h.alpha) * g**2
    return theta - h.lr * g / (np.sqrt(mean_g2) + h.eps)


def rmsprop_centered(theta, g, s, h):
    """Graves 2013: the root is of the variance."""
    count(s)
    return theta - h.lr * g / (np.sqrt(variance(g, s, h)) + h.eps)


def rmsprop_momentum(theta, g, s, h):
    """A velocity of quotients, as torch has it."""
    count(s)
    mean_g2 = s["square_avg"] = h.alpha * s.get("square_avg", 0.0) + (1 - h.alpha) * g**2
    return theta - h.lr * velocity(g / (np.sqrt(mean_g2) + h.eps), s, h)


def rmsprop_centered_momentum(theta, g, s, h):
    """Graves 2013, equations 38 to 41, but for his 1e-4 inside the root."""
    count(s)
    return theta - h.lr * velocity(g / (np.sqrt(variance(g, s, h)) + h.eps), s, h)


def adam(theta, g, s, h):
    """Kingma & Ba 2015, Algorithm 1."""
    t, (beta1, beta2) = count(s), h.betas
    m, v = moments(g, s, h)
    m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
    return theta - h.lr * m_hat / (np.sqrt(v_hat) + h.eps)


def adam_uncorrected(theta, g, s, h):
    """Algorithm 1 without bias correction, as in figure 4 of the paper."""
    count(s)
    m, v = moments(g, s, h)
    return theta - h.lr * m / (np.sqrt(v) + h.eps)


def amsgrad(theta, g, s, h):
    """Adam with the largest v so far, uncorrected, in the place of v, as torch has it."""
    t, (beta1, beta2) = count(s), h.betas
    m, v = moments(g, s, h)
    v_max = s["max_exp_avg_sq"] = np.maximum(s.get("max_exp_avg_sq", 0.0), v)
    return theta - h.lr * (m / (1 - beta1**t)) / (np.sqrt(v_max / (1 - beta2**t)) + h.eps)


def amsgrad_uncorrected(theta, g, s, h):
    """Reddi et al. 2018, Algorithm 2, with ε as in Adam."""
    count(s)
    m, v = moments(g, s, h)
    v_max = s["max_exp_avg_sq"] = np.maximum(s.get("max_exp_avg_sq", 0.0), v)
    return theta - h.lr * m / (np.sqrt(v_max) + h.eps)


def adamax(theta, g, s, h):
    """Kingma & Ba 2015, Algorithm 2, with torch's ε beside |g|."""
    t, (beta1, beta2) = count(s), h.betas
    m = s["exp_avg"] = beta1 * s.get("exp_avg", 0.0) + (1 - beta1) * g
    u = s["exp_inf"] = np.maximum(beta2 * s.get("exp_inf", 0.0), np.abs(g) + h.eps)
    return theta - h.lr / (1 - beta1**t) * m / u


def nadam(theta, g, s, h):
    """Dozat 2016, Algorithm 2, with torch's exponent of the schedule and without the extra β₂."""
    t, (beta1, beta2) = count(s), h.betas
    mu, mu_next = (beta1 * (1 - 0.5 * 0.96 ** (n * h.momentum_decay)) for n in (t, t + 1))
    product = s["mu_product"] = s.get("mu_product", 1.0) * mu
    m, v = moments(g, s, h)
    m_bar = mu_next * m / (1 - product * mu_next) + (1 - mu) * g / (1 - product)
    return theta - h.lr * m_bar / (np.sqrt(v / (1 - beta2**t)) + h.eps)


def radam(theta, g, s, h):
    """Liu et al. 2020, Algorithm 2, with torch's ρ > 5 and its ε beside √v."""
    t, (beta1, beta2) = count(s), h.betas
    m, v = moments(g, s, h)
    m_hat = m / (1 - beta1**t)
    rho_inf = 2 / (1 - beta2) - 1
    rho = rho_inf - 2 * t * beta2**t / (1 - beta2**t)
    if rho <= 5:
        return theta - h.lr * m_hat
    l = np.sqrt(1 - beta2**t) / (np.sqrt(v) + h.eps)  # noqa: E741  (the paper's letter)
    r = np.sqrt((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho))
    return theta - h.lr * r * m_hat * l


def lion(theta, g, s, h):
    """Chen et al. 2023, Algorithm 2."""
    beta1, beta2 = h.betas
    m = s.get("exp_avg", 0.0)
    s["exp_avg"] = beta2 * m + (1 - beta2) * g
    return theta - h.lr * np.sign(beta1 * m + (1 - beta1) * g)


def muon(theta, g, s, h):
    """Jordan et al. 2024 with the scale of Liu et al. 2025 for matrices; Adam for the rest."""
    return muon_step(theta, g, s, h, lambda rows, columns: 0.2 * np.sqrt(max(rows, columns)))


def muon_original(theta, g, s, h):
    """Jordan et al. 2024, with the scale of their code."""
    return muon_step(theta, g, s, h, lambda rows, columns: np.sqrt(max(1, rows / columns)))


def muon_step(theta, g, s, h, scale):
    if theta.ndim not in (2, 4):
        return adam(theta, g, s, h)
    m = s["momentum_buffer"] = h.momentum * s.get("momentum_buffer", 0.0) + (1 - h.momentum) * g
    ahead = (h.momentum * m + (1 - h.momentum) * g).reshape(len(theta), -1)
    # The iteration is a polynomial of the singular values.
    u, sigma, vt = np.linalg.svd(ahead, full_matrices=False)
    sigma = sigma / max(np.linalg.norm(ahead), h.eps)
    for _ in range(5):
        sigma = 3.4445 * sigma - 4.7750 * sigma**3 + 2.0315 * sigma**5
    return theta - h.lr * scale(*ahead.shape) * ((u * sigma) @ vt).reshape(theta.shape)


def count(s):
    t = s["step"] = s.get("step", 0.0) + 1
    return t


def moments(g, s, h):
    beta1, beta2 = h.betas
    m = s["exp_avg"] = beta1 * s.get("exp_avg", 0.0) + (1 - beta1) * g
    v = s["exp_avg_sq"] = beta2 * s.get("exp_avg_sq", 0.0) + (1 - beta2) * g**2
    return m, v


def variance(g, s, h):
    mean_g2 = s["square_avg"] = h.alpha * s.get("square_avg", 0.0) + (1 - h.alpha) * g**2
    mean_g = s["grad_avg"] = h.alpha * s.get("grad_avg", 0.0) + (1 - h.alpha) * g
    return mean_g2 - mean_g**2


def velocity(quotient, s, h):
    v = s["momentum_buffer"] = h.momentum * s.get("momentum_buffer", 0.0) + quotient
    return v


@dataclass(frozen=True, kw_only=True)
class Case:
    """One form of one optimizer.

    Args:
        row: Its name in OPTIMIZERS.
        rule: Its reference in this file.
        values: Hyperparameters, ours and torch's.
        tolerance: Largest relative difference from torch; 0 if both round in the same order.
    """

    row: str
    rule: Callable[..., Any]
    values: dict[str, Any] = field(default_factory=dict)
    tolerance: float = 0.0

    @property
    def name(self):
        return " ".join([self.row, *(f"{name}={value}" for name, value in self.values.items())])

    @property
    def torch(self):
        """Torch's class of the same rule by the registry, None where it lacks this form."""
        twin = OPTIMIZERS[self.row].torch
        return twin if twin and twin.takes(self.values) else None

    @property
    def only(self):
        """The parameters of the course that torch's class takes."""
        return course.matrices if self.torch.rest else course.every

    @property
    def decoupled(self):
        return OPTIMIZERS[self.row].decoupled

    def build(self, params, **changes):
        return class_of(self.row)(params, **self.values | changes)

    def build_torch(self, params, **changes):
        every = {**OPTIMIZERS[self.row].hyperparameters, **self.values}
        cls, values = self.torch.load(), self.torch.arguments(every)
        loops = {"foreach": False, "fused": False}
        plain = {name: value for name, value in loops.items() if takes(cls, name)}
        return cls(params, **values | plain | changes)


def class_of(row):
    return resolve_name(OPTIMIZERS[row].target)


def takes(cls, name):
    return name in cls.__init__.__annotations__


def adam_like(row, rule, *, tolerance=0.0, **values):
    return Case(row=row, rule=rule, values={"lr": 0.05, **values}, tolerance=tolerance)


def corrected(*arguments, **values):
    """Return a form whose bias correction is in the step size, as the Adam paper proposes."""
    return adam_like(*arguments, tolerance=1e-12, **values)


_CASES = (
    Case(row="sgd", rule=sgd, values={"lr": 0.1}),
    Case(
        row="momentum",
        rule=momentum,
        values={"lr": 0.1, "momentum": 0.8},
    ),
    Case(
        row="nesterov",
        rule=nesterov,
        values={"lr": 0.1, "momentum": 0.8},
    ),
    Case(row="adagrad", rule=adagrad),
    Case(
        row="adagrad",
        rule=adagrad,
        values={"lr": 0.1, "lr_decay": 0.1, "initial_accumulator_value": 0.3, "eps": 1e-3},
    ),
    Case(row="adadelta", rule=adadelta),
    Case(
        row="adadelta",
        rule=adadelta,
        values={"rho": 0.95, "eps": 1e-3},
    ),
    Case(row="rmsprop", rule=rmsprop),
    Case(
        row="rmsprop",
        rule=rmsprop_centered,
        values={"centered": True, "alpha": 0.9, "eps": 1e-2},
    ),
    Case(
        row="rmsprop",
        rule=rmsprop_momentum,
        values={"momentum": 0.9, "alpha": 0.9},
    ),
    Case(
        row="rmsprop",
        rule=rmsprop_centered_momentum,
        values={"centered": True, "momentum": 0.5, "eps": 1e-2},
    ),
    corrected("adam", adam),
    corrected("adam", adam, betas=(0.3, 0.6), eps=1e-2),
    corrected("adam", amsgrad, amsgrad=True, betas=(0.8, 0.7)),
    adam_like("adam", adam_uncorrected, bias_correction=False),
    adam_like("adam", amsgrad_uncorrected, amsgrad=True, bias_correction=False),
    adam_like("adamax", adamax),
    adam_like("adamax", adamax, betas=(0.6, 0.8), eps=1e-2),
    corrected("adamw", adam),
    corrected("adamw", amsgrad, amsgrad=True, weight_decay=0.2),
    adam_like(
        "adamw",
        adam_uncorrected,
        bias_correction=False,
        betas=(0.3, 0.6),
        eps=1e-2,
    ),
    corrected("nadam", nadam),
    corrected("nadam", nadam, momentum_decay=0.2, betas=(0.8, 0.9), eps=1e-2),
    corrected("radam", radam),
    corrected("radam", radam, betas=(0.8, 0.7), eps=1e-2),
    adam_like("lion", lion),
    adam_like("lion", lion, betas=(0.95, 0.98)),
    adam_like("muon", muon, tolerance=1e-12),
    adam_like(
        "muon",
        muon_original,
        tolerance=1e-12,
        adjust_lr_fn="original",
        momentum=0.8,
        betas=(0.8, 0.9),
        eps=1e-2,
    ),
)

CASES = {case.name: case for case in _CASES if case.row in OPTIMIZERS}
