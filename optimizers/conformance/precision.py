"""Checks of parameters that are not 32-bit real numbers."""

import torch
from torch.nn import Parameter

from optimizers.conformance.compare import require_same, tensors_in
from optimizers.conformance.outcome import Failure, Inconvenience, unless_refused
from optimizers.conformance.subject import NotApplicable, Subject, draw


def bfloat16_parameters_move(subject: Subject) -> None:
    """Training in bf16 stalls if a step is lost or computed in the wrong type."""
    _require_same_way(subject, torch.bfloat16)


def float16_parameters_move(subject: Subject) -> None:
    """In fp16 an eps of 1e-8 is zero, and squares overflow soon."""
    try:
        _require_same_way(subject, torch.float16)
    except Failure as failure:  # torch.optim's classes give nan too; a GradScaler helps
        raise Inconvenience(str(failure)) from None


def complex_parameters_move_as_pairs_of_reals(subject: Subject) -> None:
    """A complex number must move as its real and imaginary parts would by themselves."""
    if not subject.is_elementwise:
        raise NotApplicable("the step of an element depends on the gradients of others")
    if subject.needs_graph:
        raise NotApplicable(
            "it needs a graph, which has no gradient of its own where it is complex"
        )
    shape = subject.shapes[1]
    param = Parameter(draw([shape], seed=-1, dtype=torch.complex128)[0])
    twin, before = Parameter(torch.view_as_real(param.detach()).clone()), param.detach().clone()
    with unless_refused("complex parameters"):
        whole, parts = subject.build([param]), subject.build([twin])
        for step in subject.span(4):
            grad = draw([shape], seed=step, dtype=torch.complex128)[0].conj()
            subject.step(whole, [grad])
            subject.step(parts, [torch.view_as_real(grad.resolve_conj())])
    if torch.equal(param.imag, before.imag) or torch.equal(param.real, before.real):
        raise Failure("one of the real and imaginary parts did not move")
    try:
        require_same([torch.view_as_real(param.detach())], [twin], "complex", subject.rounding)
    except Failure as difference:  # a rule may use the modulus instead of two squares
        raise Inconvenience(str(difference)) from None


def state_is_as_wide_as_its_parameter(subject: Subject) -> None:
    """Moments in fewer bits than the parameter lose small gradients; in more they waste memory."""
    params = subject.parameters(torch.float32)
    optimizer = subject.build(params)
    for step in subject.span(2):
        subject.step(optimizer, subject.gradients(step, torch.float32))
    types = {
        tensor.dtype
        for param in params
        for tensor in tensors_in(optimizer.state.get(param, {}))
        if tensor.is_floating_point() and tensor.shape == param.shape
    }
    others = sorted(str(each) for each in types - {torch.float32})
    if others:
        raise Inconvenience(f"of 32-bit parameters it keeps moments in {' and '.join(others)}")


def counts_are_kept_in_a_type_that_counts(subject: Subject) -> None:
    """In bf16, 256 + 1 is 256, so a step count in bf16 stops, and the bias correction with it."""
    dtype = torch.bfloat16
    looks = []
    with unless_refused("bfloat16 parameters"):
        optimizer = subject.build(subject.parameters(dtype))
        for step in subject.span(3):
            subject.step(optimizer, subject.gradients(step, dtype))
            looks.append([t.clone() for t in tensors_in(optimizer.state_dict()["state"])])
    for held in zip(*looks[-3:], strict=False):
        first, second, third = held
        is_narrow = third.is_floating_point() and third.dtype.itemsize < 4 and third.numel() == 1
        if is_narrow and float(second - first) == float(third - second) == 1.0:
            raise Failure(f"a count of steps is kept in {third.dtype}, which ends at 256")


def _require_same_way(subject: Subject, dtype: torch.dtype) -> None:
    """Compare with 32 bits, from zero, where every move is visible."""
    if subject.is_random:
        raise NotApplicable("its steps are random, and this compares two runs")
    ends = []
    for each in (torch.float32, dtype):
        params = [Parameter(torch.zeros(shape, dtype=each)) for shape in subject.shapes]
        with unless_refused(f"{each} parameters"):
            optimizer = subject.build(params)
            for step in subject.span(6):
                signs = [grad.sign() for grad in subject.gradients(step, each)]
                subject.step(optimizer, signs)  # ±1, whose square is exact in every type
        ends.append([param.detach().float().flatten() for param in params])
    for index, (wide, narrow) in enumerate(zip(*ends, strict=True)):
        if not bool(narrow.isfinite().all()):
            strange = narrow[~narrow.isfinite()][0].item()
            raise Failure(f"{dtype} parameter {index} became {strange}, in 32 bits it is finite")
        if bool(wide.any()) and not float(narrow @ wide) > 0:
            raise Failure(
                f"{dtype} parameter {index} ended at {narrow[0].item():.3g}, in 32 bits at "
                f"{wide[0].item():.3g}"
            )
