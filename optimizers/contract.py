"""The needs of an optimizer that a training loop must meet, found from the optimizer itself.

Some optimizers are evaluated at other weights than those at which they train, some differentiate
their gradients, and some compute the loss themselves. Every loop that steps an optimizer asks here.
"""

import dis
import inspect
from collections.abc import Iterator, Mapping, ValuesView
from functools import cache
from itertools import pairwise
from types import CodeType, FunctionType
from typing import Any

import torch
from torch.optim import Optimizer


def switch_to_training(optimizer: Optimizer) -> None:
    """Call ``train()``, which restores the weights at which the next gradient is taken.

    Averaging and schedule-free methods have ``train()`` and ``eval()``; for all others this does
    nothing. If a wrapper has neither, those of the optimizer inside it are called.
    """
    _switch(optimizer, "train", set())


def switch_to_evaluation(optimizer: Optimizer) -> None:
    """Call ``eval()``, which installs the weights that the optimizer offers for evaluation."""
    _switch(optimizer, "eval", set())


def has_two_points(optimizer: Optimizer) -> bool:
    """Return whether training and evaluation weights may differ."""
    return any(map(_switches, _family(optimizer)))


def takes_closure(optimizer: Optimizer) -> bool:
    """Return whether the optimizer's step takes an argument called ``closure``."""
    return "closure" in inspect.signature(optimizer.step).parameters


def needs_closure(optimizer: Optimizer) -> bool:
    """Return whether the optimizer's step cannot be called without a closure."""
    closure = inspect.signature(optimizer.step).parameters.get("closure")
    return closure is not None and closure.default is closure.empty


def differentiates_gradients(optimizer: Optimizer) -> bool:
    """Return whether the code of its step calls `torch.autograd.grad` and so needs a graph.

    The search covers the step and the methods and functions of the same module that it calls.
    """
    classes: set[Any] = {type(each) for each in _family(optimizer)}
    return any(_step_calls_grad(cls, inspect.unwrap(cls.step)) for cls in classes)


def _switch(optimizer: Optimizer, name: str, seen: set[int]) -> None:
    seen.add(id(optimizer))
    if _switches(optimizer):
        getattr(optimizer, name)()
        return
    for inner in _inside(optimizer):
        if id(inner) not in seen:
            _switch(inner, name, seen)


def _switches(optimizer: Optimizer) -> bool:
    return all(callable(getattr(optimizer, name, None)) for name in ("train", "eval"))


def _family(optimizer: Optimizer) -> list[Optimizer]:
    """Return the optimizer and all optimizers that it holds, each once."""
    found = {id(optimizer): optimizer}
    waiting = [optimizer]
    while waiting:
        new = [each for each in _inside(waiting.pop()) if id(each) not in found]
        found.update((id(each), each) for each in new)
        waiting += new
    return list(found.values())


def _inside(optimizer: Optimizer) -> Iterator[Optimizer]:
    """Yield the optimizers that this one holds, including those in its lists and mappings."""
    for name, value in vars(optimizer).items():
        if name in ("state", "param_groups", "defaults"):
            continue
        kept = value.values() if isinstance(value, Mapping) else value
        for each in kept if isinstance(kept, (list, tuple, ValuesView)) else (kept,):
            if isinstance(each, Optimizer) and each is not optimizer:
                yield each


@cache  # the search takes 20 to 30 ms
def _step_calls_grad(cls: type, step: Any) -> bool:
    return _calls_grad(cls, step, set())


def _calls_grad(cls: type, function: Any, seen: set[CodeType]) -> bool:
    if not isinstance(function, FunctionType) or function.__code__ in seen:
        return False
    seen.add(function.__code__)
    if function.__module__.partition(".")[0] == "torch":
        return False
    used = list(_names(function.__code__))
    is_global = any(function.__globals__.get(name) is torch.autograd.grad for name in used)
    if is_global or ("autograd", "grad") in pairwise(used):
        return True
    for name in set(used):
        found = inspect.getattr_static(cls, name, None) or function.__globals__.get(name)
        found = getattr(found, "__func__", found)  # unwrap a static or class method
        if _calls_grad(cls, inspect.unwrap(found) if callable(found) else None, seen):
            return True
    return False


def _names(code: CodeType) -> Iterator[str]:
    """Yield the names of globals, attributes and methods in the order of their use."""
    for instruction in dis.get_instructions(code):
        if instruction.opname.startswith("LOAD") and isinstance(instruction.argval, str):
            yield instruction.argval
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)
