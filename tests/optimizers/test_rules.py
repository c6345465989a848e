"""Every rule against its paper, in plain Python numbers; and one rule on K trials at once."""

import math

import pytest
import torch

import optimizers
from optimizers.adadelta import adadelta_rule
from optimizers.adagrad import adagrad_rule
from optimizers.adam import adam_rule
from optimizers.momentum import momentum_rule
from optimizers.nesterov import nesterov_rule
from optimizers.rmsprop import rmsprop_rule
from optimizers.sgd import sgd_rule

# The gradient of f(θ) = ¾θ² + θ/2: it depends on θ, so that an error of one step shows in the next.
START, STEPS = 1.7, 6


def slope(theta):
    return 1.5 * theta + 0.5


def sgd(alpha=0.1):
    theta = START
    for _ in range(STEPS):
        theta -= alpha * slope(theta)
        yield theta


def polyak(alpha=0.1, mu=0.8):
    theta, v = START, 0.0
    for _ in range(STEPS):
        v = mu * v - alpha * slope(theta)
        theta += v
        yield theta


def sutskever(alpha=0.1, mu=0.8):
    """Nesterov as in the paper: the parameters held are θ + μv, where the gradient is taken."""
    theta, v = START, 0.0
    for _ in range(STEPS):
        v = mu * v - alpha * slope(theta + mu * v)
        theta += v
        yield theta + mu * v


def duchi(eta=0.1, delta=1e-3):
    theta, squares = START, []
    for _ in range(STEPS):
        g = slope(theta)
        squares.append(g**2)
        theta -= eta * g / (delta + math.sqrt(math.fsum(squares)))
        yield theta


def zeiler(rho=0.95, eps=1e-3):
    theta, mean_g2, mean_dx2 = START, 0.0, 0.0
    for _ in range(STEPS):
        g = slope(theta)
        mean_g2 = rho * mean_g2 + (1 - rho) * g**2
        dx = -math.sqrt(mean_dx2 + eps) / math.sqrt(mean_g2 + eps) * g
        mean_dx2 = rho * mean_dx2 + (1 - rho) * dx**2
        theta += dx
        yield theta


def hinton(lr=0.1, alpha=0.9, eps=1e-3):
    theta, mean = START, 0.0
    for _ in range(STEPS):
        g = slope(theta)
        mean = alpha * mean + (1 - alpha) * g**2
        theta -= lr * g / (math.sqrt(mean) + eps)
        yield theta


def graves(lr=0.1, alpha=0.9, eps=1e-3, mu=0.8):
    """The centered form with momentum; ε is outside the root as in torch."""
    theta, n, mean_g, v = START, 0.0, 0.0, 0.0
    for _ in range(STEPS):
        g = slope(theta)
        n = alpha * n + (1 - alpha) * g**2
        mean_g = alpha * mean_g + (1 - alpha) * g
        v = mu * v + g / (math.sqrt(n - mean_g**2) + eps)
        theta -= lr * v
        yield theta


def kingma(alpha=0.1, beta1=0.8, beta2=0.9, eps=1e-3):
    theta, m, v = START, 0.0, 0.0
    for t in range(1, STEPS + 1):
        g = slope(theta)
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        theta -= alpha * (m / (1 - beta1**t)) / (math.sqrt(v / (1 - beta2**t)) + eps)
        yield theta


PAPERS = [
    (sgd, "SGD", {"lr": 0.1}),
    (polyak, "Momentum", {"lr": 0.1, "momentum": 0.8}),
    (sutskever, "Nesterov", {"lr": 0.1, "momentum": 0.8}),
    (duchi, "Adagrad", {"lr": 0.1, "eps": 1e-3}),
    (zeiler, "Adadelta", {"rho": 0.95, "eps": 1e-3}),
    (hinton, "RMSprop", {"lr": 0.1, "alpha": 0.9, "eps": 1e-3}),
    (graves, "RMSprop", {"lr": 0.1, "alpha": 0.9, "eps": 1e-3, "momentum": 0.8, "centered": True}),
    (kingma, "Adam", {"lr": 0.1, "betas": (0.8, 0.9), "eps": 1e-3}),
]


@pytest.mark.parametrize(
    ("paper", "name", "values"), PAPERS, ids=lambda x: getattr(x, "__name__", "")
)
def test_iterates_are_the_papers(paper, name, values):
    theta = torch.nn.Parameter(torch.tensor([START], dtype=torch.float64))
    optimizer = getattr(optimizers, name)([theta], **values)
    for expected in paper():
        theta.grad = slope(theta.detach())
        optimizer.step()
        assert theta.item() == pytest.approx(expected, rel=1e-12)


def test_adams_first_step_is_the_stepsize_whatever_the_gradient():
    theta = torch.nn.Parameter(torch.zeros(3, dtype=torch.float64))
    optimizer = optimizers.Adam([theta], lr=0.25, eps=0)
    theta.grad = torch.tensor([1e-6, -3.0, 1e6], dtype=torch.float64)
    optimizer.step()
    torch.testing.assert_close(theta.detach(), torch.tensor([-0.25, 0.25, -0.25]).double())


def test_momentum_under_a_constant_gradient_nears_lr_over_one_minus_mu():
    theta = torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))
    optimizer = optimizers.Momentum([theta], lr=0.1, momentum=0.5)
    theta.grad = torch.ones(1, dtype=torch.float64)
    before = 0.0
    for _ in range(60):
        before = theta.item()
        optimizer.step()
    assert before - theta.item() == pytest.approx(0.1 / (1 - 0.5), rel=1e-12)


def test_weight_decay_adds_to_the_gradient_after_maximize_turned_it():
    theta = torch.nn.Parameter(torch.tensor([2.0]))
    optimizer = optimizers.SGD([theta], lr=1.0, weight_decay=0.25, maximize=True)
    theta.grad = torch.tensor([3.0])
    optimizer.step()
    assert theta.item() == 2.0 - (-3.0 + 0.25 * 2.0)


def three(*values):
    return torch.tensor(values, dtype=torch.float64).reshape(3, 1)


# Rule, number of state tensors, scalars as one row for each of three trials.
TRIALS = {
    "sgd": (sgd_rule, 0, [three(0.1, 0.01, 0.3)]),
    "momentum": (momentum_rule, 1, [three(0.1, 0.01, 0.3), three(0.9, 0.5, 0.0)]),
    "nesterov": (nesterov_rule, 1, [three(0.1, 0.01, 0.3), three(0.9, 0.5, 0.0)]),
    "adagrad": (adagrad_rule, 1, [three(0.1, 0.01, 0.3), three(1e-8, 1e-3, 0.1)]),
    "adadelta": (
        adadelta_rule,
        2,
        [three(1.0, 0.5, 2.0), three(0.9, 0.95, 0.5), three(1e-6, 1e-3, 0.1)],
    ),
    "rmsprop": (
        lambda theta, g, mean, *scalars: rmsprop_rule(theta, g, mean, None, None, *scalars),
        1,
        [three(0.1, 0.01, 0.3), three(0.9, 0.99, 0.5), three(1e-6, 1e-3, 0.1), three(0, 0, 0)],
    ),
    "rmsprop centered with momentum": (
        rmsprop_rule,
        3,
        [three(0.1, 0.01, 0.3), three(0.9, 0.99, 0.5), three(0.1, 0.2, 0.3), three(0.9, 0.5, 0.0)],
    ),
    "adam": (
        adam_rule,
        2,
        [
            three(0.1, 0.01, 0.3),
            three(0.9, 0.4, 0.5),
            three(0.999, 0.99, 0.5),
            three(1e-8, 1e-3, 0.1),
            three(0.1, 0.6, 0.75),
            three(0.03, 0.1, 0.7),
        ],
    ),
}


@pytest.mark.parametrize(("rule", "num_states", "scalars"), TRIALS.values(), ids=TRIALS)
def test_three_trials_at_once_move_as_three_alone(rule, num_states, scalars):
    draw = torch.Generator().manual_seed(0)
    stacked = [torch.randn(3, 11, generator=draw, dtype=torch.float64)]
    stacked += [torch.zeros(3, 11, dtype=torch.float64) for _ in range(num_states)]
    alone = [[tensor[k].clone() for tensor in stacked] for k in range(3)]
    tensor_0d = [[tensor[k].clone() for tensor in stacked] for k in range(3)]
    for _ in range(4):
        g = torch.randn(3, 11, generator=draw, dtype=torch.float64)
        before = g.clone()
        rule(stacked[0], g, *stacked[1:], *scalars)
        for k in range(3):
            rule(alone[k][0], g[k], *alone[k][1:], *(s[k].item() for s in scalars))
            rule(tensor_0d[k][0], g[k], *tensor_0d[k][1:], *(s[k, 0] for s in scalars))
        assert torch.equal(g, before)
    for k in range(3):
        for together, one, with_0d in zip(stacked, alone[k], tensor_0d[k], strict=True):
            torch.testing.assert_close(together[k], one, rtol=1e-12, atol=1e-14)
            torch.testing.assert_close(with_0d, one, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("SGD", {"lr": 0.15}),
        ("Momentum", {"lr": 0.05, "momentum": 0.8}),
        ("Nesterov", {"lr": 0.05, "momentum": 0.8}),
        ("Adagrad", {"lr": 0.5}),
        ("Adadelta", {"lr": 10.0}),
        ("RMSprop", {"lr": 0.01}),
        ("Adam", {"lr": 0.05}),
    ],
)
@pytest.mark.parametrize("maximize", [False, True])
def test_it_finds_the_optimum_of_a_quadratic(name, values, maximize):
    curvature, best = torch.tensor([1.0, 10.0]), torch.tensor([0.5, -0.3])
    theta = torch.nn.Parameter(torch.tensor([1.5, 1.0]))
    optimizer = getattr(optimizers, name)([theta], **values, maximize=maximize)
    for _ in range(400):
        optimizer.zero_grad()
        loss = (curvature * (theta - best) ** 2).sum() / 2
        (-loss if maximize else loss).backward()
        optimizer.step()
    torch.testing.assert_close(theta.detach(), best, rtol=0, atol=0.02)
