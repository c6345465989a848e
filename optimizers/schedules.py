"""Learning-rate schedules: one factor for each step, equal for all optimizers."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, Literal, get_args

Kind = Literal["constant", "1/sqrt(t)", "cosine", "1/sqrt(epoch)"]
ALIASES: dict[str, Kind] = {  # they need no quotes in a shell
    "inverse_sqrt": "1/sqrt(t)",
    "inverse_sqrt_epoch": "1/sqrt(epoch)",
}


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """The factor of the learning rate at step t, counted from 1.

    Args:
        kind: ``constant``; ``1/sqrt(t)``, as in section 6.1 of the Adam paper; ``1/sqrt(epoch)``,
            the same with t the number of the epoch, 1 in the first; ``cosine`` down to zero after
            the last step (Loshchilov & Hutter, "SGDR", ICLR 2017, without restarts).
        warmup: Length of the linear rise at the start: a number of steps if 1 or more, otherwise a
            share of all steps. The factor of `kind` multiplies it; cosine begins after it.
    """

    kind: Kind = "constant"
    warmup: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", ALIASES.get(self.kind, self.kind))
        if self.kind not in get_args(Kind):
            known = ", ".join([*get_args(Kind), *ALIASES])
            raise ValueError(f"unknown schedule {self.kind!r}. Known: {known}")
        is_number = isinstance(self.warmup, (int, float)) and not isinstance(self.warmup, bool)
        if not (is_number and 0 <= self.warmup < math.inf):
            raise ValueError(
                f"warmup: expected steps, or a part of all below 1, got {self.warmup!r}"
            )

    @property
    def constant(self) -> bool:
        """Return whether the factor is always 1."""
        return self.kind == "constant" and not self.warmup

    def factor(self, t: int, total: int, *, epoch_steps: int) -> float:
        """Return the factor of step `t`, counted from 1, out of `total`.

        Args:
            t: Number of the step.
            total: Number of all steps.
            epoch_steps: Number of steps in an epoch.

        >>> Schedule(kind="1/sqrt(t)").factor(4, 100, epoch_steps=10)
        0.5
        >>> Schedule(kind="1/sqrt(epoch)").factor(31, 100, epoch_steps=10)
        0.5
        >>> [Schedule(kind="cosine", warmup=2).factor(t, 4, epoch_steps=4) for t in (1, 2, 3, 4)]
        [0.5, 1.0, 1.0, 0.5]
        """
        warmup = self.warmup if self.warmup >= 1 else self.warmup * total
        rise = min(1.0, t / warmup) if warmup else 1.0
        if self.kind == "1/sqrt(t)":
            return rise / math.sqrt(t)
        if self.kind == "1/sqrt(epoch)":
            return rise / math.sqrt(-(-t // epoch_steps))
        if self.kind == "cosine":
            progress = max(0.0, t - 1 - warmup) / max(1.0, total - warmup)
            return rise * 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
        return rise


class BaseRates:
    """The learning rates of an optimizer before the schedule's factor, one for each group.

    A group that the optimizer adds later has the rate with which it is added as its own.

    Args:
        groups: The optimizer's parameter groups before the first step.
    """

    def __init__(self, groups: Sequence[Mapping[str, Any]]) -> None:
        self._groups = list(groups)
        self._rates: list[Any] = [group.get("lr") for group in groups]

    def scale(self, groups: Sequence[dict[str, Any]], factor: float) -> None:
        """Set the learning rates of the present groups to `factor` times their own.

        Raises:
            ValueError: the learning rate of a group is no number.
        """
        if len(groups) != len(self._groups):
            self._follow(groups)
        for group, rate in zip(groups, self._rates, strict=True):
            try:
                group["lr"] = rate * factor
            except TypeError:
                raise ValueError(why_not_scheduled(group) or f"cannot scale lr={rate!r}") from None

    def _follow(self, groups: Sequence[Mapping[str, Any]]) -> None:
        known = {id(group): rate for group, rate in zip(self._groups, self._rates, strict=True)}
        self._rates = [known.get(id(group), group.get("lr")) for group in groups]
        self._groups = list(groups)


def why_not_scheduled(group: Mapping[str, Any]) -> str:
    """Return why no schedule can act on a parameter group, "" if one can.

    >>> why_not_scheduled({"lr": None})
    'a schedule needs a number as lr, and it is None'
    """
    if "lr" not in group:
        return "a schedule needs a learning rate, and it has no 'lr'"
    rate = group["lr"]
    is_number = isinstance(rate, Real) and not isinstance(rate, bool)
    if is_number or hasattr(rate, "ndim"):  # a tensor
        return ""
    return f"a schedule needs a number as lr, and it is {rate!r}"
