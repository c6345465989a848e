"""Checks of the targets that a user gives a report."""

from collections.abc import Mapping, Sequence

from benchmark.analysis.frame import Frames
from benchmark.errors import UsageError
from benchmark.metrics import Unit, has_direction
from benchmark.problems import knows_unit, problem_and_metric, unit_on
from benchmark.report.words import together


def check_targets(targets: Mapping[str, float], frames: Frames) -> None:
    """Check targets by metric, or by ``problem:metric``.

    Raises:
        UsageError: no trial has the problem or the metric of a target, or one target is for
            problems whose metric has different units.
    """
    given, measured = [problem_and_metric(key) for key in targets], frames.metrics
    if lacking := [name for _, name in given if name not in measured]:
        raise UsageError(
            f"--target: no trial here has {together(lacking)}. "
            f"Measured: {', '.join(filter(has_direction, measured)) or 'nothing'}"
        )
    problems = frames.trials["problem"].unique(maintain_order=True).to_list()
    for problem, metric in given:
        if problem:
            _check_problem(problem, metric, frames)
        else:
            own = {each for each, name in given if name == metric}
            _check_units(metric, [each for each in problems if each not in own])


def _check_problem(problem: str, metric: str, frames: Frames) -> None:
    """Raise a UsageError if no trial is of a problem, or none of them has the metric."""
    trials = frames.trials.filter(problem=problem)
    if trials.is_empty():
        known = frames.trials["problem"].unique(maintain_order=True)
        raise UsageError(
            f"--target {problem}:{metric}: no trial here is of {problem}. "
            f"Problems: {', '.join(known)}"
        )
    if metric not in trials.columns or not trials[metric].is_not_null().any():
        raise UsageError(f"--target {problem}:{metric}: no trial of {problem} has {metric}")


def _check_units(metric: str, problems: Sequence[str]) -> None:
    """Raise a UsageError if the metric has several units; unknown ones are those of the others."""
    units: dict[Unit, str] = {}
    for each in problems:
        if knows_unit(metric, each):
            units.setdefault(unit_on(metric, [each]), each)
    if len(units) > 1:
        found = ", ".join(f"{unit.words or 'none'} on {each}" for unit, each in units.items())
        raise UsageError(
            f"--target {metric}: its unit differs here ({found}): give a target for each "
            f"problem, such as --target {problems[0]}:{metric}=VALUE"
        )
