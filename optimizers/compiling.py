"""Runs a `Motion` as one kernel that `torch.compile` makes of its rule.

All scalars go in as one tensor in 64 bits, so that neither a schedule nor the step number ever
compiles anything again, and sizes are dynamic, so that one kernel serves all parameters.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor

from optimizers.motion import Motion, Rule, Scalar, move

_SMALLEST = 16  # below, a size of 0 or 1 would be compiled for itself
_KERNELS_AT_MOST = 256  # per process: rules × flags × dtypes, all of them variants of one function


class CompilerError(RuntimeError):
    """`torch.compile` gives no kernel here; nothing was changed."""


def run_compiled(motion: Motion, x: Tensor, g: Tensor, state: tuple[Tensor | None, ...]) -> None:
    """Move flat tensors of shape (elements,) by a compiled kernel.

    Raises:
        CompilerError: there is no working compiler.
    """
    if x.numel() < _SMALLEST:
        motion(x, g, state)
        return
    given = motion.l2 is not None, motion.keep is not None
    decays = [value for value in (motion.l2, motion.keep) if value is not None]
    scalars = _as_tensor((*decays, *motion.scalars))
    arguments = motion.rule, x, g, state, scalars, motion.maximize, *given
    pattern = tuple(s is None for s in state)
    variant = motion.rule, motion.maximize, given, x.dtype, x.device, pattern, scalars.device
    if variant in _compiled_before:
        _kernel()(*arguments)
    else:
        _compile(arguments)
        _compiled_before.add(variant)


_compiled_before: set[Any] = set()


def _step(
    rule: Rule,
    x: Tensor,
    g: Tensor,
    state: tuple[Tensor | None, ...],
    scalars: Tensor,
    maximize: bool,
    has_l2: bool,
    has_keep: bool,
) -> None:
    values = list(scalars.unbind())
    l2 = values.pop(0) if has_l2 else None
    keep = values.pop(0) if has_keep else None
    move(rule, x, g, state, tuple(values), maximize, l2, keep)


@cache
def _kernel() -> Callable[..., None]:
    return torch.compile(_step, dynamic=True, fullgraph=True)


def _compile(arguments: tuple[Any, ...]) -> None:
    import torch._dynamo

    try:
        with torch._dynamo.config.patch(recompile_limit=_KERNELS_AT_MOST):
            _kernel()(*arguments)
    except Exception as error:  # the compiler's own errors have no common class
        words = " ".join(str(error).split())[:200]
        raise CompilerError(f"{type(error).__name__}: {words}") from error


def _as_tensor(values: tuple[Scalar, ...]) -> Tensor:
    """Return the numbers as one tensor (scalars,) in 64 bits, on the device of those on one."""
    tensors = [value for value in values if isinstance(value, Tensor)]
    if not tensors:
        return torch.tensor(values, dtype=torch.float64)
    like = tensors[0]
    parts = [torch.as_tensor(v, dtype=torch.float64, device=like.device) for v in values]
    return torch.stack(parts)
