"""Checks of parameter memory, of autograd's view of the steps, and of memory growth."""

import gc
import sys
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter

from optimizers.conformance.compare import tensors_in
from optimizers.conformance.outcome import Failure
from optimizers.conformance.subject import NotApplicable, Subject, params_of

_FILLED = 110  # steps that fill a history: that of L-BFGS has 100 entries, 2 a step
_STRETCH = 20  # steps between two measurements of memory
_LONG_STRETCH = 5 * _STRETCH  # the same, where what Python keeps by chance may look like growth


def parameters_keep_their_memory(subject: Subject) -> None:
    """Averages, gradient buckets, shared memory and views refer to the storage of a parameter."""
    params = subject.parameters()
    optimizer = subject.build(params)
    before = [_place(param) for param in params]
    for step in subject.span(4):
        subject.step(optimizer, subject.gradients(step))
        for index, (param, old) in enumerate(zip(params, before, strict=True)):
            changes = [name for name, value in _place(param).items() if value != old[name]]
            if changes:
                words = f"parameter {index} has another {' and '.join(changes)}"
                raise Failure(f"after step {step + 1} {words}")


def autograd_sees_every_move(subject: Subject) -> None:
    """backward() must raise an error if a step changed the weights after the forward pass."""
    params = subject.parameters()
    optimizer = subject.run(params, steps=range(subject.start))
    for step in range(subject.start, subject.start + 3):
        before = [(param.detach().clone(), param._version) for param in params]
        losses = [(param**2).sum() for param in params]
        subject.step(optimizer, subject.gradients(step))
        for index, (param, (old, version)) in enumerate(zip(params, before, strict=True)):
            if param._version == version and not torch.equal(param, old):
                raise Failure(
                    f"step {step + 1} moved parameter {index} behind autograd's back: "
                    f"backward() of a loss from before {_silence_of(losses[index], param, old)}"
                )


def parameters_and_state_hold_no_graph(subject: Subject) -> None:
    """A tensor that remembers how it was computed keeps every earlier step in memory."""
    params = subject.parameters()
    optimizer = subject.run(params)
    held = [t for state in optimizer.state.values() for t in tensors_in(state)]
    if any(t.grad_fn is not None for t in held):
        count = sum(t.grad_fn is not None for t in held)
        raise Failure(f"{count} of {len(held)} state tensors hold the graph of their computation")
    if not all(param.is_leaf and param.requires_grad for param in params_of(optimizer)):
        raise Failure("after 4 steps a parameter is no leaf that requires a gradient")


def memory_does_not_grow_with_steps(subject: Subject) -> None:
    """State that grows a little in each step fills the memory of a long run."""
    gc.collect()
    is_frozen = gc.get_freeze_count() > 0  # by the caller, whose objects stay so
    if not is_frozen:
        gc.freeze()  # so that each measurement skips objects that exist already
    try:
        growth = _growth(subject, _FILLED // 2 if subject.needs_closure else _FILLED, _STRETCH)
        if growth:  # a long history may still be filling, or Python's own caches
            growth = _growth(subject, 3 * _FILLED, _LONG_STRETCH)
    finally:
        if not is_frozen:
            gc.unfreeze()
    if growth:
        raise Failure(growth)


# Growth in a step that is too large for chance, if it comes in each of three stretches of steps.
_LEAST_GROWTH = {
    "entries of state and groups": 1 / _LONG_STRETCH,
    "live tensors": 0.3,
    "bytes of live tensors": 2,
    "Python objects": 0.9,
}


def _growth(subject: Subject, filled: int, stretch: int) -> str:
    """Describe what has grown in every stretch between measurements; "" if nothing has."""
    looks = _looks(subject, filled, stretch)
    for name, least in _LEAST_GROWTH.items():
        growth = min(after[name] - before[name] for before, after in pairwise(looks)) / stretch
        if growth >= least:
            return f"{name} grow by {growth:.3g} in each step"
    return ""


def _looks(subject: Subject, filled: int, stretch: int) -> list[dict[str, int]]:
    """Return the sizes after `filled` steps and after each of three further stretches of steps."""
    params = subject.parameters()
    optimizer = subject.run(params, steps=range(filled))
    looks = [_size_of(optimizer, params)]
    for _ in range(3):
        for step in range(stretch):
            subject.step(optimizer, subject.gradients(step))
        looks.append(_size_of(optimizer, params))
    return looks


def _size_of(optimizer: torch.optim.Optimizer, params: list[Parameter]) -> dict[str, int]:
    """Return the sizes of the optimizer's data and of the objects alive in the process."""
    for param in params:
        param.grad = None
    gc.collect()
    alive = [each for each in gc.get_objects() if type(each) in (Tensor, Parameter)]
    bytes_held = sum(t.untyped_storage().nbytes() for t in alive if t.layout is torch.strided)
    num_alive = len(alive)
    del alive
    return {
        "entries of state and groups": _num_entries(vars(optimizer), set()),
        "live tensors": num_alive,
        "bytes of live tensors": bytes_held,
        "Python objects": sys.getallocatedblocks(),
    }


def _num_entries(tree: Any, seen: set[int]) -> int:
    """Count the elements of tensors and the entries of containers below `tree`, each once."""
    if id(tree) in seen:
        return 0
    seen.add(id(tree))
    if isinstance(tree, Tensor):
        return tree.numel()
    if isinstance(tree, (str, bytes)):
        return len(tree)
    if isinstance(tree, dict):
        return sum(1 + _num_entries(branch, seen) for branch in list(tree.values()))
    if isinstance(tree, (list, tuple, set, frozenset)):
        return sum(1 + _num_entries(branch, seen) for branch in list(tree))
    return 0


def _place(param: Tensor) -> dict[str, Any]:
    return {
        "address": param.data_ptr(),
        "storage": param.untyped_storage().data_ptr(),
        "shape": tuple(param.shape),
        "strides": param.stride(),
        "type": param.dtype,
        "requires_grad": param.requires_grad,
    }


def _silence_of(loss: Tensor, param: Tensor, old: Tensor) -> str:
    """Describe the result of a backward pass through weights from before a step."""
    try:
        (grad,) = torch.autograd.grad(loss, param)
    except RuntimeError as error:
        raise NotApplicable("autograd refuses for another reason") from error
    gap = (grad - 2 * old).abs().max().item()
    return f"gives a gradient that is wrong by up to {gap:.3g}"
