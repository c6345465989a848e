"""Checks of gradients that are zero, tiny, huge or nan, and of what a step stores of them."""

import torch
from torch import Tensor
from torch.optim import Optimizer

from optimizers.conformance.compare import (
    copies,
    is_same,
    largest_gap,
    require_same,
    require_unchanged,
    tensors_in,
)
from optimizers.conformance.outcome import Failure, Inconvenience
from optimizers.conformance.subject import NotApplicable, Subject

_LONG = 210  # steps, so that a fault once in a hundred steps shows twice
_TINY = 1e-13
_FAR = 1e6  # a weight that does not occur in training
_HUGE = 1e5  # beyond the range of half precision


def the_memory_of_a_gradient_is_free_after_a_step(subject: Subject) -> None:
    """zero_grad(set_to_none=False) and the next backward() overwrite the memory of p.grad."""
    if subject.needs_closure or subject.needs_graph:
        raise NotApplicable("its gradients come with a closure or a graph")
    params, twins = subject.parameters(), subject.parameters()
    reused, fresh = subject.build(params), subject.build(twins)
    for step in subject.span(4):
        for optimizer in (reused, fresh):
            subject.step(optimizer, subject.gradients(step))
        for param in params:
            if param.grad is not None:
                param.grad.mul_(-5.0)
    require_same(params, twins, "where p.grad was written to after each step", subject.rounding)


def a_gradient_of_zero_counts_as_a_tiny_one(subject: Subject) -> None:
    """Where a gradient is zero once, as behind a dead unit, momentum must still act."""
    if subject.needs_sparse:
        raise NotApplicable("it leaves out what has no gradient, in rows and in whole")
    up, down, zero = (_after_one_of_size(subject, size) for size in (_TINY, -_TINY, 0.0))
    slack = max(1e-8, subject.rounding)
    if largest_gap(up, down) > slack:
        raise NotApplicable("its step jumps where a gradient changes its sign")
    require_same(zero, up, "after a gradient of zero in one parameter, not of 1e-13", slack)


def huge_gradients_do_no_harm(subject: Subject) -> None:
    """A spike in the loss makes gradients large, and the step must not overflow 32 bits."""
    params = subject.parameters(torch.float32)
    optimizer = subject.build(params)
    for step in subject.span(3):
        factor = _HUGE if step % 2 else 1.0
        subject.step(optimizer, [factor * g for g in subject.gradients(step, torch.float32)])
    if not all(bool(param.isfinite().all()) for param in params):
        raise Failure(f"a parameter became inf or nan from gradients of size {_HUGE:g}")


def a_nan_stays_in_its_parameter(subject: Subject) -> None:
    """A nan in one layer must not silently stop the others."""
    if subject.is_coupled:
        raise NotApplicable("the step of one parameter depends on the gradients of others")
    ends = []
    for kind in ("plain", "nan", "left out"):
        params = subject.parameters()
        optimizer = subject.build(params)
        for step in subject.span(4):
            if step == subject.start + 1 and kind == "left out":
                continue
            grads = subject.gradients(step)
            if step == subject.start + 1 and kind == "nan":
                grads[0] = torch.full_like(grads[0], torch.nan)
            subject.step(optimizer, grads)
        ends.append(copies(params)[1:])
    plain, broken, left_out = ends
    if is_same(broken, left_out):  # a gradient scaler does the same
        raise Inconvenience("a nan in one parameter leaves the step of all out")
    require_same(broken, plain, "beside a parameter whose gradient was nan", subject.rounding)


def every_step_moves(subject: Subject) -> None:
    """A step that is left out wastes the batch that was computed for it."""
    params = subject.parameters()
    optimizer = subject.run(params, steps=subject.span(0))
    resting = []
    num_steps = 0
    for step in range(_LONG // 4 if subject.needs_closure else _LONG):
        before = copies(params)
        if max(float(param.abs().max()) for param in before) > _FAR:
            break  # steps that grow while gradients agree have overflowed
        num_steps += 1
        subject.step(optimizer, subject.gradients(step % 7))
        if is_same(params, before):
            resting.append(subject.start + step + 1)
    if 0 < len(resting) < num_steps // 10:  # more frequent rests belong to the rule
        words = f"of {num_steps} steps {len(resting)} moved nothing"
        raise Failure(f"{words}, the first is step {resting[0]}")


def a_rest_leaves_the_state_alone(subject: Subject) -> None:
    """A parameter without gradient must keep its momentum until it has a gradient again."""
    if subject.is_coupled:
        raise NotApplicable("the step of one parameter depends on the gradients of others")
    optimizer = subject.run(subject.parameters())
    before = _moments(subject, optimizer)
    for step in range(20, 23):
        first, _, third = subject.gradients(step)
        subject.step(optimizer, [first, None, third])
    after = _moments(subject, optimizer)
    if len(before) == len(after):
        what = "three steps without a gradient of it"
        require_unchanged(after, before, what, kind="state tensor of a parameter at rest,")


def _after_one_of_size(subject: Subject, size: float) -> list[Tensor]:
    """Return the weights after steps, one of which has a gradient of this size in one parameter."""
    params = subject.parameters()
    optimizer = subject.build(params)
    for step in subject.span(5):
        grads = subject.gradients(step)
        if step == subject.start + 2:
            grads[1] = size * grads[1]
        subject.step(optimizer, grads)
    return copies(params)


def _moments(subject: Subject, optimizer: Optimizer) -> list[Tensor]:
    """Return copies of the state of the second parameter without its counters."""
    held = tensors_in(optimizer.state.get(subject.params_of(optimizer)[1], {}))
    return copies(tensor for tensor in held if tensor.numel() > 1)
