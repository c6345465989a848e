"""Checks that a saved, copied or moved optimizer continues unchanged."""

import copy
import io
import pickle
from collections.abc import Callable
from typing import Any

import torch
from torch.nn import Parameter
from torch.optim import Optimizer

from optimizers.conformance.compare import copies, require_same, require_same_state, tensors_in
from optimizers.conformance.outcome import Failure, Inconvenience, unless_refused
from optimizers.conformance.subject import NotApplicable, Subject
from optimizers.contract import switch_to_evaluation, switch_to_training

_EXACT = 1e-5  # above it, rounding is amplified so much that memory alignment matters


def a_state_dict_restores_to_the_bit(subject: Subject) -> None:
    """Training resumed from a checkpoint must be the training that was interrupted."""
    _require_restored(subject, copy.deepcopy)


def a_state_dict_goes_through_a_file(subject: Subject) -> None:
    """torch.load reads only plain types since torch 2.6, unless told to run code."""
    _require_restored(subject, _through_a_file)


def a_pickled_optimizer_goes_on(subject: Subject) -> None:
    """Ray, multiprocessing and older checkpoints pickle whole optimizers."""
    if "<locals>" in type(subject.build(subject.parameters())).__qualname__:
        raise NotApplicable("its class is defined inside a function")
    _require_continued(subject, lambda optimizer: pickle.loads(pickle.dumps(optimizer)))


def a_deep_copy_goes_on(subject: Subject) -> None:
    """Searches and averaging methods copy a model together with its optimizer."""
    _require_continued(subject, copy.deepcopy)


def looking_at_it_changes_nothing(subject: Subject) -> None:
    """Checkpoints, logging and the switch to evaluation may come between any two steps."""
    params, twins = subject.parameters(), subject.parameters()
    looked, alone = subject.build(params), subject.build(twins)
    for step in subject.span(5):
        subject.step(looked, subject.gradients(step))
        subject.step(alone, subject.gradients(step))
        looked.state_dict()
        repr(looked)
        looked.zero_grad()
        if subject.averages:
            switch_to_evaluation(looked)
            switch_to_training(looked)
    tolerance = 1e-9 * subject.averages  # switching to the average and back rounds
    require_same(params, twins, "with a state dict between steps", max(tolerance, subject.rounding))


def hyperparameters_are_restored(subject: Subject) -> None:
    """After a restart, a schedule must continue from the rate that it had reached."""
    first = subject.run(subject.parameters())
    names = [n for n in ("lr", "weight_decay") if isinstance(first.param_groups[0].get(n), float)]
    if not names:
        raise NotApplicable("its groups have no number to restore")
    for name in names:
        first.param_groups[0][name] = 0.0625
    second = subject.build(subject.parameters())
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    lost = [name for name in names if second.param_groups[0].get(name) != 0.0625]
    if lost:
        raise Failure(f"after load_state_dict {' and '.join(lost)} is not what was saved")


def state_keeps_its_type_when_loaded(subject: Subject) -> None:
    """Moments kept in 32 bits for bf16 parameters must not be rounded by a restart."""
    dtype = torch.bfloat16
    first = subject.run(subject.parameters(dtype), steps=())
    with unless_refused("bfloat16 parameters"):
        for step in subject.span(2):
            subject.step(first, subject.gradients(step, dtype))
    second = subject.build(subject.parameters(dtype))
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    before, after = (tensors_in(o.state_dict()["state"]) for o in (first, second))
    pairs = [(a, b) for a, b in zip(before, after, strict=True) if a.dtype != b.dtype]
    if not pairs:
        return
    changes = ", ".join(sorted({f"{a.dtype} became {b.dtype}" for a, b in pairs}))
    words = f"of {len(before)} state tensors {changes}"
    if max(a.numel() for a, _ in pairs) > 1:
        raise Failure(words)
    raise Inconvenience(f"{words}, each of one number")


def _require_restored(subject: Subject, copied: Callable[[Any], Any]) -> None:
    """Save after 4 steps in which one parameter rested, and continue with a new optimizer."""
    params = subject.parameters(torch.float32)
    unbroken = subject.build(params)
    for step in subject.span(4):
        grads = subject.gradients(step, torch.float32)
        subject.step(unbroken, [grads[0], None if step < 2 else grads[1], grads[2]])
    twins = [Parameter(tensor) for tensor in copies(params)]
    resumed = subject.build(twins)
    resumed.load_state_dict(copied(unbroken.state_dict()))
    _require_alike(subject, unbroken, resumed, "resumed from a state dict")


def _require_continued(subject: Subject, copied: Callable[[Optimizer], Optimizer]) -> None:
    optimizer = subject.build(subject.parameters(torch.float32))
    for step in subject.span(4):
        subject.step(optimizer, subject.gradients(step, torch.float32))
    copy = copied(optimizer)
    subject.follow(copy, optimizer)
    _require_alike(subject, optimizer, copy, "continued by a copy")


def _require_alike(subject: Subject, first: Optimizer, second: Optimizer, what: str) -> None:
    slack = 0.0 if subject.rounding <= _EXACT else subject.rounding
    for step in range(60, 64 + subject.start):
        for optimizer in (first, second):
            subject.step(optimizer, subject.gradients(step, torch.float32))
        ends = subject.params_of(second), subject.params_of(first)
        require_same(*ends, f"{what}, {step - 59} steps on", slack)
    require_same_state(second, first, what, slack)


def _through_a_file(state_dict: dict[str, Any]) -> dict[str, Any]:
    file = io.BytesIO()
    torch.save(state_dict, file)
    file.seek(0)
    loaded: dict[str, Any] = torch.load(file, weights_only=True)
    return loaded
