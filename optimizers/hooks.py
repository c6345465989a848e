"""Steps that run torch's hooks and its profiler's marks only where there are any.

`torch.optim.Optimizer` wraps the method `step` of every class at the first instance. Its wrapper
costs a fifth of a packed step even without hooks.
"""

from collections.abc import Callable
from functools import partial, wraps
from typing import Any, TypeVar, cast

import torch
from torch.optim import Optimizer
from torch.optim.optimizer import _global_optimizer_post_hooks, _global_optimizer_pre_hooks

Step = TypeVar("Step", bound=Callable[..., Any])


def with_hooks_on_demand(step: Step) -> Step:
    """Wrap a method `step` in place of torch's wrapper.

    If the optimizer or all optimizers have hooks of steps, or a profiler or a compiler is at work,
    torch's wrapper runs; otherwise `step` runs alone.
    """
    watched = Optimizer.profile_hook_step(step)

    @wraps(step)
    def lean(*args: Any, **kwargs: Any) -> Any:
        if _is_watched(args[0]) and not _runs_hooks_already(args[0]):
            return watched(*args, **kwargs)
        return step(*args, **kwargs)

    lean.hooked = True  # type: ignore[attr-defined]  # torch then adds no wrapper of its own
    return cast(Step, lean)


def step_of(optimizer: Optimizer) -> Callable[..., Any]:
    """Return the method `step` of any optimizer, for one call, without torch's wrapper if it can.

    Torch's wrapper stays where it has something to do, or where something else has wrapped `step`.
    """
    step = getattr(type(optimizer), "step", None)
    is_torchs = getattr(step, "__code__", None) is _TORCHS_WRAPPER
    if not is_torchs or "step" in vars(optimizer) or _is_watched(optimizer):
        return optimizer.step
    return partial(cast(Any, step).__wrapped__, optimizer)


def _is_watched(optimizer: Optimizer) -> bool:
    return bool(
        optimizer._optimizer_step_pre_hooks
        or optimizer._optimizer_step_post_hooks
        or _global_optimizer_pre_hooks
        or _global_optimizer_post_hooks
        or torch._C._autograd._profiler_enabled()
        or torch.compiler.is_compiling()
    )


def _runs_hooks_already(optimizer: Optimizer) -> bool:
    """Return whether torch has wrapped the `step` of a subclass, which has called this one."""
    return getattr(type(optimizer).step, "__code__", None) is _TORCHS_WRAPPER


_TORCHS_WRAPPER = cast(Any, Optimizer.profile_hook_step(_is_watched)).__code__
