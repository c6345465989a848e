"""The cost of a reproduction in hours, and the cases that fit into a number of hours."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from benchmark.context import Stack
from benchmark.estimates import Durations
from benchmark.paper.cases import Case, why_not_yet
from benchmark.paper.plan import Known, Plan
from benchmark.spec import Trial
from benchmark.stacked.packs import packs_of, seconds_saved

# Seconds of a trial over those of the table: measured on the MLP, with 10 pairs of history.
_FACTORS = {"torch.optim.LBFGS": 2.5}


@dataclass(frozen=True, kw_only=True)
class Pace:
    """Processes at once, stacks and records: the time of trials depends on them.

    Args:
        at_once: A function that returns the number of processes at once on a device.
        stack: Which trials train in packs, as in `packs_of`.
        known: The costs on record, whose trials take no time; None for no records.
    """

    at_once: Callable[[str], int]
    stack: Stack = "auto"
    known: Known | None = None


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


def hours(trials: Sequence[Trial], pace: Pace) -> float:
    """Return the estimated hours of trials, those of one device after those of another."""
    by_device: dict[str, list[Trial]] = {}
    for trial in trials:
        by_device.setdefault(trial.accelerator, []).append(trial)
    return math.fsum(_hours_on_one(own, pace) for own in by_device.values())


def _hours_on_one(trials: Sequence[Trial], pace: Pace) -> float:
    at_once = pace.at_once(trials[0].accelerator)
    packs = packs_of(trials, pace.stack, at_once=at_once, free_bytes=math.inf)
    seconds = math.fsum(map(_seconds, trials)) - seconds_saved(packs, _seconds)
    return seconds / at_once / 3600


def _seconds(trial: Trial) -> float:
    factor = _FACTORS.get(trial.optimizer.name, 1.0)
    return factor * Durations(()).estimate_seconds(trial)


def hours_of(plan: Plan, cases: Sequence[Case], pace: Pace) -> float:
    """Return the estimated hours of those trials of some cases that have no costs yet."""
    return hours(_expected(plan, cases, pace), pace)


def _expected(plan: Plan, cases: Sequence[Case], pace: Pace) -> list[Trial]:
    return replace(plan, cases=tuple(cases)).expected(pace.known)


def fitting(
    plan: Plan, pace: Pace, unavailable: Iterable[tuple[str, str]] = ()
) -> tuple[Plan, list[LeftOut]]:
    """Return the plan of the cases that can be run here within the hours of its extent.

    They are taken in their order, each if the whole still fits. So a long one does not keep out
    shorter ones behind it, and what is on record takes no time and needs no data.

    Args:
        plan: The plan of all cases.
        pace: Processes at once, stacks, and the costs on record.
        unavailable: Problems whose data are not here, each with the reason.

    Returns:
        The plan, and the cases that are left out.
    """
    lacking, left_out = dict(unavailable), list[LeftOut]()
    taken: list[Case] = []
    for case in plan.cases:
        reason = why_not_yet(case)
        if reason:
            left_out.append(LeftOut(case=case, reason=f"cannot be run yet: {reason}"))
        elif case.training.problem in lacking and _expected(plan, [case], pace):
            left_out.append(LeftOut(case=case, reason=lacking[case.training.problem]))
        elif not _fits(plan, [*taken, case], pace):
            alone = hours_of(plan, [case], pace)
            reason = f"would exceed {plan.extent.hours:g} h"
            left_out.append(LeftOut(case=case, reason=reason, hours=alone))
        else:
            taken.append(case)
    return replace(plan, cases=tuple(taken)), left_out


def _fits(plan: Plan, cases: Sequence[Case], pace: Pace) -> bool:
    most = plan.extent.hours
    return math.isinf(most) or hours_of(plan, cases, pace) <= most
