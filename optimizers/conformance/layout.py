"""Checks of parameters of unusual shape or place in memory."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import Parameter

from optimizers.conformance.compare import ROUNDING, copies, require_same, require_unchanged
from optimizers.conformance.outcome import Failure, unless_refused
from optimizers.conformance.subject import Subject, draw

_WIDTHS = (1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 1003)


def a_scalar_parameter_moves_as_one_element(subject: Subject) -> None:
    """A temperature or a gain is a 0-d parameter."""
    scalar, vector = Parameter(torch.tensor(0.7).double()), Parameter(torch.tensor([0.7]).double())
    with unless_refused("parameters without dimensions"):
        optimizers = subject.build([scalar]), subject.build([vector])
        for step in range(4):
            slope = draw([()], seed=step)[0]
            subject.step(optimizers[0], [slope])
            subject.step(optimizers[1], [slope[None]])
    require_same([scalar[None]], [vector], "a 0-d parameter", ROUNDING)


def an_empty_parameter_disturbs_nothing(subject: Subject) -> None:
    """A layer of width zero is a degenerate case that sweeps over sizes meet."""
    params, twins = subject.parameters(), subject.parameters()
    hollow = (0, *subject.shapes[0][1:])
    with unless_refused("empty parameters"):
        beside = subject.build([Parameter(torch.zeros(hollow, dtype=torch.float64)), *params])
        for step in range(3):
            empty = torch.zeros(hollow, dtype=torch.float64)
            subject.step(beside, [empty, *subject.gradients(step)])
    subject.run(twins, steps=range(3))
    require_same(params, twins, "beside an empty parameter", ROUNDING)


def every_element_moves_whatever_the_size(subject: Subject) -> None:
    """Kernels work in vectors of 4 to 64 numbers: what sits beside a full vector is easily lost."""
    for dtype, tolerance in ((torch.float32, 1e-5), (torch.bfloat16, 0.05)):
        for width in _WIDTHS:
            shape = (1,) * (len(subject.shapes[0]) - 1) + (width,)
            param = Parameter(torch.zeros(shape, dtype=dtype))
            optimizer = subject.build([param])
            for _ in range(3):
                subject.step(optimizer, [torch.full(shape, 0.25, dtype=dtype)])
            first = param.detach().flatten()[0].item()
            gap = (param.detach().float() - first).abs().max().item()
            if first == 0 or not gap <= tolerance * abs(first):
                raise Failure(
                    f"{width} equal {dtype} elements with equal gradients ended between "
                    f"{param.min().item():.6g} and {param.max().item():.6g}"
                )


def strided_parameters_move_as_contiguous_ones(subject: Subject) -> None:
    """A slice of a larger tensor must move, and what lies between its elements must not."""
    shape = subject.shapes[1]
    whole = draw([(*shape, 2)], seed=-1)[0]
    _require_as_contiguous(subject, Parameter(whole[..., 0]), "a slice", between=whole[..., 1])


def transposed_parameters_move_as_contiguous_ones(subject: Subject) -> None:
    """Transposed weights come from tying and from loading other frameworks' files."""
    rows, columns = subject.shapes[1]
    turned = Parameter(draw([(columns, rows)], seed=-1)[0].t())
    _require_as_contiguous(subject, turned, "transposed")


def channels_last_parameters_move_as_contiguous_ones(subject: Subject) -> None:
    """Convolutions run faster in channels_last, with weights laid out that way."""
    images = draw([(4, 3, 2, 5)], seed=-1)[0]
    turned = Parameter(images.contiguous(memory_format=torch.channels_last))
    with unless_refused("parameters with four dimensions"):
        _require_as_contiguous(subject, turned, "in channels_last")


def _require_as_contiguous(
    subject: Subject, param: Parameter, what: str, between: Tensor | None = None
) -> None:
    """Compare with a contiguous twin, for gradients laid out plainly and like the parameter."""
    others = [] if between is None else [between]
    before = copies(others)
    twin = Parameter(param.detach().clone(memory_format=torch.contiguous_format))
    strange, plain = subject.build([param]), subject.build([twin])
    layouts: tuple[Callable[[Tensor], Tensor], ...] = (lambda g: g, _like(param))
    for step in range(6):
        grad = draw([tuple(param.shape)], seed=step)[0]
        subject.step(strange, [layouts[step % 2](grad)])
        subject.step(plain, [grad])
        require_unchanged(others, before, f"memory between the elements of {what}", kind="tensor")
        require_same([param], [twin], f"{what}, step {step + 1}", ROUNDING)


def _like(param: Tensor) -> Callable[[Tensor], Tensor]:
    return lambda grad: torch.empty_like(param).copy_(grad)
