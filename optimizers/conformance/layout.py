"""Checks of parameters of unusual shape or place in memory."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import Parameter

from optimizers.conformance.compare import copies, is_same, require_same, require_unchanged
from optimizers.conformance.outcome import Difference, Failure, Inconvenience, unless_refused
from optimizers.conformance.subject import NotApplicable, Shape, Subject

_WIDTHS = (1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 1003, 70_001)


def a_scalar_parameter_moves_as_one_element(subject: Subject) -> None:
    """A temperature or a gain is a 0-d parameter."""
    scalar, vector = (
        Parameter(torch.full(shape, 0.7, dtype=subject.dtype)) for shape in ((), (1,))
    )
    with unless_refused("parameters without dimensions"):
        optimizers = subject.build([scalar]), subject.build([vector])
        for step in subject.span(4):
            slope = subject.drawn([()], seed=step)[0]
            subject.step(optimizers[0], [slope])
            subject.step(optimizers[1], [slope[None]])
    if not subject.is_elementwise:
        return  # rules for matrices distinguish a number from a vector
    require_same([scalar[None]], [vector], "a 0-d parameter", max(1e-9, subject.rounding))


def an_empty_parameter_disturbs_nothing(subject: Subject) -> None:
    """Sweeps over sizes can produce a layer of width zero."""
    params, twins = subject.parameters(), subject.parameters()
    hollow = (0, *subject.shapes[0][1:])
    with unless_refused("empty parameters"):
        beside = subject.build([Parameter(torch.zeros(hollow, dtype=subject.dtype)), *params])
        for step in subject.span(3):
            empty = torch.zeros(hollow, dtype=subject.dtype)
            subject.step(beside, [empty, *subject.gradients(step)])
    subject.run(twins, steps=subject.span(3))
    require_same(params, twins, "beside an empty parameter", subject.rounding)


def elements_move_as_by_themselves_whatever_the_size(subject: Subject) -> None:
    """Kernels work in vectors of 4 to 64 numbers, and easily lose the rest after the last one."""
    if not subject.is_elementwise:
        raise NotApplicable("the step of an element depends on the gradients of others")
    ones = (1,) * (len(subject.shapes[0]) - 1)
    for dtype, tolerance in ((torch.float32, 1e-5), (torch.bfloat16, 0.05)):
        for width in _WIDTHS:
            param = Parameter(torch.zeros((*ones, width), dtype=dtype))
            single = Parameter(torch.zeros((*ones, 1), dtype=dtype))
            whole, alone = subject.build([param]), subject.build([single])
            for _ in subject.span(3):
                for optimizer, each in ((whole, param), (alone, single)):
                    subject.step(optimizer, [torch.full_like(each, 0.25)])
            expected = single.item()
            gap = (param.detach().float() - expected).abs().max().item()
            if not gap <= tolerance * abs(expected):
                raise Failure(
                    f"{width} {dtype} elements with equal gradients ended between "
                    f"{param.min().item():.6g} and {param.max().item():.6g}, one alone at "
                    f"{expected:.6g}"
                )


def a_slice_of_a_parameter_moves_as_by_itself(subject: Subject) -> None:
    """If elements are independent, half of a tensor must move as it does within the whole."""
    if not subject.is_elementwise:
        raise NotApplicable("the step of an element depends on the gradients of others")
    rows, columns = 2, 150
    whole = Parameter(subject.drawn([(rows, columns)], seed=-1)[0])
    halves = [Parameter(row.clone()[None]) for row in whole.detach()]
    together, apart = subject.build([whole]), subject.build(halves)
    for step in subject.span(4):
        grad = subject.drawn([(rows, columns)], seed=step)[0]
        subject.step(together, [grad])
        subject.step(apart, [row[None] for row in grad])
    require_same(
        [whole],
        [torch.cat([half.detach() for half in halves])],
        "a tensor of 300 elements",
        subject.rounding,
    )


def elements_move_alike_whatever_the_shape(subject: Subject) -> None:
    """If elements are independent, a matrix must move as a vector of the same numbers does."""
    ends = _in_each_shape(subject, **subject.only_known(weight_decay=0.0))
    for shape, end in list(ends.items())[1:]:
        try:
            require_same([end], [ends[(12,)]], f"as a parameter of shape {shape}", subject.rounding)
        except Difference as difference:  # a separate rule for matrices may be intended
            raise Inconvenience(str(difference)) from None


def vectors_decay_as_matrices_do(subject: Subject) -> None:
    """Only the user should switch off weight decay of biases and norms, in their own group."""
    if not subject.has("weight_decay"):
        raise NotApplicable("it has no weight_decay")
    ends, plain = (_in_each_shape(subject, weight_decay=decay) for decay in (0.1, 0.0))
    try:
        for shape, end in list(ends.items())[1:]:
            what = f"with weight decay as a parameter of shape {shape}"
            require_same([end], [ends[(12,)]], what, subject.rounding)
    except Difference as difference:
        if is_same([ends[(12,)]], [plain[(12,)]]):  # some leave out biases by design
            raise Inconvenience("vectors do not decay, matrices do") from None
        raise Failure(str(difference)) from None


def strided_parameters_move_as_contiguous_ones(subject: Subject) -> None:
    """A slice of a larger tensor must move, and the memory between its elements must not change."""
    shape = subject.shapes[1]
    whole = subject.drawn([(*shape, 2)], seed=-1)[0]
    _require_as_contiguous(subject, Parameter(whole[..., 0]), "a slice", between=whole[..., 1])


def transposed_parameters_move_as_contiguous_ones(subject: Subject) -> None:
    """Transposed weights come from tying and from loading other frameworks' files."""
    rows, columns = subject.shapes[1]
    turned = Parameter(subject.drawn([(columns, rows)], seed=-1)[0].t())
    _require_as_contiguous(subject, turned, "transposed")


def channels_last_parameters_move_as_contiguous_ones(subject: Subject) -> None:
    """Convolutions run faster in channels_last, with weights in the same layout."""
    images = subject.drawn([(4, 3, 2, 5)], seed=-1)[0]
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
    for step in subject.span(6):
        grad = subject.drawn([tuple(param.shape)], seed=step)[0]
        subject.step(strange, [layouts[step % 2](grad)])
        subject.step(plain, [grad])
        require_unchanged(others, before, f"memory between the elements of {what}", kind="tensor")
        require_same([param], [twin], f"{what}, step {step + 1}", subject.rounding)


def _in_each_shape(subject: Subject, **values: float) -> dict[Shape, Tensor]:
    """Return the final values of the same twelve numbers, flat, for each shape."""
    if not subject.is_elementwise:
        raise NotApplicable("the step of an element depends on the gradients of others")
    ends = {}
    shapes: tuple[Shape, ...] = ((12,), (3, 4), (4, 3), (2, 3, 2), (1, 12), (3, 2, 1, 2))
    if len(subject.shapes[0]) == 2:  # it may accept only matrices
        shapes = ((1, 12), (3, 4), (4, 3))
    for shape in shapes:
        param = Parameter(subject.drawn([(12,)], seed=-1)[0].view(shape))
        with unless_refused(f"parameters of shape {shape}"):
            optimizer = subject.build([param], **values)
            for step in subject.span(4):
                subject.step(optimizer, [subject.drawn([(12,)], seed=step)[0].view(shape)])
        ends[shape if shape != shapes[0] else (12,)] = param.detach().flatten()
    return ends


def _like(param: Tensor) -> Callable[[Tensor], Tensor]:
    return lambda grad: torch.empty_like(param).copy_(grad)
