"""Detection of the inputs and the kind of rule of an optimizer, by its signature and by trials."""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from optimizers.conformance.compare import copies, is_same, largest_gap
from optimizers.conformance.making import Making, Source, making_of
from optimizers.conformance.outcome import in_words
from optimizers.conformance.sandbox import sandbox
from optimizers.conformance.subject import Shape, Subject, draw
from optimizers.contract import has_two_points
from optimizers.errors import NotJudgedError

_SHAPES: tuple[Shape, ...] = ((7,), (5, 3), (2, 3, 4))
_MATRICES: tuple[Shape, ...] = ((7, 3), (5, 3), (4, 9))
_LONGEST_START = 40  # steps in which a parameter may rest at first; AdaShift rests for 10
_BASE = {torch.float64: 1e-12, torch.float32: 1e-5}
_Alter = Callable[[list[Tensor]], list[Tensor]]


def look_at(source: Source) -> Subject:
    """Detect which shapes, gradients, hyperparameters and closures the optimizer accepts.

    Raises:
        Exception: any error of the optimizer when it is built over three random matrices.
        NotJudgedError: the optimizer takes no step.
    """
    with sandbox():
        subject = _that_steps(making_of(source))
        subject = replace(subject, start=_start_of(subject))
        _require_ordinary_weights(subject)
        _require_ordinary_gradients(subject)
        return _classified(subject)


def _that_steps(making: Making) -> Subject:
    """Return the first of the subjects that takes a few steps."""
    errors: list[Exception] = []
    for subject in _candidates(making):
        try:
            with sandbox():
                subject.run(subject.parameters(), steps=range(2))
        except Exception as error:  # an optimizer of anyone's may raise anything
            errors.append(error)
        else:
            return subject
    raise NotJudgedError(
        f"it takes no step, neither on vectors nor on matrices, with or without a closure, with "
        f"gradients that are dense, sparse or have a graph: {in_words(errors[0])}"
    )


def _candidates(making: Making) -> Iterator[Subject]:
    for shapes, dtype in product((_SHAPES, _MATRICES), (torch.float64, torch.float32)):
        try:
            params = [torch.nn.Parameter(t) for t in draw(shapes, seed=-1, dtype=dtype)]
            probe = making.factory(params)
        except Exception:  # an optimizer of anyone's may raise anything
            if shapes is _MATRICES:
                raise
            continue
        arguments = _step_arguments(probe)
        closure = {"needs_closure": any(p.default is p.empty for p in arguments)}
        for needs in making.needs:
            if arguments or "needs_closure" not in needs:
                yield Subject(
                    factory=making.factory,
                    bare=making.bare,
                    shapes=shapes,
                    dtype=dtype,
                    keywords=making.keywords,
                    defaults=_values(probe.param_groups[0]) | probe.defaults,
                    takes_closure=bool(arguments),
                    averages=has_two_points(probe),
                    **closure | needs,
                )


def _values(group: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in group.items() if name != "params"}


def _step_arguments(optimizer: Optimizer) -> list[inspect.Parameter]:
    arguments = inspect.signature(optimizer.step).parameters.values()
    return [p for p in arguments if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]


def _start_of(subject: Subject) -> int:
    """Return the number of steps before every parameter that moves at all has moved."""
    params = subject.parameters()
    resting, start = list(zip(params, copies(params), strict=True)), 0
    optimizer = subject.build(params)
    for step in range(_LONGEST_START):
        try:
            subject.step(optimizer, subject.gradients(step))
        except Exception:  # the first check will say so
            break
        left = [(param, before) for param, before in resting if torch.equal(param, before)]
        if len(left) < len(resting):
            resting, start = left, step
        if not resting:
            break
    return start


def _require_ordinary_weights(subject: Subject) -> None:
    """Raise `NotJudgedError` if only weights near zero move, for the checks use larger ones."""
    moved = []
    for factor in (1.0, 1e-9):
        params = [torch.nn.Parameter(factor * tensor) for tensor in copies(subject.parameters())]
        before = copies(params)
        try:
            subject.run(params)
        except Exception:  # the first check will say so
            return
        moved.append(not is_same(params, before))
    if moved == [False, True]:
        raise NotJudgedError("it moves only weights that are near zero, and the checks have others")


def _require_ordinary_gradients(subject: Subject) -> None:
    """Raise `NotJudgedError` if weights move only after gradients have agreed for a while."""
    moved = []
    for is_steady in (False, True):
        params = subject.parameters()
        before, optimizer = copies(params), subject.build(params)
        try:
            for step in range(_LONGEST_START):
                subject.step(optimizer, subject.gradients(0 if is_steady else step))
        except Exception:  # the first check will say so
            return
        moved.append(not is_same(params, before))
    if moved == [False, True]:
        raise NotJudgedError(
            "it moves only where gradients agree for a while, and those of the checks are random"
        )


@dataclass(frozen=True)
class _Ends:
    """Final weights of runs with altered gradients."""

    subject: Subject

    def __call__(self, alter: _Alter = lambda grads: grads) -> list[Tensor]:
        params = self.subject.parameters()
        try:
            with sandbox():
                optimizer = self.subject.build(params)
                for step in self.subject.span(8):
                    self.subject.step(optimizer, alter(self.subject.gradients(step)))
        except Exception:
            pass
        return copies(params)


def _classified(subject: Subject) -> Subject:
    """Return the subject with the dependencies of its steps, found by altering gradients."""
    ends = _Ends(subject)
    plain = ends()
    torch.rand(1)  # so that later draws from the global generator differ
    if not is_same(plain, ends()) or _draws(subject):
        return replace(subject, is_random=True, rounding=_BASE[subject.dtype])
    others = [ends(partial(_with_others_scaled, k))[1] for k in (3.0, 0.01, 0.0)]
    is_coupled = not is_same([plain[1]] * 3, others) or _adapts_to_all(subject)
    one = ends(lambda g: [*g[:1], _with_first(g[1]), *g[2:]])[1].flatten()[1:]
    is_alone = not is_coupled and torch.equal(one, plain[1].flatten()[1:])
    return replace(
        subject,
        is_coupled=is_coupled,
        is_elementwise=is_alone and not _looks_at_whole_tensors(subject),
        rounding=_rounding_of(replace(subject, is_coupled=is_coupled), ends, plain),
    )


def _adapts_to_all(subject: Subject) -> bool:
    """Return whether steps depend on others' gradients after these have agreed for a while."""
    ends = []
    patterns: tuple[Callable[[int], float], ...] = (
        lambda step: 1.0,
        lambda step: 30.0,
        lambda step: (-1.0) ** step,
        lambda step: 0.0,
    )
    for pattern in patterns:
        params = subject.parameters()
        optimizer = subject.build(params)
        grads = subject.gradients(0)
        try:
            for step in range(2 * _LONGEST_START):
                subject.step(optimizer, _with_others_scaled(pattern(step), grads))
        except Exception:  # the checks will say so
            return False
        ends.append(params[1].detach())
    return not is_same(ends[1:], ends[:1] * 3)


def _looks_at_whole_tensors(subject: Subject) -> bool:
    """Return whether the gradient of one row moves the other, for any of several directions."""
    (start,) = subject.drawn([(2, 150)], seed=-1)
    ends = []
    for turn in (lambda g: g, lambda g: _across(start[0], g), lambda g: start[0], torch.zeros_like):
        param = torch.nn.Parameter(start.clone())
        try:
            optimizer = subject.build([param])
            for step in subject.span(4):
                (grad,) = subject.drawn([(2, 150)], seed=step)
                first, second = turn(grad[0]), _across(start[1], grad[1])
                subject.step(optimizer, [torch.stack([first, second])])
        except Exception:  # the checks will meet a refusal
            return False
        ends.append(param.detach()[1])
    return not is_same(ends[1:], ends[:1] * 3)


def _across(start: Tensor, grad: Tensor) -> Tensor:
    """Return the component of a gradient orthogonal to the weights, where projections begin."""
    return grad - start * (grad @ start) / (start @ start)


def _draws(subject: Subject) -> bool:
    """Return whether steps draw from torch's generator, even if the effect is small at first."""
    with sandbox():
        before = torch.get_rng_state()
        subject.run(subject.parameters(), steps=subject.span(12))
        return not torch.equal(before, torch.get_rng_state())


def _scaled(factor: float, grads: list[Tensor]) -> list[Tensor]:
    return [factor * grad for grad in grads]


def _with_others_scaled(factor: float, grads: list[Tensor]) -> list[Tensor]:
    return [grad if index == 1 else factor * grad for index, grad in enumerate(grads)]


def _with_first(grad: Tensor) -> Tensor:
    grad.view(-1)[0] *= 3
    return grad


def _rounding_of(subject: Subject, ends: _Ends, plain: list[Tensor]) -> float:
    """Return a bound on the effect of rounding, measured with slightly altered gradients."""
    base = _BASE[subject.dtype]
    if is_same(plain, ends(lambda grads: [grad.float().to(grad.dtype) for grad in grads])):
        base = max(base, 2e-6)  # it computes in 32 bits
    if subject.is_coupled:  # norms over all parameters are often computed in 32 bits
        moved = largest_gap(plain, copies(subject.parameters()))
        base = max(base, min(1e-5, 1e-3 * moved))
    tiny = _BASE[subject.dtype] / 10
    shifts = [ends(partial(_scaled, 1 + k * tiny)) for k in (1, -2, 3)]
    return min(max(base, *(10 * largest_gap(shift, plain) for shift in shifts)), 1e-4)
