"""A plan's lines on its optimizers: what is tuned, compared, reused, and has no baseline."""

from collections.abc import Collection, Iterable, Sequence

from benchmark.baselines import PerProblem
from benchmark.declaration import Declaration
from benchmark.obstacles import level_words, more_seeds
from benchmark.plain_text import plain
from benchmark.record import Record
from benchmark.shipped import differences
from benchmark.spec import Cell
from benchmark.study import Study
from optimizers.tunable import Tunable


def settings_words(study: Study, cells: Sequence[Cell]) -> list[str]:
    """Return a line on the optimizers that have tuned settings on some of the problems."""
    labels = {
        each.label: each.source
        for each in study.optimizers
        if isinstance(each, PerProblem) and not all(map(each.why_default, cells))
    }
    source = next(iter(labels.values()), "")
    words = f"settings    as tuned for each problem by the suite ({source}): "
    return [words + ", ".join(labels)] if labels else []


def reuse_words(reused: Collection[Record], source: str) -> list[str]:
    """Return a line on the shipped trials of `source` that are not trained again."""
    if not reused:
        return []
    from benchmark.environment import environment  # starts git

    other = ", ".join(differences(reused, environment()))
    made = f", made with {other}" if other else ", made with the same versions and CPU"
    count = len(reused)
    trials = "1 trial" if count == 1 else f"{count} trials"
    return [f"reused      {trials} of {source}, not trained again{plain(made, 600)}"]


def contestants(study: Study) -> tuple[str, ...]:
    """Return the optimizers and what each of them tunes; empty if all are trained as given."""
    tuned, optimizers = study.tuned, study.optimizers
    if not tuned and any(isinstance(each, PerProblem) for each in optimizers):
        return tuple(each.label for each in optimizers)
    return tuple(_how_tuned(each) for each in (tuned.tunables if tuned else ()))


def defaults_notices(study: Study, cells: Iterable[Cell]) -> list[str]:
    """Return a notice for each problem and reason that optimizers have their defaults."""
    labels: dict[tuple[str, str], dict[str, None]] = {}
    for cell in cells:
        for each in study.optimizers:
            if isinstance(each, PerProblem) and (why := each.why_default(cell)):
                labels.setdefault((cell.workload.problem, why), {})[each.label] = None
    return [
        f"NOTICE: {', '.join(found)} on {problem}: {why}, so untuned defaults are used; "
        "--tune 16 tunes here"
        for (problem, why), found in labels.items()
    ]


def _how_tuned(tunable: Tunable) -> str:
    names = ", ".join(each.name for each in tunable.space.ranges)
    return f"{tunable.label} ({f'tuned over {names}' if names else 'as given'})"


def contest_words(declaration: Declaration) -> list[str]:
    """Return a line on the reference and on all that is compared with it."""
    others = [label for label in declaration.labels if label != declaration.reference]
    compared = f", against {', '.join(others)}" if others else ""
    return [f"reference   {declaration.reference}{compared}"]


def looks_words(declaration: Declaration) -> list[str]:
    """Return a line on the level of verdicts and the second look, if two looks are declared."""
    if declaration.stages == 1:
        return []
    level = f"2 are declared, with verdicts at the level {level_words(declaration.stages)} each"
    if any(each.is_look for each in declaration.deviations):
        return [f"looks       {level}; the first has been made"]
    return [f"looks       {level}; the second is this command with {more_seeds(declaration)}"]
