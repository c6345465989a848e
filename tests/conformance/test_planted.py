"""Faults planted in our own rules: the comparison with the paper finds each of them."""

from dataclasses import replace

import pytest
import torch

from optimizers.registry import OPTIMIZERS
from optimizers.rules.muon import muon_rule
from tests.conformance import course
from tests.conformance.cases import CASES, VARIANTS, class_of
from tests.conformance.test_parity import assert_every_step_is_the_papers

pytestmark = pytest.mark.usefixtures("count_in_64_bits")

WITH_BETAS = [row for row in OPTIMIZERS if "betas" in class_of(row).bounds]
# Two means, both of which begin at zero.
CORRECTED = [name for name in WITH_BETAS if OPTIMIZERS[name].state_tensors == 2]


def scalars(change):
    """Return a fault that gives the rule the scalars of another group or other counters."""

    def plant(cls):
        class Faulty(cls):
            def scalars(self, group, counters):
                return super().scalars(*change(group, counters))

        return Faulty

    return plant


def motion(**change):
    """Return a fault in what is done around the rule; each value is made from the motion."""

    def plant(cls):
        class Faulty(cls):
            def motion(self, group, counters, **kind):
                found = super().motion(group, counters, **kind)
                changed = {name: make(found) for name, make in change.items()}
                return replace(found, **changed)

        return Faulty

    return plant


def attributes(**values):
    return lambda cls: type("Faulty", (cls,), values)


def rule_of(other):
    return motion(rule=lambda m: class_of(other).rule)


def moments_swapped(cls):
    class Faulty(cls):
        def state_names(self, group, **kind):
            first, second, *rest = super().state_names(group, **kind)
            return second, first, *rest

    return Faulty


def adam_with_eps_inside(theta, g, m, v, v_max, alpha_t, beta1, beta2, eps):
    m.lerp_(g, 1 - beta1)
    v.lerp_(g * g, 1 - beta2)
    if v_max is not None:
        v = torch.maximum(v_max, v, out=v_max)
    theta -= alpha_t * m / (v + eps**2).sqrt()


def adagrad_with_eps_inside(theta, g, s, eta, delta):
    s += g * g
    theta -= eta * g / (s + delta).sqrt()


def adadelta_with_eps_outside(theta, g, mean_g2, mean_delta2, lr, rho, eps):
    mean_g2.lerp_(g * g, 1 - rho)
    delta = (mean_delta2.sqrt() + eps) / (mean_g2.sqrt() + eps) * g
    mean_delta2.lerp_(delta * delta, 1 - rho)
    theta -= lr * delta


def rmsprop_with_eps_inside(theta, g, mean_g2, mean_g, velocity, lr, alpha, eps, mu):
    mean_g2.lerp_(g * g, 1 - alpha)
    theta -= lr * g / (mean_g2 + eps).sqrt()


def lion_of_the_new_mean(theta, g, m, eta, beta1, beta2):
    m.lerp_(g, 1 - beta2)
    theta -= eta * m.sign()


def other_scale(theta, g, m, eta, mu, eps, matches_adamw):
    muon_rule(theta, g, m, eta, mu, eps, not matches_adamw)


FAULTS = {
    "the betas change places": (
        WITH_BETAS,
        scalars(lambda group, n: (group | {"betas": group["betas"][::-1]}, n)),
    ),
    "the bias correction is missing": (
        CORRECTED,
        scalars(lambda group, n: (group, n | {"step": 1e9})),
    ),
    "steps are counted from zero": (
        CORRECTED,
        scalars(lambda group, n: (group, n | {"step": n["step"] + 1})),
    ),
    "the moments change places": (CORRECTED, moments_swapped),
    "epsilon is inside the root": (
        ["adam", "adamw"],
        motion(rule=lambda m: adam_with_eps_inside),
    ),
    "epsilon is inside the root of sums": (
        ["adagrad"],
        motion(rule=lambda m: adagrad_with_eps_inside),
    ),
    "epsilon is inside the root of means": (
        ["rmsprop"],
        motion(rule=lambda m: rmsprop_with_eps_inside),
    ),
    "epsilon is outside the roots": (
        ["adadelta"],
        motion(rule=lambda m: adadelta_with_eps_outside),
    ),
    "the direction is that of the new mean": (
        ["lion"],
        motion(rule=lambda m: lion_of_the_new_mean),
    ),
    "there is no look ahead": (["nesterov"], rule_of("momentum")),
    "matrices are stepped as vectors": (["muon"], attributes(is_whole=lambda self, param: False)),
    "the scale of matrices is the other": (
        ["muon"],
        attributes(whole_rule=staticmethod(other_scale)),
    ),
    "there is a look ahead": (["momentum"], rule_of("nesterov")),
    "decay is coupled": (["adamw", "lion"], attributes(decoupled=False)),
    "decay is decoupled": (  # of SGD both are one
        [name for name, row in OPTIMIZERS.items() if not row.decoupled and name != "sgd"],
        attributes(decoupled=True),
    ),
    "decay is missing": (OPTIMIZERS, motion(l2=lambda m: None, keep=lambda m: None)),
    "decay is not multiplied by the rate": (
        ["adamw", "lion"],
        motion(keep=lambda m: 0.9),
    ),
    "maximize is ignored": (OPTIMIZERS, motion(maximize=lambda m: False)),
    "maximize turns the decay too": (
        [name for name, row in OPTIMIZERS.items() if not row.decoupled],
        motion(l2=lambda m: -m.l2),
    ),
}


def assert_found(row, plant):
    """Check that a comparison fails in one form of the rule at least."""
    cases = [case for case in CASES.values() if case.row == row]
    assert not all(passes(case, plant(class_of(row))) for case in cases)


def passes(case, cls):
    values = case.values | VARIANTS["decay and maximize"]
    try:
        assert_every_step_is_the_papers(case, cls(course.groups(), **values, execution="loop"))
    except AssertionError:
        return False
    return True


@pytest.mark.one_in(5)
@pytest.mark.parametrize("row", OPTIMIZERS)
def test_without_a_fault_nothing_is_found(row):
    with pytest.raises(AssertionError, match="^assert not"):
        assert_found(row, lambda cls: cls)


@pytest.mark.parametrize(
    ("row", "plant"),
    [
        pytest.param(row, plant, id=f"{row}: {name}")
        for name, (rows, plant) in FAULTS.items()
        for row in rows
    ],
)
def test_a_fault_in_the_rule_is_found(row, plant):
    assert_found(row, plant)


@pytest.mark.one_in(2)
@pytest.mark.parametrize(
    ("row", "name"),
    [
        (row, name)
        for row in OPTIMIZERS
        for name in (*class_of(row).bounds, *class_of(row).flags, *class_of(row).choices)
        if name not in ("weight_decay", "maximize")
    ],
)
def test_a_hyperparameter_that_is_ignored_is_found(row, name):
    def plant(cls):
        default = {name: cls([torch.nn.Parameter(torch.zeros(1))]).defaults[name]}

        class Faulty(cls):
            def state_names(self, group, **kind):
                return super().state_names(group | default, **kind)

            def initial(self, state_name, param, group):
                return super().initial(state_name, param, group | default)

            def count(self, group, counters):
                super().count(group | default, counters)

            def scalars(self, group, counters):
                return super().scalars(group | default, counters)

            def whole_scalars(self, group):
                return super().whole_scalars(group | default)

        return Faulty

    assert_found(row, plant)
