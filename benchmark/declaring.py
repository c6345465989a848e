"""When ``study.toml`` is written: before the first trial, at a change, and when a search has ended.

If a study is run again with other problems, optimizers, spaces, budgets or seeds, it continues, and
the file records the change as a dated deviation, which reports list. When the tuning of a problem
has ended, the chosen hyperparameters and the margin of equivalence are added before the first
evaluation trial.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from msgspec import structs

from benchmark.declaration import (
    FILE,
    Chosen,
    Declaration,
    Deviation,
    now,
    read_declaration,
    write_declaration,
)
from benchmark.declared_changes import changes_between
from benchmark.errors import UsageError
from benchmark.margins import MarginBasis
from benchmark.plain_text import plain

LOCK = ".study.lock"
_LONGEST_WAIT_SECONDS = 60.0  # for another process, which holds the lock for one small write


def declared(
    folder: Path, asked: Declaration, purposes: Callable[[], Sequence[str]]
) -> tuple[Declaration, tuple[str, ...]]:
    """Declare a study in its folder, or note how it now differs from what was declared.

    Processes that share the study do so one after the other, so that each change is kept.

    Args:
        folder: The study's folder, which is made.
        asked: The declaration of the study as it is asked for now.
        purposes: Function that returns the purposes of the trials with a result; called only if
            something changed.

    Returns:
        The declaration now in the file, and the changes in words; none for a new study.

    Raises:
        UsageError: the file is damaged.
        OSError: the file cannot be written.
    """
    found = read_declaration(folder)
    if found is not None and not changes_between(found, _with_all_of(found, asked)):
        return found, ()
    known = purposes()
    with _alone(folder):
        found = read_declaration(folder)
        if found is None:
            first = asked.reference or next(iter(asked.labels), "")
            asked = structs.replace(asked, reference=first, stages=asked.stages or 1)
            write_declaration(folder, asked)
            return asked, ()
        asked = _with_all_of(found, asked)
        changes = tuple(changes_between(found, asked))
        if not changes:
            return found, ()
        deviation = Deviation(
            at=asked.at,
            what=list(changes),
            records=len(known),
            evaluated=known.count("evaluation"),
        )
        merged = _merged(found, asked, [deviation] if known else [])
        write_declaration(folder, merged)
        return merged, changes if known else ()


def spoiling(
    folder: Path, asked: Declaration, purposes: Callable[[], Sequence[str]]
) -> tuple[str, ...]:
    """Return the changes for which the study in `folder` would give no verdicts any more.

    These are changes after results were seen, except seeds for a second look that was declared.

    Args:
        folder: The study's folder; without a declaration there are no changes.
        asked: The declaration of the study as it is asked for now.
        purposes: Function that returns the purposes of the trials with a result.

    Raises:
        UsageError: the file is damaged.
    """
    found = read_declaration(folder)
    changes = () if found is None else tuple(changes_between(found, _with_all_of(found, asked)))
    if found is None or not changes:
        return ()
    known = list(purposes())
    deviation = Deviation(
        at="", what=list(changes), records=len(known), evaluated=known.count("evaluation")
    )
    is_declared = (found.stages or 1) > 1 and deviation.only_adds_seeds
    is_second = not any(each.is_look for each in found.deviations)
    return changes if deviation.is_look and not (is_declared and is_second) else ()


def other_problems(
    folder: Path, asked: Declaration, purposes: Callable[[], Sequence[str]]
) -> tuple[str, ...]:
    """Return the change of problems if some are new and others left out after results were seen.

    Args and errors are those of `spoiling`.
    """
    found = read_declaration(folder)
    if found is None or found.problems.keys() <= asked.problems.keys():
        return ()
    if asked.problems.keys() <= found.problems.keys() or "evaluation" not in purposes():
        return ()
    return (f"problems: {', '.join(found.problems)}, now {', '.join(asked.problems)}",)


def _merged(found: Declaration, asked: Declaration, new: Sequence[Deviation]) -> Declaration:
    """Return `asked` with the parts of `found` that still hold, and with `new` deviations."""
    margins = _margins_that_hold(found, asked)
    return structs.replace(
        asked,
        at=found.at,
        margins=margins,
        margin_bases={k: v for k, v in found.margin_bases.items() if k in margins},
        chosen=_outcomes_that_hold(found, asked),
        deviations=[*found.deviations, *new],
    )


def expected(folder: Path, asked: Declaration) -> Declaration:
    """Return what `declared` would write, without writing it or noting a deviation.

    Raises:
        UsageError: the file is damaged.
    """
    found = read_declaration(folder)
    if found is not None:
        merged = _with_all_of(found, asked)
        outcomes = _outcomes_that_hold(found, merged)
        return structs.replace(merged, chosen=outcomes, deviations=found.deviations)
    first = asked.reference or next(iter(asked.labels), "")
    return structs.replace(asked, reference=first, stages=asked.stages or 1)


def with_outcomes(
    folder: Path,
    chosen: Sequence[Chosen],
    margins: Mapping[str, float],
    purposes: Callable[[], Sequence[str]],
    *,
    bases: Mapping[str, MarginBasis] | None = None,
) -> tuple[Declaration, tuple[str, ...]]:
    """Add the outcomes of searches, and the margins of problems that have none yet.

    If an outcome replaces another one after results on evaluation seeds, a dated deviation says so.

    Args:
        folder: The study's folder.
        chosen: The outcomes.
        margins: Margins by problem.
        purposes: As in `declared`; called only if an outcome is replaced.
        bases: Origin of each new margin in words, by problem.

    Returns:
        The declaration now in the file, and the replaced outcomes in words, if that deviates.

    Raises:
        UsageError: the study was not declared, or the file is damaged.
        OSError: the file cannot be written.
    """
    before = _declared_in(folder)
    bases = bases or {}
    if _with(before, chosen, margins, bases) == before:
        return before, ()
    known = purposes() if _replaced(before, chosen) else ()
    with _alone(folder):
        before = _declared_in(folder)
        found, what = _with(before, chosen, margins, bases), _replaced(before, chosen)
        evaluated = known.count("evaluation")
        if what and evaluated:
            deviation = Deviation(at=now(), what=what, records=len(known), evaluated=evaluated)
            found = structs.replace(found, deviations=[*found.deviations, deviation])
        write_declaration(folder, found)
        return found, tuple(what) if evaluated else ()


def _declared_in(folder: Path) -> Declaration:
    found = read_declaration(folder)
    if found is None:
        raise UsageError(f"{folder / FILE} is missing: run the study again to declare it")
    return found


def _replaced(before: Declaration, chosen: Sequence[Chosen]) -> list[str]:
    """Return the optimizers that have other hyperparameters than the outcomes so far, in words."""
    old = {each.place: each for each in before.chosen}
    return [
        plain(
            f"chosen {each.label} on {each.problem}: {_setting(old[each.place])}, "
            f"now {_setting(each)}",
            300,
        )
        for each in chosen
        if each.place in old and old[each.place].optimizer != each.optimizer
    ]


def _setting(chosen: Chosen) -> str:
    """Return hyperparameters and their origin: "adam lr=0.01 (baselines 2026.11)"."""
    return f"{chosen.optimizer.label}" + f" ({chosen.source})" * bool(chosen.source)


def _with(
    found: Declaration,
    chosen: Sequence[Chosen],
    margins: Mapping[str, float],
    bases: Mapping[str, MarginBasis],
) -> Declaration:
    """Return a declaration with these outcomes and margins."""
    outcomes = {each.place: each for each in found.chosen}
    outcomes |= {each.place: _with_budgets_of(outcomes.get(each.place), each) for each in chosen}
    new = {name: each for name, each in bases.items() if name in margins.keys() - found.margins}
    return structs.replace(
        found,
        chosen=list(outcomes.values()),
        margins={**margins, **found.margins},
        margin_bases=found.margin_bases | new,
    )


def _with_budgets_of(before: Chosen | None, now: Chosen) -> Chosen:
    """Return `now`; with the choices of smaller budgets if only `before` has them."""
    if before and not now.by_budget and before.points == now.points:
        return structs.replace(now, by_budget=before.by_budget)
    return now


def _margins_that_hold(before: Declaration, now: Declaration) -> dict[str, float]:
    """Return the margins of the problems that are as they were, if the reference is too."""
    if before.reference != now.reference:
        return {}
    old, new = before.problems, now.problems
    return {name: m for name, m in before.margins.items() if old.get(name) == new.get(name)}


def _outcomes_that_hold(before: Declaration, now: Declaration) -> list[Chosen]:
    """Return the outcomes of the searches that are as they were."""
    if before.search != now.search:
        return []
    same = {name for name, each in before.problems.items() if now.problems.get(name) == each}
    unlike = {
        label
        for label, each in before.tunables.items()
        if now.tunables.get(label) != each or before.sources.get(label) != now.sources.get(label)
    }
    return [each for each in before.chosen if each.problem in same and each.label not in unlike]


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Return a context in which no other process changes the declaration.

    Raises:
        OSError: the lock cannot be made, or another process holds it for a minute.
    """
    from filelock import FileLock

    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / LOCK, timeout=_LONGEST_WAIT_SECONDS):
        yield


def _with_all_of(before: Declaration, asked: Declaration) -> Declaration:
    """Return `asked` with all that was declared before and that it does not change."""
    tuning = asked.tuning
    if tuning is not None and before.search == asked.search:
        optimizers = tuple((before.tunables | asked.tunables).values())
        has_curve = tuning.budget_curve or before.has_budget_curve
        tuning = structs.replace(tuning, optimizers=optimizers, budget_curve=has_curve)
    return structs.replace(
        asked,
        problems=before.problems | asked.problems,
        seeds=list(dict.fromkeys([*before.seeds, *asked.seeds])),
        tuning=tuning,
        optimizers=list(dict.fromkeys([*before.optimizers, *asked.optimizers])),
        sources=before.sources | asked.sources,
        accelerators=list(dict.fromkeys([*before.accelerators, *asked.accelerators])),
        precisions=list(dict.fromkeys([*before.precisions, *asked.precisions])),
        reference=asked.reference or before.reference,
        stages=asked.stages or before.stages,
    )
