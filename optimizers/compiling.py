"""Runs a `Motion` as one kernel that `torch.compile` makes of its rule.

All scalars go in as 0-d tensors in 64 bits, so that neither a schedule nor the step number ever
compiles anything again, and sizes are dynamic, so that one kernel serves all parameters.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor

from optimizers.motion import Motion, Scalar, move

_SMALLEST = 16  # below, a size of 0 or 1 would be compiled for itself
_KERNELS_AT_MOST = 256  # per process: rules × flags × dtypes, all of them variants of `move`


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
    values = _as_tensors((motion.l2, motion.keep, *motion.scalars))
    l2, keep, *scalars = values
    arguments = motion.rule, x, g, state, tuple(scalars), motion.maximize, l2, keep
    variant = motion.rule, motion.maximize, l2 is None, keep is None, x.dtype, x.device, len(state)
    pattern = variant, tuple(s is None for s in state), tuple(s.dtype for s in scalars)
    if pattern in _compiled_before:
        _kernel()(*arguments)
    else:
        _compile(arguments)
        _compiled_before.add(pattern)


_compiled_before: set[Any] = set()


@cache
def _kernel() -> Callable[..., None]:
    return torch.compile(move, dynamic=True, fullgraph=True)


def _compile(arguments: tuple[Any, ...]) -> None:
    import torch._dynamo

    try:
        with torch._dynamo.config.patch(recompile_limit=_KERNELS_AT_MOST):
            _kernel()(*arguments)
    except Exception as error:  # the compiler's own errors have no common class
        words = " ".join(str(error).split())[:200]
        raise CompilerError(f"{type(error).__name__}: {words}") from error


def _as_tensors(values: tuple[Scalar | None, ...]) -> list[Any]:
    floats = [value for value in values if isinstance(value, (int, float))]
    tensors = iter(torch.tensor(floats, dtype=torch.float64).unbind())
    return [next(tensors) if isinstance(value, (int, float)) else value for value in values]
