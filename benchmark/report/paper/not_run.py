"""The section on what is left to run, with its hours and its commands."""

from collections.abc import Sequence
from dataclasses import replace

from benchmark.paper.cases import Case, cases_of, why_not_yet
from benchmark.paper.cost import Pace, hours_of
from benchmark.paper.plan import EXTENTS
from benchmark.report.markdown_text import as_cell, fenced, raw_table
from benchmark.report.paper.found import Reproduction
from benchmark.report.words import duration_words

_WORKERS = 2  # for estimates of time, as on a small laptop


def not_run(found: Reproduction) -> list[str]:
    """Return the section of the cases with trials to run: hours and command of each figure."""
    asked = {verdict.claim.name for verdict in found.verdicts}
    able = [each for each in cases_of(found.plan.rules) if not why_not_yet(each)]
    every = [each for each in able if each.claim.name in asked]
    lacking = [each for each in found.plan.cases if found.plan.lacks(each, found.known)]
    left = {each.claim.name for each in lacking if each.variant is None}
    rows, commands = [], []
    for experiment in found.plan.rules.experiments:
        cases = [each for each in every if each.experiment.name == experiment.name]
        new = [each for each in cases if each.claim.name in left]
        claims = [each for each in new if each.variant is None]
        others = [each for each in cases if each.claim.name not in left]
        variants = [each for each in others if each.variant and each in lacking]
        own = [(_names(some), "claims", some) for some in _of_equal_length(claims)]
        if variants:
            names = {each.claim.name for each in variants}
            whole = [each for each in cases if each.claim.name in names]
            own.append((f"variants of {_names(variants)}", "full", whole))
        both = "these claims with all their variants"
        own += [(both, "full", new)] if len(new) > len(claims) else []
        for name, scale, some in own:
            on_cpu = found.plan.accelerators.get(experiment.name, "cpu") == "cpu"
            hours = _hours(found, some) + " on a CPU" * (not on_cpu)
            rows.append([as_cell(experiment.figure), as_cell(name), hours])
            commands.append(_command(some, scale))
    if not rows:
        return []
    return [
        "## Not run",
        f"Estimated time with {_WORKERS} workers on a laptop, and the commands in the same order. "
        "All trials of a command count, those on record too: they are read, not trained again, "
        "after `python -m benchmark restore docs/paper/fig2b.parquet --results results/paper-adam` "
        "for example. A figure that was trained on a GPU goes on with its records on one only, in "
        "less time; without them it starts anew on a CPU.",
        raw_table(["figure", "what is left to run", "time"], rows),
        fenced(commands),
    ]


def _names(cases: Sequence[Case]) -> str:
    return ", ".join(dict.fromkeys(case.claim.name for case in cases))


def _hours(found: Reproduction, cases: Sequence[Case]) -> str:
    """Return the time of all trials of some cases on a CPU."""
    whole = replace(found.plan, extent=EXTENTS["full"], accelerators={})
    return duration_words(3600 * hours_of(whole, cases, Pace(at_once=lambda _: _WORKERS)))


def _of_equal_length(claims: Sequence[Case]) -> list[list[Case]]:
    """Return the claims in groups whose trials have as many epochs, which share most of them."""
    groups: dict[int, list[Case]] = {}
    for each in claims:
        groups.setdefault(max(each.epochs("tuning"), each.epochs("evaluation")), []).append(each)
    return list(groups.values())


def _command(cases: Sequence[Case], scale: str) -> str:
    names = ",".join(dict.fromkeys(case.claim.name for case in cases))
    return f"python -m benchmark paper adam --claims {names} --scale {scale}"
