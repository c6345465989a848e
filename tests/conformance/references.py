"""Every rule as its paper writes it, in numpy and 64 bits: one step of one parameter.

θ and g go in, the new θ comes out; `s` is the state, under torch's names, empty before the first
step; `h` has the hyperparameters. `maximize` and coupled weight decay are in `step`, once for all.
"""

import numpy as np


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
