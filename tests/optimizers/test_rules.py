"""Every rule against its paper, in plain Python numbers; and one rule on K trials at once."""

import math
from dataclasses import replace

import pytest
import torch

import optimizers
from optimizers.grammar import parse
from optimizers.motion import Motion
from optimizers.registry import OPTIMIZERS

# The gradient of f(θ) = ¾θ² + θ/2: it depends on θ, so that an error of one step shows in the next.
START, STEPS = 1.7, 12


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


def adamax(alpha=0.1, beta1=0.8, beta2=0.9, eps=1e-3):
    theta, m, u = START, 0.0, 0.0
    for t in range(1, STEPS + 1):
        g = slope(theta)
        m = beta1 * m + (1 - beta1) * g
        u = max(beta2 * u, abs(g) + eps)
        theta -= alpha / (1 - beta1**t) * m / u
        yield theta


def uncorrected(alpha=0.1, beta1=0.8, beta2=0.9, eps=1e-3):
    """AMSGrad as its paper has it, which corrects nothing."""
    theta, m, v, v_max = START, 0.0, 0.0, 0.0
    for _ in range(STEPS):
        g = slope(theta)
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        v_max = max(v_max, v)
        theta -= alpha * m / (math.sqrt(v_max) + eps)
        yield theta


def loshchilov(alpha=0.1, beta1=0.8, beta2=0.9, eps=1e-3, decay=0.3):
    theta, m, v = START, 0.0, 0.0
    for t in range(1, STEPS + 1):
        g = slope(theta)
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        adam = (m / (1 - beta1**t)) / (math.sqrt(v / (1 - beta2**t)) + eps)
        theta -= alpha * (adam + decay * theta)
        yield theta


def dozat(alpha=0.1, beta1=0.8, beta2=0.9, eps=1e-3, psi=4e-3):
    theta, m, v, product = START, 0.0, 0.0, 1.0
    for t in range(1, STEPS + 1):
        mu, mu_next = (beta1 * (1 - 0.5 * 0.96 ** (s * psi)) for s in (t, t + 1))
        product *= mu
        g = slope(theta)
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        m_bar = mu_next * m / (1 - product * mu_next) + (1 - mu) * g / (1 - product)
        theta -= alpha * m_bar / (math.sqrt(v / (1 - beta2**t)) + eps)
        yield theta


def liu(alpha=0.1, beta1=0.8, beta2=0.99, eps=1e-3):
    theta, m, v = START, 0.0, 0.0
    rho_inf = 2 / (1 - beta2) - 1
    for t in range(1, STEPS + 1):
        g = slope(theta)
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        m_hat = m / (1 - beta1**t)
        rho = rho_inf - 2 * t * beta2**t / (1 - beta2**t)
        if rho > 5:
            above = (rho - 4) * (rho - 2) * rho_inf
            r = math.sqrt(above / ((rho_inf - 4) * (rho_inf - 2) * rho))
            theta -= alpha * r * m_hat * math.sqrt(1 - beta2**t) / (math.sqrt(v) + eps)
        else:
            theta -= alpha * m_hat
        yield theta


def chen(eta=0.1, beta1=0.7, beta2=0.9, decay=0.3):
    theta, m = START, 0.0
    for _ in range(STEPS):
        g = slope(theta)
        c = beta1 * m + (1 - beta1) * g
        theta -= eta * (math.copysign(1.0, c) + decay * theta)
        m = beta2 * m + (1 - beta2) * g
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
    (adamax, "Adamax", {"lr": 0.1, "betas": (0.8, 0.9), "eps": 1e-3}),
    (
        uncorrected,
        "Adam",
        {"lr": 0.1, "betas": (0.8, 0.9), "eps": 1e-3, "amsgrad": True, "bias_correction": False},
    ),
    (loshchilov, "AdamW", {"lr": 0.1, "betas": (0.8, 0.9), "eps": 1e-3, "weight_decay": 0.3}),
    (dozat, "NAdam", {"lr": 0.1, "betas": (0.8, 0.9), "eps": 1e-3}),
    (liu, "RAdam", {"lr": 0.1, "betas": (0.8, 0.99), "eps": 1e-3}),
    (chen, "Lion", {"lr": 0.1, "betas": (0.7, 0.9), "weight_decay": 0.3}),
]


@pytest.mark.parametrize(
    ("paper", "name", "values"), PAPERS, ids=lambda x: getattr(x, "__name__", "")
)
def test_iterates_are_the_papers(paper, name, values):
    theta = torch.nn.Parameter(torch.tensor([START], dtype=torch.float64))
    optimizer = getattr(optimizers, name)([theta], **values)
    default = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)  # which counters, NAdam's product of μ too, are kept in
    try:
        for expected in paper():
            theta.grad = slope(theta.detach())
            optimizer.step()
            assert theta.item() == pytest.approx(expected, rel=1e-11)
    finally:
        torch.set_default_dtype(default)


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


# Every optimizer, and the forms of it that take another way through the rule.
FORMS = [
    *OPTIMIZERS,
    "adam:amsgrad=true",
    "adam:bias_correction=false",
    "rmsprop:centered=true:momentum=0.8",
    "sgd:weight_decay=0.1",
    "adamw:weight_decay=0.1:maximize=true",
]
LRS = (0.1, 0.01, 0.3)


def column(values):
    return torch.tensor(values, dtype=torch.float64).reshape(-1, 1)


@pytest.mark.parametrize("form", FORMS)
def test_a_stack_of_trials_with_their_own_rates_moves_as_each_alone(form):
    """The scalars of K optimizers, as columns (K, 1), move K stacked parameters by one rule."""
    (spec,) = parse(form)
    draw = torch.Generator().manual_seed(0)
    start = torch.randn(3, 11, generator=draw, dtype=torch.float64)
    alone = [torch.nn.Parameter(row.clone()) for row in start]
    singles = [
        replace(spec, hyperparameters=spec.hyperparameters | {"lr": lr}).build([param])
        for param, lr in zip(alone, LRS, strict=True)
    ]
    one = singles[0]
    group = one.param_groups[0]
    names = one.state_names(group)
    stacked = start.clone()
    first = {n: one.initial(n, stacked, group) for n in names if n is not None}
    state = tuple(None if n is None else first[n] for n in names)
    counters = {name: one.initial_counter(name) for name in one.counters}
    for _ in range(8):
        grads = torch.randn(3, 11, generator=draw, dtype=torch.float64)
        for param, grad, optimizer in zip(alone, grads, singles, strict=True):
            param.grad = grad.clone()
            optimizer.step()
        if counters:
            one.count(group, counters)
        numbers = {name: value.item() for name, value in counters.items()}
        motions = [each.motion(each.param_groups[0], numbers) for each in singles]
        together = Motion(
            rule=one.rule,
            scalars=tuple(map(column, zip(*(m.scalars for m in motions), strict=True))),
            maximize=motions[0].maximize,
            l2=None if motions[0].l2 is None else column([m.l2 for m in motions]),
            keep=None if motions[0].keep is None else column([m.keep for m in motions]),
        )
        together(stacked, grads, state)
        expected = torch.stack([param.detach() for param in alone])
        torch.testing.assert_close(stacked, expected, rtol=1e-12, atol=1e-13)


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
        ("AdamW", {"lr": 0.05, "weight_decay": 1e-4}),
        ("Adamax", {"lr": 0.05}),
        ("NAdam", {"lr": 0.05}),
        ("RAdam", {"lr": 0.05}),
        ("Lion", {"lr": 0.005, "betas": (0.5, 0.5)}),
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
