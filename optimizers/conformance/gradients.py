"""Checks of the values that a step reads from ``p.grad`` and of those that it leaves there."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter

from optimizers.conformance.compare import (
    copies,
    is_same,
    require_moved,
    require_same,
    require_unchanged,
)
from optimizers.conformance.outcome import Failure, Inconvenience, unless_refused
from optimizers.conformance.subject import NotApplicable, Subject
from optimizers.contract import switch_to_evaluation, switch_to_training


def takes_plain_steps(subject: Subject) -> None:
    """Steps must move the parameters, sooner or later, and keep them finite."""
    params = subject.parameters()
    before = copies(params)
    optimizer = subject.build(params)
    for step in subject.span(3):
        subject.step(optimizer, subject.gradients(step))
        worst = next((p for p in params if not p.isfinite().all()), None)
        if worst is not None:
            raise Failure(f"after step {step + 1} a parameter has {_first_strange(worst)}")
    if is_same(params, before):
        raise Failure(f"no parameter moved in {subject.start + 3} steps")


def every_parameter_moves(subject: Subject) -> None:
    """A layer that an optimizer silently skips is not trained."""
    params, num_steps = subject.parameters(), max(subject.start + 3, 40)
    before = copies(params)
    subject.run(params, steps=range(num_steps))
    for index, (param, old) in enumerate(zip(params, before, strict=True)):
        if torch.equal(param, old):
            what = f"parameter {index} of shape {tuple(param.shape)}"
            raise Failure(f"{what} did not move in {num_steps} steps")


def a_parameter_without_gradient_rests(subject: Subject) -> None:
    """A frozen parameter has no gradient and must not move, not even by weight decay."""
    params = subject.parameters()
    before = copies(params)
    optimizer = subject.build(params, **subject.only_known(weight_decay=0.1))
    for step in subject.span(3):
        grads = subject.gradients(step)
        subject.step(optimizer, [grads[0], None, grads[2]])
    require_unchanged([params[1]], [before[1]], "without a gradient")
    require_moved([params[0], params[2]], [before[0], before[2]], "beside a frozen parameter")


def a_parameter_frozen_later_rests(subject: Subject) -> None:
    """A layer that is frozen during training must keep its weights, even if momentum is left."""
    if subject.is_coupled and subject.needs_closure:
        raise NotApplicable("its step is one along a line for all parameters")
    params = subject.parameters()
    optimizer = subject.run(params, steps=subject.span(3))
    switch_to_evaluation(optimizer)  # averaging earlier steps is not a move
    before = params[1].detach().clone()
    switch_to_training(optimizer)
    for step in range(20, 23):
        first, _, third = subject.gradients(step)
        subject.step(optimizer, [first, None, third])
    switch_to_evaluation(optimizer)
    if subject.averages:
        require_same([params[1]], [before], "frozen after 3 steps", 1e-6)
    else:
        require_unchanged([params[1]], [before], "frozen after 3 steps")


def gradients_stay_as_they_were(subject: Subject) -> None:
    """Logging, clipping and accumulation read p.grad after the step, which must not change it."""
    cases: tuple[dict[str, Any], ...] = ({}, {"maximize": True}, {"weight_decay": 0.1})
    for values in cases:
        params = subject.parameters()
        optimizer = subject.build(params, **subject.only_known(**values))
        for step in subject.span(3):
            grads = subject.gradients(step)
            subject.step(optimizer, grads)
            left = [param.grad.to_dense() for param in params if param.grad is not None]
            what = f"p.grad after step {step + 1}{_in_words(values)}"
            try:
                require_unchanged(left, grads, what, kind="gradient")
            except Failure as change:  # harmless in a loop that clears gradients in time
                raise Inconvenience(str(change)) from None


def zero_gradients_do_no_harm(subject: Subject) -> None:
    """Dead units have gradients of exactly zero, which must not become 0/0."""
    for zero_steps in ((0, 1), (1, 2)):
        params = subject.parameters(torch.float32)
        optimizer = subject.build(params)
        for step in subject.span(4):
            grads = subject.gradients(step, torch.float32)
            factor = 0.0 if step in zero_steps else 1.0
            subject.step(optimizer, [grad * factor for grad in grads])
            worst = next((p for p in params if not p.isfinite().all()), None)
            if worst is not None:
                raise Failure(f"zero gradients made a parameter {_first_strange(worst)}")


def accumulated_gradients_count_as_their_sum(subject: Subject) -> None:
    """Several backward() calls before one step train large batches in little memory."""
    if subject.needs_sparse:
        raise NotApplicable("it takes sparse gradients alone")
    params, twins = subject.parameters(), subject.parameters()
    parts, whole = subject.build(params), subject.build(twins)
    for step in subject.span(3):
        halves = subject.gradients(step), subject.gradients(50 + step)

        def closure(halves: tuple[list[Tensor], ...] = halves) -> Tensor:
            parts.zero_grad()
            losses = [_bent(params, half) for half in halves]
            for loss in losses:
                subject.backward(loss, params)
            return torch.stack(losses).sum().detach()

        subject.step_with(parts, closure)
        subject.step(whole, [a + b for a, b in zip(*halves, strict=True)])
        tolerance = (
            1e-9 if subject.needs_closure else 0.0
        )  # losses of closures differ in their last bits
        tolerance = max(tolerance, subject.rounding)
        require_same(params, twins, f"two halves at step {step + 1}", tolerance)


def zero_grad_clears_both_ways(subject: Subject) -> None:
    """Loops call zero_grad with set_to_none=True or False, and the next step must accept both."""
    params = subject.parameters()
    optimizer = subject.run([{"params": params[:1]}, {"params": params[1:]}], steps=subject.span(1))
    held = [param for param in params if param.grad is not None]
    optimizer.zero_grad(set_to_none=False)
    if any(param.grad is None or param.grad.to_dense().count_nonzero() for param in held):
        raise Failure("zero_grad(set_to_none=False) left something else than zeros")
    optimizer.zero_grad(set_to_none=True)
    if any(param.grad is not None for param in params):
        raise Failure("zero_grad(set_to_none=True) left gradients")
    if not subject.needs_closure:
        before = copies(params)
        optimizer.step()
        require_unchanged(params, before, "a step after zero_grad(set_to_none=True)")
    if len(held) < len(params):
        own = set(map(id, subject.params_of(optimizer)))
        if any(id(param) not in own for param in params):
            raise Failure("zero_grad() clears other parameters than those it was given")
        # The next backward pass creates them again.
        raise Inconvenience("zero_grad(set_to_none=False) left no gradient: a step had taken it")


def sparse_gradients_move_as_dense_ones(subject: Subject) -> None:
    """An embedding with sparse=True must train as a dense one, or be refused in clear words."""
    if subject.needs_sparse:
        raise NotApplicable("it takes sparse gradients alone")
    param, twin = (Parameter(subject.drawn([(6, 3)], seed=-1)[0]) for _ in range(2))
    sparse, dense = subject.build([param]), subject.build([twin])
    for step in subject.span(4):
        grad = _rows(subject, step)
        with unless_refused("sparse gradients"):
            subject.step(sparse, [grad])
        subject.step(dense, [grad.to_dense()])
        try:
            require_same([param], [twin], f"sparse gradients, step {step + 1}", subject.rounding)
        except Failure as difference:  # lazy rules skip rows without gradient by design
            raise Inconvenience(str(difference)) from None


def a_row_that_comes_twice_counts_twice(subject: Subject) -> None:
    """A word that occurs twice in a batch has two entries in a sparse gradient; both must count."""
    param, twin = (Parameter(subject.drawn([(6, 3)], seed=-1)[0]) for _ in range(2))
    twice, once = subject.build([param]), subject.build([twin])
    for step in subject.span(4):
        grad = _rows(subject, step)
        with unless_refused("sparse gradients"):
            subject.step(twice, [grad])
        subject.step(once, [grad.coalesce()])
    require_same([param], [twin], "rows that come twice", subject.rounding)


def the_same_gradients_give_the_same_bits(subject: Subject) -> None:
    """A run with the same seed and the same batches must be repeatable."""
    params, twins = subject.parameters(), subject.parameters()
    for each in (params, twins):
        with torch.random.fork_rng(devices=()):
            subject.run(each)
    require_unchanged(params, twins, "the second time, from the same seed")


def the_last_gradient_takes_effect_at_once(subject: Subject) -> None:
    """A step must use the gradient of its own batch, not an older one."""
    ends = []
    for sign in (1.0, -3.0):
        params = subject.parameters()
        optimizer = subject.run(params, steps=subject.span(3))
        subject.step(optimizer, [sign * grad for grad in subject.gradients(30)])
        ends.append(copies(params))
    if is_same(*ends):
        raise Inconvenience("the step after a gradient was turned round moved to the same bits")


def _in_words(values: dict[str, Any]) -> str:
    return "".join(f" with {name}={value}" for name, value in values.items())


def _bent(params: list[Parameter], slopes: list[Tensor]) -> Tensor:
    """Return a loss with these slopes and half the curvature of that in a step."""
    products = [
        (p * slope).sum() + ((p - p.detach()) ** 2).sum() / 4
        for p, slope in zip(params, slopes, strict=True)
    ]
    return torch.stack(products).sum()


def _rows(subject: Subject, step: int) -> Tensor:
    """Return a sparse gradient of three rows out of six, with one row twice."""
    rows = torch.tensor([[step % 6, (step + 2) % 6, step % 6]])
    return torch.sparse_coo_tensor(rows, subject.drawn([(3, 3)], seed=step)[0], (6, 3))


def _first_strange(tensor: Tensor) -> float:
    return float(tensor[~tensor.isfinite()][0].item())
