"""The cost of a reproduction in hours, and the cases that fit into a number of hours."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from benchmark.context import Stack
from benchmark.estimates import Durations
from benchmark.paper.plan import Case, Plan, why_not_yet
from benchmark.spec import Trial
from benchmark.stacked.packs import packs_of, seconds_saved

# Seconds of a trial over those of the table: measured on the MLP, with 10 pairs of history.
_FACTORS = {"torch.optim.LBFGS": 2.5}


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """A case that is not carried out.

    Args:
        case: The case.
        reason: One line for the plan, such as "would exceed 1 h".
        hours: Hours that it would take by itself; None if it cannot be run.
    """

    case: Case
    reason: str
    hours: float | None = None


def hours(trials: Sequence[Trial], workers: int, stack: Stack = "auto") -> float:
    """Return the estimated hours of trials, some of which train in packs.

    Args:
        trials: The trials.
        workers: Number of processes at once.
        stack: Which trials train in packs, as in `packs_of`.
    """
    seconds = _seconds
    packs = packs_of(trials, stack, at_once=workers, free_bytes=math.inf)
    return (math.fsum(map(seconds, trials)) - seconds_saved(packs, seconds)) / workers / 3600


def _seconds(trial: Trial) -> float:
    factor = _FACTORS.get(trial.optimizer.name, 1.0)
    return factor * Durations(()).estimate_seconds(trial)


def fitting(
    plan: Plan,
    workers: int,
    unavailable: Iterable[tuple[str, str]] = (),
    stack: Stack = "auto",
) -> tuple[Plan, list[LeftOut]]:
    """Return the plan of the cases that can be run here within the hours of its extent.

    They are taken in their order, each if the whole still fits. So a long one does not keep out
    shorter ones behind it.

    Args:
        plan: The plan of all cases.
        workers: Number of processes at once.
        unavailable: Problems whose data are not here, each with the reason.
        stack: As in `hours`.

    Returns:
        The plan, and the cases that are left out.
    """
    lacking, left_out = dict(unavailable), list[LeftOut]()
    taken: list[Case] = []
    for case in plan.cases:
        reason = why_not_yet(case)
        if reason:
            left_out.append(LeftOut(case=case, reason=f"cannot be run yet: {reason}"))
        elif case.training.problem in lacking:
            left_out.append(LeftOut(case=case, reason=lacking[case.training.problem]))
        elif _hours(plan, [*taken, case], workers, stack) > plan.extent.hours:
            alone = _hours(plan, [case], workers, stack)
            reason = f"would exceed {plan.extent.hours:g} h"
            left_out.append(LeftOut(case=case, reason=reason, hours=alone))
        else:
            taken.append(case)
    return _with(plan, taken), left_out


def _hours(plan: Plan, cases: Sequence[Case], workers: int, stack: Stack) -> float:
    if math.isinf(plan.extent.hours):
        return 0.0  # nothing is left out, whatever it costs
    return hours(_with(plan, cases).expected(), workers, stack)


def _with(plan: Plan, cases: Sequence[Case]) -> Plan:
    return replace(plan, cases=tuple(cases))
