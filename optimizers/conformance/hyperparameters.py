"""Checks that hyperparameters do what they say and that impossible ones are refused."""

import math

import torch

from optimizers.conformance.compare import copies, is_same, require_same, require_unchanged
from optimizers.conformance.outcome import Failure, unless_refused
from optimizers.conformance.subject import NotApplicable, Subject

_NEVER_NEGATIVE = ("lr", "eps", "weight_decay", "momentum")  # which mean the same everywhere


def weight_decay_has_an_effect(subject: Subject) -> None:
    """A weight_decay that is accepted and ignored spoils every comparison."""
    ends = []
    for decay in (0.0, 0.5):
        params = subject.parameters()
        subject.run(params, weight_decay=decay)
        ends.append(copies(params))
    if is_same(*ends):
        raise Failure("after 4 steps weight_decay=0.5 has given the same bits as weight_decay=0")


def a_new_learning_rate_takes_effect_at_once(subject: Subject) -> None:
    """Schedulers set group["lr"] between steps; a value cached at construction ignores them."""
    ends = []
    for factor in (1.0, 0.5):
        params = subject.parameters()
        optimizer = subject.run(params, steps=range(3))
        _scale_rate(subject, optimizer, factor)
        start = copies(params)
        subject.step(optimizer, subject.gradients(3))
        ends.append([after - before for after, before in zip(params, start, strict=True)])
    if is_same(*ends):
        raise Failure("the step after group['lr'] was halved moved to the same bits")


def a_learning_rate_of_zero_moves_nothing(subject: Subject) -> None:
    """Warm-up begins at zero and schedules end there."""
    params = subject.parameters()
    optimizer = subject.build(params, **subject.only_known(weight_decay=0.0))
    _scale_rate(subject, optimizer, 0.0)
    for step in range(2):
        subject.step(optimizer, subject.gradients(step))
    require_unchanged(params, subject.parameters(), "at lr=0")


def a_learning_rate_can_be_a_tensor(subject: Subject) -> None:
    """A compiled or captured loop changes a rate in place, which takes a tensor."""
    lr = _rate(subject)
    params, twins = subject.parameters(), subject.parameters()
    with unless_refused("a tensor as lr"):
        subject.run(params, lr=torch.tensor(lr, dtype=torch.float64))
    subject.run(twins, lr=lr)
    require_same(params, twins, "with lr in a tensor", 1e-9)


def maximize_climbs_what_minimize_descends(subject: Subject) -> None:
    """maximize=True on g must be minimize on -g, with weight decay as well."""
    for decay in ({}, subject.only_known(weight_decay=0.1)):
        params, twins = subject.parameters(), subject.parameters()
        climbing = subject.build(params, maximize=True, **decay)
        falling = subject.build(twins, maximize=False, **decay)
        for step in range(4):
            grads = [grad for grad in subject.gradients(step) if grad is not None]
            subject.step(climbing, list(grads))
            subject.step(falling, [-grad for grad in grads])
        tolerance = 1e-9 if subject.needs_closure else 0.0  # a line search sees another loss
        require_same(params, twins, f"maximize{' with weight decay' * bool(decay)}", tolerance)


def unknown_hyperparameters_are_refused(subject: Subject) -> None:
    """A misspelt name that is swallowed silently runs with the default."""
    if not subject.keywords:
        raise NotApplicable("its factory takes parameters alone")
    try:
        subject.factory(subject.parameters(), no_such_hyperparameter=0.5)
    except Exception:  # any refusal will do
        return
    raise Failure("no_such_hyperparameter=0.5 was accepted")


def negative_hyperparameters_are_refused(subject: Subject) -> None:
    """A rate of the wrong sign climbs, a negative eps divides by zero."""
    _require_refusal(subject, -1.0)


def nan_hyperparameters_are_refused(subject: Subject) -> None:
    """One nan in a hyperparameter turns every parameter into nan."""
    _require_refusal(subject, math.nan)


def learning_rates_of_zero_and_one_are_taken(subject: Subject) -> None:
    """What lies inside the usual bounds must not be refused, whole numbers included."""
    if "lr" not in subject.keywords:
        raise NotApplicable("its factory takes no lr")
    for lr in (0, 1, 1.0):
        subject.factory(subject.parameters(), lr=lr)


def _require_refusal(subject: Subject, value: float) -> None:
    names = [
        name for name in _NEVER_NEGATIVE if name in subject.keywords and _is_number(subject, name)
    ]
    if not names:
        raise NotApplicable("its factory takes no hyperparameters that this tests")
    accepted = []
    for name in names:
        try:
            subject.factory(subject.parameters(), **{name: value})
        except Exception:  # any refusal will do
            continue
        accepted.append(f"{name}={value:g}")
    if accepted:
        raise Failure(f"accepted: {', '.join(accepted)}")


def _is_number(subject: Subject, name: str) -> bool:
    default = subject.defaults.get(name, 0.0)
    return isinstance(default, (int, float)) and not isinstance(default, bool)


def _rate(subject: Subject) -> float:
    if "lr" not in subject.defaults:
        raise NotApplicable("its groups have no lr")
    return float(subject.defaults["lr"])


def _scale_rate(subject: Subject, optimizer: torch.optim.Optimizer, factor: float) -> None:
    rate = _rate(subject)
    for group in optimizer.param_groups:
        group["lr"] = factor * rate
