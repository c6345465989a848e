"""Checks of what a step reads from ``p.grad`` and what it leaves there."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter

from optimizers.conformance.compare import (
    ROUNDING,
    copies,
    require_moved,
    require_same,
    require_unchanged,
)
from optimizers.conformance.outcome import Failure, unless_refused
from optimizers.conformance.subject import Subject, draw


def takes_plain_steps(subject: Subject) -> None:
    """Dense gradients move every parameter and keep it finite."""
    params = subject.parameters()
    before = copies(params)
    subject.run(params, steps=range(3))  # an odd number, for steps of one size ±lr
    require_moved(params, before, "after 3 steps")


def a_parameter_without_gradient_rests(subject: Subject) -> None:
    """A frozen parameter has no gradient and must not move, not even by weight decay."""
    params = subject.parameters()
    before = copies(params)
    optimizer = subject.build(params, **subject.only_known(weight_decay=0.1))
    for step in range(3):
        grads = subject.gradients(step)
        subject.step(optimizer, [grads[0], None, grads[2]])
    require_unchanged([params[1]], [before[1]], "without a gradient")
    require_moved([params[0], params[2]], [before[0], before[2]], "beside a frozen parameter")


def gradients_stay_as_they_were(subject: Subject) -> None:
    """Logging, clipping and accumulation read p.grad after the step, which must not change it."""
    cases: tuple[dict[str, Any], ...] = ({}, {"maximize": True}, {"weight_decay": 0.1})
    for values in cases:
        params = subject.parameters()
        optimizer = subject.build(params, **subject.only_known(**values))
        for step in range(3):
            grads = draw(subject.shapes, seed=step)
            subject.step(optimizer, grads)
            left = [param.grad for param in params if param.grad is not None]
            what = f"p.grad after step {step + 1}{_in_words(values)}"
            require_unchanged(left, grads, what, kind="gradient")


def zero_gradients_do_no_harm(subject: Subject) -> None:
    """Dead units have gradients of exactly zero, which must not become 0/0."""
    for zero_steps in ((0, 1), (1, 2)):
        params = subject.parameters(torch.float32)
        optimizer = subject.build(params)
        for step in range(4):
            grads = draw(subject.shapes, seed=step, dtype=torch.float32)
            factor = 0.0 if step in zero_steps else 1.0
            subject.step(optimizer, [grad * factor for grad in grads])
            worst = next((p for p in params if not p.isfinite().all()), None)
            if worst is not None:
                value = worst[~worst.isfinite()][0].item()
                raise Failure(f"zero gradients in a row turned parameters into {value}")


def accumulated_gradients_count_as_their_sum(subject: Subject) -> None:
    """Several backward() before one step are how large batches are trained in small memory."""
    params, twins = subject.parameters(), subject.parameters()
    parts, whole = subject.build(params), subject.build(twins)
    for step in range(3):
        first, second = draw(subject.shapes, seed=step), draw(subject.shapes, seed=50 + step)

        def closure(halves: tuple[list[Tensor], ...] = (first, second)) -> Tensor:
            parts.zero_grad()
            losses = [_linear(params, half) for half in halves]
            for loss in losses:
                loss.backward()  # type: ignore[no-untyped-call]
            return torch.stack(losses).sum().detach()

        subject.step_with(parts, closure)
        subject.step(whole, [a + b for a, b in zip(first, second, strict=True)])
        tolerance = 1e-9 if subject.needs_closure else 0.0  # its losses differ in their last bits
        require_same(params, twins, f"two halves at step {step + 1}", tolerance)


def zero_grad_clears_both_ways(subject: Subject) -> None:
    """Loops call zero_grad with set_to_none either way, and the next step must take both."""
    params = subject.parameters()
    optimizer = subject.run(params, steps=range(1))
    optimizer.zero_grad(set_to_none=False)
    if any(param.grad is None or param.grad.count_nonzero() for param in params):
        raise Failure("zero_grad(set_to_none=False) left something else than zeros")
    optimizer.zero_grad(set_to_none=True)
    if any(param.grad is not None for param in params):
        raise Failure("zero_grad(set_to_none=True) left gradients")
    if not subject.needs_closure:
        before = copies(params)
        optimizer.step()
        require_unchanged(params, before, "a step after zero_grad(set_to_none=True)")


def sparse_gradients_move_as_dense_ones(subject: Subject) -> None:
    """An embedding with sparse=True trains as without, or is refused in words that say so."""
    param, twin = (Parameter(draw([(6, 3)], seed=-1)[0]) for _ in range(2))
    sparse, dense = subject.build([param]), subject.build([twin])
    for step in range(4):
        grad = _rows(step)
        with unless_refused("sparse gradients"):
            subject.step(sparse, [grad])
        subject.step(dense, [grad.to_dense()])
        require_same([param], [twin], f"sparse gradients, step {step + 1}", ROUNDING)


def the_same_gradients_give_the_same_bits(subject: Subject) -> None:
    """A run with the same seed and the same batches must be repeatable."""
    params, twins = subject.parameters(), subject.parameters()
    for each in (params, twins):
        with torch.random.fork_rng(devices=()):
            subject.run(each)
    require_unchanged(params, twins, "the second time, from the same seed")


def _in_words(values: dict[str, Any]) -> str:
    return "".join(f" with {name}={value}" for name, value in values.items())


def _linear(params: list[Parameter], slopes: list[Tensor]) -> Tensor:
    products = [(p * slope).sum() for p, slope in zip(params, slopes, strict=True)]
    return torch.stack(products).sum()


def _rows(step: int) -> Tensor:
    """Return a gradient of three rows out of six, one of which comes twice."""
    rows = torch.tensor([[step % 6, (step + 2) % 6, step % 6]])
    return torch.sparse_coo_tensor(rows, draw([(3, 3)], seed=step)[0], (6, 3))
