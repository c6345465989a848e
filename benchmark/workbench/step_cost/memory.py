"""Measurement of an optimizer's memory by torch's allocators, and of free memory."""

import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer
from torch.profiler import ProfilerActivity, profile

from benchmark.free_memory import free_memory
from benchmark.workbench.step_cost.costs import MemoryUse
from benchmark.workbench.step_cost.modes import START_STEPS
from benchmark.workbench.step_cost.tensors import Tensors
from optimizers.state import state_tensors


def measure_memory(build: Callable[[list[nn.Parameter]], Optimizer], tensors: Tensors) -> MemoryUse:
    """Return the bytes that the optimizer holds after its first steps, and its peak in the next.

    Args:
        build: Builds the optimizer.
        tensors: Makes its parameters. Their memory is counted too, because an optimizer may free it
            and keep the parameters in its own buffers.
    """
    observe = _observed_on_cpu if tensors.device.type == "cpu" else _observed_on_gpu

    def begin() -> tuple[list[nn.Parameter], Optimizer]:
        params = tensors.params()
        optimizer = build(params)
        for _ in range(START_STEPS):
            optimizer.step()
        return params, optimizer

    (_params, optimizer), total, _ = observe(begin)
    kept = total - tensors.num_bytes
    _, _, rise = observe(optimizer.step)
    state = sum(tensor.nbytes for tensor in state_tensors(optimizer))
    return MemoryUse(state=state, kept=kept, peak=kept + rise)


def rule_bytes(params: list[nn.Parameter], optimizer: Optimizer) -> int:
    """Return the bytes a step must move: parameters and state read and written, gradients read.

    Counters, which are 0-d tensors, are left out.
    """
    state = sum(tensor.nbytes for tensor in state_tensors(optimizer) if tensor.ndim > 0)
    return sum(3 * param.nbytes for param in params) + 2 * state


def free_bytes(device: torch.device) -> int | None:
    """Return the number of free bytes; None if the system does not report it."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    free = free_memory()
    return None if math.isinf(free) else int(free)


def _observed_on_cpu(work: Callable[[], Any]) -> tuple[Any, int, int]:
    """Return the result of `work`, the bytes that it left allocated, and its peak."""
    with (
        _silenced_profiler(),
        profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen,
    ):
        result = work()
    total = highest = 0
    for event in seen.profiler.kineto_results.events():
        if event.name() == "[memory]":
            total += event.nbytes()
            highest = max(highest, total)
    return result, total, highest


def _observed_on_gpu(work: Callable[[], Any]) -> tuple[Any, int, int]:
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    result = work()
    torch.cuda.synchronize()
    total = torch.cuda.memory_allocated() - before
    return result, total, torch.cuda.max_memory_allocated() - before


@contextmanager
def _silenced_profiler() -> Iterator[None]:
    """Silence the profiler's library, which writes directly to the file descriptor of stderr."""
    screen = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(screen, 2)
        os.close(screen)
        os.close(nowhere)
