"""Finds out what an optimizer takes and what kind of rule it is, by its signature and by trying."""

import inspect
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import Parameter
from torch.optim import Optimizer

from optimizers.conformance.subject import Factory, Shape, Subject, draw

_SHAPES: tuple[Shape, ...] = ((7,), (5, 3), (2, 3, 4))
_MATRICES: tuple[Shape, ...] = ((7, 3), (5, 3), (4, 9))


def look_at(factory: Factory) -> Subject:
    """Find out what the optimizer of `factory` takes: shapes, hyperparameters, closures."""
    shapes = _SHAPES if _takes(factory, _SHAPES) else _MATRICES
    probe = factory([Parameter(tensor) for tensor in draw(shapes, seed=-1)])
    subject = Subject(
        factory=factory,
        shapes=shapes,
        keywords=frozenset(_keywords(factory)),
        defaults={k: v for k, v in probe.param_groups[0].items() if k != "params"} | probe.defaults,
        takes_closure=bool(_step_arguments(probe)),
        needs_closure=any(p.default is p.empty for p in _step_arguments(probe)),
    )
    first, second, other = (_end_of_second(subject, factor) for factor in (1.0, 1.0, 3.0))
    if not torch.equal(first, second):
        return replace(subject, is_random=True)
    return replace(subject, is_coupled=not torch.equal(first, other))


def _takes(factory: Factory, shapes: Iterable[Shape]) -> bool:
    try:
        factory([Parameter(tensor) for tensor in draw(shapes, seed=-1)])
    except Exception:  # an optimizer of anyone's may raise anything
        return False
    return True


def _keywords(factory: Factory) -> list[str]:
    arguments = list(inspect.signature(factory).parameters.values())[1:]
    return [p.name for p in arguments if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]


def _step_arguments(optimizer: Optimizer) -> list[inspect.Parameter]:
    arguments = inspect.signature(optimizer.step).parameters.values()
    return [p for p in arguments if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]


def _end_of_second(subject: Subject, factor: float) -> Tensor:
    """Return the second parameter after two steps with the first one's gradients scaled."""
    params = subject.parameters()
    optimizer = subject.build(params)
    with suppress(Exception):  # the first check will say so
        for step in range(2):
            first, *rest = draw(subject.shapes, seed=step)
            subject.step(optimizer, [factor * first, *rest])
    return params[1].detach()
