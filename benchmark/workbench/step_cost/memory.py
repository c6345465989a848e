"""How many bytes an optimizer needs, as torch's allocators count them, and how many are free."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer
from torch.profiler import ProfilerActivity, profile

from benchmark.workbench.step_cost.costs import MemoryUse
from benchmark.workbench.step_cost.modes import START_STEPS
from benchmark.workbench.step_cost.tensors import Tensors
from optimizers.state import state_tensors


def measure_memory(build: Callable[[list[nn.Parameter]], Optimizer], tensors: Tensors) -> MemoryUse:
    """Return what the optimizer holds after its first steps, and at most during the next.

    Args:
        build: Builds the optimizer.
        tensors: Makes its parameters; under observation, because an optimizer may let go of their
            memory and keep them in its own.
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
    """Return what a step must move: parameters and state read and written, gradients read.

    Counters, which are 0-d, are left out.
    """
    state = sum(tensor.nbytes for tensor in state_tensors(optimizer) if tensor.ndim > 0)
    return sum(3 * param.nbytes for param in params) + 2 * state


def free_bytes(device: torch.device) -> int | None:
    """Return how much memory is free, None where the system does not say."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    info, group = Path("/proc/meminfo"), Path("/sys/fs/cgroup")
    if not info.exists():
        return None
    [line] = [line for line in info.read_text().splitlines() if line.startswith("MemAvailable")]
    free = int(line.split()[1]) * 1024
    limit = group / "memory.max"  # of the container that this process may be in
    if limit.exists() and limit.read_text().strip() != "max":
        free = min(free, int(limit.read_text()) - int((group / "memory.current").read_text()))
    return free


def _observed_on_cpu(work: Callable[[], Any]) -> tuple[Any, int, int]:
    """Return the result of `work`, the bytes it left allocated, and the most at any moment."""
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
    """Keep from the screen what the profiler's library writes to stderr past Python."""
    screen = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(screen, 2)
        os.close(screen)
        os.close(nowhere)
