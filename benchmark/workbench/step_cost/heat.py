"""The run of a heat: one optimizer on one shape, in all modes, in turn with rivals and a copy."""

import gc
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch.optim import Optimizer

from benchmark.errors import UsageError
from benchmark.workbench.step_cost.contestants import Contestant, contestants
from benchmark.workbench.step_cost.costs import Cost, Heat
from benchmark.workbench.step_cost.memory import free_bytes, measure_memory, rule_bytes
from benchmark.workbench.step_cost.modes import OWN_MODES, START_STEPS
from benchmark.workbench.step_cost.notes import noting, one_line
from benchmark.workbench.step_cost.shapes import Shape
from benchmark.workbench.step_cost.tensors import Tensors
from benchmark.workbench.step_cost.windows import WINDOW_SECONDS, time_in_turn
from optimizers.spec import OptimizerSpec

_WINDOW_ELSEWHERE = 0.03  # long against the time in which the first step reaches the device


def run_heat(
    spec: OptimizerSpec,
    shape: Shape,
    *,
    seconds: float,
    device: str = "cpu",
    modes: Sequence[str] = OWN_MODES,
    watch: Callable[[str], object] = lambda doing: None,
    clock: Callable[[], float] = time.perf_counter,
) -> Heat:
    """Time `spec` on `shape`, with each contestant on its own copy of the same parameters.

    Args:
        spec: The optimizer to time.
        shape: The parameter tensors.
        seconds: Approximate time for all turns, without building, compiling and measuring memory.
        device: ``cpu`` or ``cuda``.
        modes: Modes to time, for a class that takes ``execution``.
        watch: Called with a description of each stage.
        clock: Returns the time in seconds; `time.thread_time` leaves out what other work takes, and
            is right on a CPU with one thread.

    Raises:
        UsageError: the heat does not fit in memory.
    """
    check_fits(spec, shape, device=device, modes=modes)
    _forget_compiled()
    tensors = Tensors(shape, torch.device(device))
    field = contestants(spec, modes)
    entrants = []
    for contestant in field:
        watch(f"first steps of {contestant.optimizer} {contestant.mode}")
        entrants.append(_start(contestant, tensors))
    watch(f"{len(entrants)} in turn")
    heat = _time(spec, shape, tensors, entrants, seconds, clock)
    entrants.clear()
    gc.collect()  # frees memory for the measurement of memory
    costs = []
    for contestant, cost in zip(field, heat.costs, strict=True):
        watch(f"memory of {contestant.optimizer} {contestant.mode}")
        costs.append(cost if cost.failure else _with_memory(cost, contestant, tensors))
    return replace(heat, costs=tuple(costs))


def check_fits(
    spec: OptimizerSpec, shape: Shape, *, device: str = "cpu", modes: Sequence[str] = OWN_MODES
) -> None:
    """Raise UsageError if the heat may need more memory than is free."""
    num_contestants = len(contestants(spec, modes))
    num_bytes = sum(tensor.nbytes for tensor in shape.make())
    # Each contestant has parameters and two moments; gradients, the copy and a step come on top.
    needed = (3 * num_contestants + 8) * num_bytes
    free = free_bytes(torch.device(device))
    if free is not None and needed > free:
        raise UsageError(
            f"{spec.label} on {shape.name}: its {num_contestants} contestants may need "
            f"{needed / 1e9:.1f} GB and {free / 1e9:.1f} GB are free. Give fewer --modes or a "
            "smaller shape"
        )


@dataclass(frozen=True, kw_only=True)
class _Entrant:
    """A contestant that has taken its first steps, with its cost so far."""

    cost: Cost
    optimizer: Optimizer | None
    rule_bytes: int = 0


def _start(contestant: Contestant, tensors: Tensors) -> _Entrant:
    cost = Cost(optimizer=contestant.optimizer, mode=contestant.mode, is_rival=contestant.is_rival)
    params = tensors.params()
    tensors.synchronize()
    with noting() as notes:
        started = time.perf_counter()
        try:
            optimizer = contestant.build(params)
            for _ in range(START_STEPS):
                optimizer.step()
            tensors.synchronize()
        except Exception as error:  # a user's optimizer may raise anything
            return _Entrant(
                cost=replace(cost, failure=one_line(str(error)) or type(error).__name__),
                optimizer=None,
            )
        seconds = time.perf_counter() - started
    return _Entrant(
        cost=replace(cost, start_seconds=seconds, notes=tuple(notes)),
        optimizer=optimizer,
        rule_bytes=rule_bytes(params, optimizer),
    )


def _time(
    spec: OptimizerSpec,
    shape: Shape,
    tensors: Tensors,
    entrants: list[_Entrant],
    seconds: float,
    clock: Callable[[], float],
) -> Heat:
    heat = Heat(
        shape=shape.name,
        optimizer=spec.label,
        num_tensors=tensors.num_tensors,
        num_params=tensors.num_params,
        device=_name(tensors.device),
        threads=torch.get_num_threads(),
        costs=tuple(entrant.cost for entrant in entrants),
    )
    optimizers = [entrant.optimizer for entrant in entrants if entrant.optimizer is not None]
    if not optimizers:
        return heat
    moved = min(entrant.rule_bytes for entrant in entrants if entrant.optimizer is not None)
    touched = (moved + tensors.num_bytes) // 2  # gradients move once, the rest twice
    steps = [optimizer.step for optimizer in optimizers]
    on_cpu = tensors.device.type == "cpu"
    *rounds, copies = time_in_turn(
        [*steps, tensors.copy(touched)],
        seconds,
        tensors.synchronize,
        clock=clock,
        window_seconds=WINDOW_SECONDS if on_cpu else _WINDOW_ELSEWHERE,
    )
    taken = iter(rounds)
    costs = [e.cost if e.cost.failure else replace(e.cost, seconds=next(taken)) for e in entrants]
    return replace(
        heat, rule_bytes=moved, copy_bytes=touched, copy_seconds=copies, costs=tuple(costs)
    )


def _with_memory(cost: Cost, contestant: Contestant, tensors: Tensors) -> Cost:
    with noting():  # the notes have these warnings already
        return replace(cost, memory=measure_memory(contestant.build, tensors))


def _forget_compiled() -> None:
    # Code compiled for another shape would be generalised to this one, and be slower.
    if "torch._dynamo" in sys.modules:
        torch.compiler.reset()


def _name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
