"""Checks of ``step(closure)``, which is how Lightning and line searches call an optimizer."""

import torch
from torch import Tensor

from optimizers.conformance.compare import copies, require_same
from optimizers.conformance.outcome import Failure, Inconvenience
from optimizers.conformance.subject import NotApplicable, Subject


def a_closure_runs_with_gradients_enabled(subject: Subject) -> None:
    """The closure calls backward(), which fails where gradients are switched off."""
    modes, _ = _step(subject)
    if not modes:
        raise Failure("step(closure) did not call the closure")
    if not all(modes):
        words = f"gradients were off in {modes.count(False)} of {len(modes)} calls"
        if subject.needs_closure:  # some have gradients already and need only the loss
            raise Inconvenience(words)
        raise Failure(words)


def the_loss_of_the_closure_is_returned(subject: Subject) -> None:
    """Lightning logs and watches what step(closure) returns."""
    _, loss = _step(subject)
    if not isinstance(loss, (float, Tensor)) or float(loss) != 3.25:
        raise Failure(f"the closure returned 3.25, step(closure) {loss!r}")


def a_step_with_closure_is_a_step_after_it(subject: Subject) -> None:
    """step(closure) and closure() followed by step() are two ways to write the same loop."""
    _need_closure(subject)
    if subject.needs_closure:
        raise NotApplicable("its step needs a closure")
    params, twins = subject.parameters(), subject.parameters()
    inside, after = subject.build(params), subject.build(twins)
    for step in subject.span(3):
        grads = subject.gradients(step)

        def closure(grads: list[Tensor] = grads) -> Tensor:
            subject.put(params, grads)
            return torch.zeros(())

        inside.step(closure)  # type: ignore[arg-type]  # torch wants floats
        subject.step(after, grads)
    require_same(params, copies(twins), "with a closure", subject.rounding)


def a_closure_runs_once_a_step(subject: Subject) -> None:
    """A second run costs a second backward pass and advances batch statistics and dropout."""
    _need_closure(subject)
    modes, _ = _step(subject)
    if len(modes) > 1:
        words = f"step(closure) ran the closure {len(modes)} times"
        if subject.needs_closure:  # sharpness-aware methods and line searches call it twice
            raise Inconvenience(words)
        raise Failure(f"{words}, though its step needs none")


def _step(subject: Subject) -> tuple[list[bool], object]:
    """Return whether gradients were enabled in each call of a closure, and the step's result."""
    _need_closure(subject)
    params = subject.parameters()
    optimizer = subject.build(params)
    modes = []

    def closure() -> Tensor:
        modes.append(torch.is_grad_enabled())
        subject.put(params, subject.gradients(0))
        return torch.tensor(3.25)

    if subject.gradients_first:
        subject.put(params, subject.gradients(0))
    loss = optimizer.step(closure)  # type: ignore[arg-type]  # torch wants floats
    return modes, loss


def _need_closure(subject: Subject) -> None:
    if not subject.takes_closure:
        raise NotApplicable("its step takes no closure, so that Lightning cannot call it")
