"""What is printed of a reproduction before its start: trials, hours, and what is left out."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmark.paper.cases import Case
from benchmark.paper.cost import LeftOut, Pace, hours, hours_of
from benchmark.paper.plan import Plan
from benchmark.report.words import counted, duration_words
from benchmark.spec import Trial


def forecast(plan: Plan, left_out: Sequence[LeftOut], pace: Pace, results: Path) -> list[str]:
    """Return the lines that are printed before the start."""
    trials = plan.expected(pace.known)
    claims = [case for case in plan.cases if case.variant is None]
    variants = len(plan.cases) - len(claims)
    done = len(plan.expected()) - len(trials)
    has_grids = any(case.rate is None for case in plan.cases)
    lines = [
        f"paper       {plan.rules.paper}",
        f"scale       {plan.extent.name}",
        f"claims      {_names(claims)}",
        f"variants    {variants} of these claims",
        f"trials      {_trials_words(trials, done, pace, has_grids=has_grids)}",
        f"results     {results}",
    ]
    return lines + _undecided_lines(plan, claims) + _left_out_lines(plan, left_out, pace)


def _undecided_lines(plan: Plan, claims: Sequence[Case]) -> list[str]:
    """Return a line on the claims that this plan cannot decide, and why; none if it can all."""
    by_reason: dict[str, list[Case]] = {}
    for case in claims:
        epochs = max(case.epochs("tuning"), case.epochs("evaluation"))
        if plan.extent.epochs < epochs:
            by_reason.setdefault(f"it takes {epochs} epochs", []).append(case)
        elif plan.extent.seeds < case.experiment.seeds:
            by_reason.setdefault(f"it takes {case.experiment.seeds} seeds", []).append(case)
    return [f"no verdict  {_names(cases)}: {reason}" for reason, cases in by_reason.items()]


def _trials_words(trials: Sequence[Trial], done: int, pace: Pace, *, has_grids: bool) -> str:
    """Return how many trials are to run and how long they take; `done` are on record."""
    on_record = f"{done} on record" if done else ""
    if not trials:
        return on_record or "none"
    seconds = hours(trials, pace) * 3600
    devices = dict.fromkeys(trial.accelerator for trial in trials)
    workers = [(counted(pace.at_once(each), "worker"), each) for each in devices]
    words = " and ".join(
        count if device == "cpu" and len(workers) == 1 else f"{count} on the {device}"
        for count, device in workers
    )
    count = f"about {len(trials)} if no grid is widened" if has_grids else f"{len(trials)}"
    time = f"{count}, {duration_words(seconds)} with {words}"
    return "; ".join(filter(None, [time, on_record]))


def _names(cases: Sequence[Case]) -> str:
    return ", ".join(case.words for case in cases) or "none"


def _left_out_lines(plan: Plan, left_out: Sequence[LeftOut], pace: Pace) -> list[str]:
    """Return a line for each reason, with what it keeps out and the hours that it would take."""
    by_reason: dict[str, dict[str, list[LeftOut]]] = {}
    for each in left_out:
        claims = by_reason.setdefault(each.reason, {})
        claims.setdefault(each.case.claim.name, []).append(each)
    lines = []
    for reason, claims in by_reason.items():
        kept_out = "; ".join(_kept_out(plan, each, pace) for each in claims.values())
        lines.append(f"left out    {kept_out}: {reason}")
    return lines


def _kept_out(plan: Plan, some: Sequence[LeftOut], pace: Pace) -> str:
    """Return in words what is left out of a claim: itself, its variants, or both, and the hours."""
    name = some[0].case.claim.name
    variants = counted(sum(each.case.variant is not None for each in some), "variant")
    own = next((each for each in some if each.case.variant is None), None)
    words = f"{variants} of {name}"
    if own:
        words = name if len(some) == 1 else f"{name} with {variants}"
    if some[0].hours is None:
        return words
    whole = duration_words(3600 * hours_of(plan, [each.case for each in some], pace))
    if own and own.hours and len(some) > 1:
        return f"{name} ({duration_words(3600 * own.hours)}, with {variants} {whole})"
    return f"{words} ({whole})"


def forecast_as_json(plan: Plan, left_out: Sequence[LeftOut], pace: Pace) -> dict[str, Any]:
    """Return the same for ``--dry-run --json``."""
    trials = plan.expected(pace.known)
    return {
        "scale": plan.extent.name,
        "cases": [case.words for case in plan.cases],
        "trials": len(trials),
        "hours": round(hours(trials, pace), 6),
        "left out": [
            {"case": each.case.words, "reason": each.reason, "hours": each.hours}
            for each in left_out
        ],
    }
