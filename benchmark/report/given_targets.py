"""Checks of the targets that a user gives a report."""

from collections.abc import Mapping

from benchmark.analysis.frame import Frames
from benchmark.errors import UsageError
from benchmark.metrics import Unit, has_direction
from benchmark.problems import problem_and_metric, unit_on
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
        if problem and problem not in problems:
            raise UsageError(
                f"--target {problem}:{metric}: no trial here is of {problem}. "
                f"Problems: {', '.join(problems)}"
            )
        units: dict[Unit, str] = {}
        for each in problems:
            if not problem and (each, metric) not in given:
                units.setdefault(unit_on(metric, [each]), each)
        if len(units) > 1:
            found = ", ".join(f"{unit.words or 'none'} on {each}" for unit, each in units.items())
            raise UsageError(
                f"--target {metric}: its unit differs here ({found}): give a target for each "
                f"problem, such as --target {problems[0]}:{metric}=VALUE"
            )
