"""Results of a heat: times, ratios, the limit and the fastest mode, without torch."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class MemoryUse:
    """Bytes that an optimizer needs besides parameters and gradients.

    Args:
        state: Bytes of the tensors in its ``state``.
        kept: Bytes that it holds between two steps, including buffers outside the state.
        peak: Most bytes during a step, including those kept.
    """

    state: int
    kept: int
    peak: int


@dataclass(frozen=True, kw_only=True)
class Cost:
    """The cost of a step in one mode of execution.

    Args:
        optimizer: The optimizer's label.
        mode: The mode of execution.
        is_rival: It is torch's implementation.
        seconds: Seconds per step, one number per round; empty if it failed.
        start_seconds: Seconds to build it and take the first three steps, including compilation.
        memory: Bytes besides parameters and gradients.
        notes: Warnings in the first steps.
        failure: The reason why it could not take a step, in one line.
    """

    optimizer: str
    mode: str
    is_rival: bool
    seconds: tuple[float, ...] = ()
    start_seconds: float | None = None
    memory: MemoryUse | None = None
    notes: tuple[str, ...] = ()
    failure: str = ""

    @property
    def median(self) -> float:
        """Median seconds per step."""
        return statistics.median(self.seconds)

    @property
    def spread(self) -> float:
        """Interquartile range over the rounds, divided by the median."""
        low, middle, high = statistics.quantiles(self.seconds, n=4)
        return (high - low) / middle


@dataclass(frozen=True, kw_only=True)
class Heat:
    """The results of one optimizer on one shape, and of all that took turns with it.

    Args:
        shape: The shape's name.
        optimizer: The optimizer's label.
        num_tensors: Number of the shape's tensors.
        num_params: Number of the shape's elements.
        device: The device's name.
        threads: Number of CPU threads.
        costs: One cost per mode, torch's last.
        rule_bytes: Bytes that a step must move: parameters and state read and written, gradients
            read.
        copy_bytes: Bytes that the copy moves: it reads and writes as much memory as the rule
            touches.
        copy_seconds: Seconds per copy, one number per round; empty if nothing could take a step.
    """

    shape: str
    optimizer: str
    num_tensors: int
    num_params: int
    device: str
    threads: int
    costs: tuple[Cost, ...]
    rule_bytes: int = 0
    copy_bytes: int = 0
    copy_seconds: tuple[float, ...] = ()

    @property
    def own(self) -> list[Cost]:
        """The optimizer's modes that ran; for a class of torch these are its rivals too."""
        ran = [cost for cost in self.costs if not cost.failure]
        return [cost for cost in ran if not cost.is_rival] or (
            self.rivals if all(cost.is_rival for cost in self.costs) else []
        )

    @property
    def rivals(self) -> list[Cost]:
        """Torch's modes that ran."""
        return [cost for cost in self.costs if cost.is_rival and not cost.failure]

    @property
    def copy_bandwidth(self) -> float:
        """Bytes per second that the copy read and wrote."""
        return self.copy_bytes / statistics.median(self.copy_seconds)

    @property
    def limit_seconds(self) -> float:
        """Seconds for a step that moves only `rule_bytes`, at the speed of the copy."""
        return self.rule_bytes / self.copy_bandwidth

    def limit_share(self, cost: Cost) -> float:
        """Return the limit's time divided by that of `cost`; 1 is the best that memory allows."""
        copies = zip(self.copy_seconds, cost.seconds, strict=True)
        share = statistics.median(copy / seconds for copy, seconds in copies)
        return share * self.rule_bytes / self.copy_bytes

    def over_default(self, cost: Cost) -> float | None:
        """Return the time of `cost` divided by that of torch's default; None without a default."""
        defaults = [rival for rival in self.rivals if rival.mode == "default"]
        return ratio(cost, defaults[0]) if defaults else None

    def over_best(self, cost: Cost) -> float | None:
        """Return the time of `cost` divided by that of torch's fastest mode; None without one."""
        return ratio(cost, fastest(self.rivals)) if self.rivals else None


def fastest(costs: Sequence[Cost]) -> Cost:
    """Return the cost with the smallest median time."""
    return min(costs, key=lambda cost: cost.median)


def ratio(cost: Cost, other: Cost) -> float:
    """Return the median over rounds of the ratio of times; a slow round is slow for both."""
    rounds = zip(cost.seconds, other.seconds, strict=True)
    return statistics.median(mine / theirs for mine, theirs in rounds)


def as_json(heat: Heat) -> dict[str, Any]:
    """Return medians, ratios and bytes as a mapping for JSON."""
    return {
        "shape": heat.shape,
        "optimizer": heat.optimizer,
        "num_tensors": heat.num_tensors,
        "num_params": heat.num_params,
        "device": heat.device,
        "threads": heat.threads,
        "rule_bytes": heat.rule_bytes,
        "copy_bytes_per_second": heat.copy_bandwidth if heat.copy_seconds else None,
        "limit_seconds": heat.limit_seconds if heat.copy_seconds else None,
        "modes": [_cost_as_json(heat, cost) for cost in heat.costs],
    }


def _cost_as_json(heat: Heat, cost: Cost) -> dict[str, Any]:
    known: dict[str, Any] = {
        "optimizer": cost.optimizer,
        "mode": cost.mode,
        "is_rival": cost.is_rival,
        "notes": list(cost.notes),
        "failure": cost.failure,
    }
    if cost.failure:
        return known
    assert cost.memory is not None
    return known | {
        "seconds_per_step": cost.median,
        "spread": cost.spread,
        "rounds": len(cost.seconds),
        "over_torch_default": heat.over_default(cost),
        "over_torch_best": heat.over_best(cost),
        "limit_share": heat.limit_share(cost),
        "start_seconds": cost.start_seconds,
        "state_bytes": cost.memory.state,
        "kept_bytes": cost.memory.kept,
        "peak_bytes": cost.memory.peak,
    }
