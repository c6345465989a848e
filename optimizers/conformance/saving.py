"""Checks that an optimizer that is saved, copied or moved goes on as if nothing had happened."""

import copy
import io
import pickle
from collections.abc import Callable
from typing import Any

import torch
from torch.nn import Parameter
from torch.optim import Optimizer

from optimizers.conformance.compare import copies, require_same, require_same_state, tensors_in
from optimizers.conformance.outcome import Failure
from optimizers.conformance.subject import NotApplicable, Subject, params_of


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


def state_keeps_its_type_when_loaded(subject: Subject) -> None:
    """Moments kept in 32 bits for bf16 parameters must not be rounded by a restart."""
    dtype = torch.bfloat16
    first = subject.build(subject.parameters(dtype))
    for step in range(2):
        subject.step(first, subject.gradients(step, dtype))
    second = subject.build(subject.parameters(dtype))
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    before, after = (
        [str(t.dtype) for t in tensors_in(o.state_dict()["state"])] for o in (first, second)
    )
    if before != after:
        changes = sorted({f"{a} became {b}" for a, b in zip(before, after, strict=True) if a != b})
        raise Failure(f"of {len(before)} state tensors {', '.join(changes)}")


def _require_restored(subject: Subject, copied: Callable[[Any], Any]) -> None:
    """Save after 4 steps, one parameter having rested, and go on with a new optimizer."""
    params = subject.parameters(torch.float32)
    unbroken = subject.build(params)
    for step in range(4):
        grads = subject.gradients(step, torch.float32)
        subject.step(unbroken, [grads[0], None if step < 2 else grads[1], grads[2]])
    twins = [Parameter(tensor) for tensor in copies(params)]
    resumed = subject.build(twins)
    resumed.load_state_dict(copied(unbroken.state_dict()))
    _require_alike(subject, unbroken, resumed, "resumed from a state dict")


def _require_continued(subject: Subject, copied: Callable[[Optimizer], Optimizer]) -> None:
    optimizer = subject.build(subject.parameters(torch.float32))
    for step in range(4):
        subject.step(optimizer, subject.gradients(step, torch.float32))
    _require_alike(subject, optimizer, copied(optimizer), "continued by a copy")


def _require_alike(subject: Subject, first: Optimizer, second: Optimizer, what: str) -> None:
    for step in range(10, 14):
        for optimizer in (first, second):
            subject.step(optimizer, subject.gradients(step, torch.float32))
        require_same(params_of(second), params_of(first), f"{what}, {step - 9} steps on")
    require_same_state(second, first, what)


def _through_a_file(state_dict: dict[str, Any]) -> dict[str, Any]:
    file = io.BytesIO()
    torch.save(state_dict, file)
    file.seek(0)
    loaded: dict[str, Any] = torch.load(file, weights_only=True)
    return loaded
