"""Execution of a `Motion` as one kernel that `torch.compile` makes of its rule.

All scalars are passed as one 64-bit tensor, so neither a schedule nor the step number causes a
recompilation. Sizes are dynamic, so one kernel serves all parameters; where one call moves several
parameters, it serves all with equal sizes at the same places.
"""

from collections.abc import Callable, Hashable, Sequence
from functools import cache
from types import FunctionType
from typing import Any

import torch
from torch import Tensor

from optimizers.errors import CompilerError
from optimizers.motion import Motion, Moved, Rule, Scalar, move, run_plain

_ADVICE = "Set TORCHDYNAMO_VERBOSE"  # on debugging torch's compiler
_OPTIONS: dict[str, Any] = {
    "compile_threads": 1
}  # otherwise torch starts a pool of processes for one kernel
_SMALLEST = 16  # elements; torch compiles a kernel of its own for a size of 0 or 1


def run_compiled(motion: Motion, moved: Sequence[Moved]) -> None:
    """Move flat tensors of shape (elements,), of one type on one device, by a compiled kernel.

    Without a kernel go tiny ones, and those whose state has another type, which a kernel would
    silently convert where the rule raises torch's error.

    Raises:
        CompilerError: there is no working compiler.
    """
    run_plain(motion, [each for each in moved if not _has_kernel(each)])
    fit = [each for each in moved if _has_kernel(each)]
    if fit:
        _run(motion, fit)


def _has_kernel(moved: Moved) -> bool:
    x, _, state = moved
    return x.numel() >= _SMALLEST and all(s is None or s.dtype == x.dtype for s in state)


def _run(motion: Motion, moved: Sequence[Moved]) -> None:
    given = motion.l2 is not None, motion.keep is not None
    decays = [value for value in (motion.l2, motion.keep) if value is not None]
    x, _, state = moved[0]
    # A GPU's kernel cannot read the processor's memory. The copy waits for no earlier kernel.
    scalars = _as_tensor((*decays, *motion.scalars)).to(x.device, non_blocking=True)
    arguments = motion.rule, moved, scalars, motion.maximize, *given
    sizes = [each[0].numel() for each in moved]
    pattern = tuple(map(sizes.index, sizes)), tuple(s is None for s in state)
    variant = motion.rule, motion.maximize, given, x.dtype, x.device, pattern, scalars.device
    if variant in _compiled:
        _kernel(variant)(*arguments)
        return
    try:
        _kernel(variant)(*arguments)
    except (MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:  # the compiler's own errors have no common class
        words = " ".join(str(error).partition(_ADVICE)[0].split())[:200]
        raise CompilerError(f"{type(error).__name__}: {words}") from error
    _compiled.add(variant)


_compiled: set[Hashable] = set()


def _step(
    rule: Rule,
    moved: Sequence[Moved],
    scalars: Tensor,
    maximize: bool,
    has_l2: bool,
    has_keep: bool,
) -> None:
    values = list(scalars.unbind())
    l2 = values.pop(0) if has_l2 else None
    keep = values.pop(0) if has_keep else None
    for x, g, state in moved:
        move(rule, x, g, state, tuple(values), maximize, l2, keep)


@cache
def _kernel(variant: Hashable) -> Callable[..., None]:
    """Return a function that compiles itself at its first call.

    Each variant is a function with its own code object, because torch.compile keeps at most 8
    compiled forms of one code object per process.
    """
    own = FunctionType(_step.__code__.replace(), _step.__globals__, _step.__name__)
    return torch.compile(own, dynamic=True, fullgraph=True, options=_OPTIONS)


def _as_tensor(values: tuple[Scalar, ...]) -> Tensor:
    """Return 64-bit numbers, (scalars,), on the device of those scalars that are tensors."""
    tensors = [value for value in values if isinstance(value, Tensor)]
    if not tensors:
        return torch.tensor(values, dtype=torch.float64, device="cpu")
    like = tensors[0]
    parts = [torch.as_tensor(v, dtype=torch.float64, device=like.device) for v in values]
    return torch.stack(parts)
