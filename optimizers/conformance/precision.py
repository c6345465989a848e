"""Checks of parameters that are no 32-bit real numbers."""

import torch
from torch.nn import Parameter

from optimizers.conformance.compare import ROUNDING, require_same
from optimizers.conformance.outcome import Failure, unless_refused
from optimizers.conformance.subject import Subject, draw


def bfloat16_parameters_move(subject: Subject) -> None:
    """Training in bf16 stands still where a step is lost or computed in the wrong type."""
    _require_descent(subject, torch.bfloat16)


def float16_parameters_move(subject: Subject) -> None:
    """In fp16 an eps of 1e-8 is zero, and squares overflow soon."""
    _require_descent(subject, torch.float16)


def complex_parameters_move_as_pairs_of_reals(subject: Subject) -> None:
    """A complex number moves as its real and imaginary part would by themselves."""
    shape = subject.shapes[1]
    param = Parameter(draw([shape], seed=-1, dtype=torch.complex128)[0])
    twin = Parameter(torch.view_as_real(param.detach()).clone())
    with unless_refused("complex parameters"):
        whole, parts = subject.build([param]), subject.build([twin])
        for step in range(4):
            grad = draw([shape], seed=step, dtype=torch.complex128)[0].conj()
            subject.step(whole, [grad])
            subject.step(parts, [torch.view_as_real(grad.resolve_conj())])
    require_same([torch.view_as_real(param.detach())], [twin], "complex", ROUNDING)


def _require_descent(subject: Subject, dtype: torch.dtype) -> None:
    """Let parameters start at zero, beside which every move is seen."""
    params = [Parameter(torch.zeros(shape, dtype=dtype)) for shape in subject.shapes]
    with unless_refused(f"{dtype} parameters"):
        optimizer = subject.build(params, **subject.only_known(maximize=False))
        for _ in range(3):
            subject.step(optimizer, [torch.ones(shape, dtype=dtype) for shape in subject.shapes])
    for index, param in enumerate(params):
        if not bool((param.isfinite() & (param < 0)).all()):
            worst = param.detach().nan_to_num(nan=torch.inf).max().item()
            raise Failure(f"after 3 steps along ones {dtype} parameter {index} has {worst:.3g}")
