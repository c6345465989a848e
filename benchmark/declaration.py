"""The declaration of a study: what it compares, written to ``study.toml`` before its first trial.

If a study is run again with other problems, optimizers, spaces, budgets or seeds, it continues, and
the file records the change as a dated deviation, which reports list. When the tuning of a problem
has ended, the chosen hyperparameters and the margin of equivalence are added before the first
evaluation trial, so that a report needs this file and the records, and no optimizer's code.
"""

import json
import math
import statistics
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from msgspec import Struct, structs

from benchmark.atomic import write_text
from benchmark.decode import check_optimizer, read_file
from benchmark.errors import Misfit, UsageError
from benchmark.metrics import metric_of
from benchmark.plain_text import plain
from benchmark.spec import Workload
from optimizers.spaces import Choice, Range, as_text
from optimizers.spec import OptimizerSpec
from optimizers.tunable import Tunable

FILE = "study.toml"
LOCK = ".study.lock"
MARGIN_SHARE = 0.01  # share of the reference's mean; a smaller difference never matters
MOST_MARGIN_SHARE = 0.05  # a larger difference always matters, even if seeds differ by more
TUNING_SEEDS = "tuning seeds"  # the source of a margin that no shipped baseline gives
Edge = Literal["", "low", "high"]
_MOST_BYTES = 4_000_000
_LONGEST_WAIT_SECONDS = 60.0  # for another process, which holds the lock for one small write
_MORE = ("added: ",)  # beginnings of changes that leave all that was declared before as it was

if TYPE_CHECKING:
    _Spec = OptimizerSpec
    _Tunable = Tunable
    _Workload = Workload
else:  # msgspec would decode these dataclasses by their fields; `declaration_in` builds them
    _Spec = _Tunable = _Workload = Any


class Deviation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change of a study after it was declared.

    Args:
        at: Time in UTC, ISO 8601.
        what: The changed fields, each with its old and new value in words.
        records: Number of trials with a result at that time.
        evaluated: Number of these on evaluation seeds; 0 before the first such result.
    """

    at: str
    what: list[str]
    records: int
    evaluated: int = 0

    @property
    def is_look(self) -> bool:
        """What decides the results changed after some that are compared had been seen.

        More problems, optimizers or places to run are no look: they change no result seen before.
        """
        return self.evaluated > 0 and not all(each.startswith(_MORE) for each in self.what)


class BudgetChoice(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The point that a search with a smaller budget would have chosen.

    Args:
        budget: Number of points, the first of the search.
        trial: Key of the chosen point's trial on the first tuning seed.
    """

    budget: int
    trial: str


class Chosen(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The outcome of a search: the hyperparameters that are evaluated.

    Args:
        problem, accelerator, precision: Those of the cell.
        label: The optimizer's label.
        optimizer: The chosen optimizer, as in trials.
        tried: Number of points tried on the first tuning seed.
        finalists: Number of them that were repeated on the other tuning seeds.
        tunes: Kinds of hyperparameters that were tuned.
        only_rate: Nothing but the learning rate was tuned, although there may be more to tune.
        edge: ``high`` or ``low`` if the chosen learning rate is the highest or lowest that was
            tried; otherwise empty.
        values: Its values of the confirmatory metric on the tuning seeds, those that are finite;
            those of the reference give the margin.
        kind: Kind of its space: ``lr``, ``full`` or ``given`` by the user.
        source: Origin of a setting that another study chose, such as "baselines 2026.11"; empty
            for one that this study chose.
        points: Keys of the trials on the first tuning seed, one for each point tried.
        by_budget: The choices after 1, 2, 4, … points and after the budget, without points of
            widened ranges; empty unless the study evaluates them.
    """

    problem: str
    accelerator: str
    precision: str
    label: str
    optimizer: _Spec
    tried: int
    finalists: int
    tunes: list[str]
    only_rate: bool
    edge: Edge
    values: list[float] = msgspec.field(default_factory=list)
    kind: str = ""
    source: str = ""
    points: list[str] = msgspec.field(default_factory=list)
    by_budget: list[BudgetChoice] = msgspec.field(default_factory=list)

    @property
    def place(self) -> tuple[str, str, str, str]:
        """The cell and the label; no two outcomes of a study share them."""
        return self.problem, self.accelerator, self.precision, self.label


class MarginBasis(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The values of the reference that a margin of equivalence was derived from.

    Args:
        source: `TUNING_SEEDS`, or the shipped baselines, such as "baselines 2026.11".
        optimizer: Label of the reference with its hyperparameters.
        seeds: Number of values, one for each seed.
        mean: Their mean.
        deviation: Their standard deviation (n − 1); 0 for one value.
    """

    source: str
    optimizer: str
    seeds: int
    mean: float
    deviation: float

    @classmethod
    def of(cls, values: Sequence[float], *, source: str, optimizer: str) -> "MarginBasis":
        """Return the basis with these values."""
        return cls(
            source=source,
            optimizer=optimizer,
            seeds=len(values),
            mean=statistics.fmean(values),
            deviation=statistics.stdev(values) if len(values) > 1 else 0.0,
        )

    @property
    def margin(self) -> float:
        """The margin of equivalence: the deviation over seeds, within 1 to 5 % of the mean.

        A seed also draws the validation rows. With a few hundred rows, the deviation is 30 to 60 %
        of the mean. Without the upper bound, an optimizer with half of the reference's loss would
        then count as equivalent.
        """
        mean = abs(self.mean)
        return min(max(MARGIN_SHARE * mean, self.deviation), MOST_MARGIN_SHARE * mean)


class Tuning(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The search of a declared study.

    Args:
        budget: Points that every optimizer tries.
        seeds: The tuning seeds.
        sampler: Name of the sampler that chooses the points.
        optimizers: The optimizers to tune.
        budget_curve: Evaluate the choices of smaller budgets too.
    """

    budget: int
    seeds: list[int]
    sampler: str
    optimizers: tuple[_Tunable, ...]
    budget_curve: bool = False


class Declaration(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a study compares, and by which rules.

    Args:
        at: Time of the declaration in UTC, ISO 8601.
        suite: Version of the suite.
        schema: Version of the training, as in trials.
        problems: Workloads by the name of their problem.
        accelerators, precisions, threads, log_every, diagnostics_every: As in `Study`.
        seeds: The evaluation seeds, which alone are compared.
        stages: Number of looks at them, 1 or 2; the second adds seeds. 0 in a declaration that is
            asked for means as many as were declared before, and 1 for a new study.
        choosing: The metric whose value on tuning seeds chooses hyperparameters.
        confirmatory: The metric whose final value on evaluation seeds decides verdicts.
        reference: Label of the optimizer that all others are compared with; empty for none.
        margins: Margin of equivalence by problem, in the unit of `confirmatory`.
        margin_bases: Origin of each margin in words, by problem; margins that a user gave have
            no entry.
        chosen: The outcomes of the searches that have ended, or the settings of shipped baselines.
        tuning: The search; None if this study searches nothing.
        optimizers: Labels of the optimizers without a search.
        sources: Digests of the files of the user's own optimizers, by label.
        deviations: Later changes, oldest first.
    """

    at: str
    suite: str
    schema: int
    problems: dict[str, _Workload]
    accelerators: list[str]
    precisions: list[str]
    threads: int
    log_every: int
    diagnostics_every: int
    seeds: list[int]
    stages: int = 1
    choosing: str
    confirmatory: str
    reference: str = ""
    margins: dict[str, float] = msgspec.field(default_factory=dict)
    margin_bases: dict[str, MarginBasis] = msgspec.field(default_factory=dict)
    chosen: list[Chosen] = msgspec.field(default_factory=list)
    tuning: Tuning | None = None
    optimizers: list[str] = msgspec.field(default_factory=list)
    sources: dict[str, str] = msgspec.field(default_factory=dict)
    deviations: list[Deviation] = msgspec.field(default_factory=list)

    @property
    def is_tuned(self) -> bool:
        """True if any optimizer is tuned, by this study or by an earlier one."""
        return self.tuning is not None or bool(self.chosen)

    @property
    def labels(self) -> list[str]:
        """The labels of all optimizers."""
        if self.tuning is None:
            return self.optimizers
        return [each.label for each in self.tuning.optimizers]


def read_declaration(folder: Path, name: str = FILE) -> Declaration | None:
    """Return the declaration in a study's folder; None if there is none.

    Raises:
        UsageError: the file is damaged.
    """
    text = declaration_text(folder, name)
    return None if text is None else declaration_in(text)


def declaration_text(folder: Path, name: str = FILE) -> str | None:
    """Return the checked text of the declaration in a study's folder; None if there is none.

    Raises:
        UsageError: the file is damaged.
    """
    path = folder / name
    try:
        text = read_file(path, _MOST_BYTES).decode()
        declaration_in(text)
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise UsageError(
            f"{path} is damaged ({plain(error, 200)}): mend it, or remove it to declare anew"
        ) from None
    return text


@lru_cache(maxsize=8)
def declaration_in(text: str) -> Declaration:
    """Return the declaration in the text of a ``study.toml``; do not modify its values.

    Raises:
        Misfit: the suite does not write such a text.
    """
    try:
        data = tomllib.loads(text)
        for each in data.get("chosen", ()):
            each["optimizer"] = _spec(json.loads(each["optimizer"]))
        if tuning := data.get("tuning"):
            tuning["optimizers"] = tuple(map(Tunable.from_json, tuning["optimizers"]))
        if problems := data.get("problems"):
            data["problems"] = {name: _workload(name, each) for name, each in problems.items()}
        found = msgspec.convert(data, Declaration)
        _check(found)
        return found
    except (KeyError, TypeError, AttributeError) as error:
        raise Misfit(f"a problem, optimizer or outcome is incomplete: {error!r}") from None
    except (ValueError, RecursionError) as error:
        raise Misfit(str(error)) from None


def _spec(data: Mapping[str, Any]) -> OptimizerSpec:
    check_optimizer(data)
    return OptimizerSpec.from_json(data)


def _workload(name: str, numbers: Mapping[str, Any]) -> Workload:
    if unknown := sorted(numbers.keys() - {each.name for each in fields(Workload)}):
        raise Misfit(f"problem {name}: unknown {', '.join(unknown)}")
    msgspec.convert(numbers, Workload)
    return Workload(**numbers)  # as written: convert makes a float of l2 = 1


def _check(found: Declaration) -> None:
    """Check the values from which verdicts are computed, which a user may have edited.

    Raises:
        Misfit: one of them is not possible.
    """
    if found.stages not in (1, 2):
        raise Misfit(
            f"stages: expected 1 or 2 looks at the evaluation seeds, got {found.stages}; later "
            "looks need another study"
        )
    if metric_of(found.confirmatory).better is None:
        raise Misfit(
            "confirmatory: expected a metric with a known direction, such as val/loss, got "
            f"{found.confirmatory!r}"
        )
    for name, margin in found.margins.items():
        if not (math.isfinite(margin) and margin >= 0):
            raise Misfit(f"margin of {name}: expected a number from 0, got {margin}")


def write_declaration(folder: Path, declaration: Declaration) -> None:
    """Write the declaration to a study's folder, whole or not at all.

    Raises:
        OSError: the file cannot be written.
    """
    import tomli_w

    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / FILE, tomli_w.dumps(_to_toml(declaration)))


def _to_toml(declaration: Declaration) -> dict[str, Any]:
    """Return the values of a ``study.toml``, which `declaration_in` reads."""
    data = _values(declaration)
    data["problems"] = {name: asdict(each) for name, each in declaration.problems.items()}
    data["chosen"] = [_outcome_to_toml(each) for each in declaration.chosen]
    if tuning := declaration.tuning:
        optimizers = [each.to_json() for each in tuning.optimizers]
        data["tuning"] = _values(tuning) | {"optimizers": optimizers}
        if not tuning.budget_curve:
            del data["tuning"]["budget_curve"]
    else:
        del data["tuning"]
    if not declaration.margin_bases:
        del data["margin_bases"]
    built: dict[str, Any] = msgspec.to_builtins(data)
    return built


def _outcome_to_toml(chosen: Chosen) -> dict[str, Any]:
    # The optimizer is JSON text, because TOML has no null.
    data = _values(chosen) | {"optimizer": json.dumps(chosen.optimizer.to_json())}
    if not chosen.by_budget:
        del data["by_budget"]
    return data


def _values(struct: Struct) -> dict[str, Any]:
    """Return the fields by name, in their order."""
    return {name: getattr(struct, name) for name in struct.__struct_fields__}


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
    if found is not None and not _changes(found, _with_all_of(found, asked)):
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
        changes = tuple(_changes(found, asked))
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
    changes = () if found is None else tuple(_changes(found, _with_all_of(found, asked)))
    if found is None or not changes:
        return ()
    if (found.stages or 1) > 1 and all(each.startswith("seeds") for each in changes):
        return ()
    known = list(purposes())
    deviation = Deviation(
        at="", what=list(changes), records=len(known), evaluated=known.count("evaluation")
    )
    return changes if deviation.is_look else ()


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


def default_margin(values: Sequence[float]) -> float:
    """Return the margin of equivalence (`MarginBasis.margin`) from values of the reference.

    Args:
        values: Final values of the reference, one for each seed.

    >>> default_margin([1.0, 1.0]), default_margin([0.99, 1.01]), default_margin([0.5, 1.5])
    (0.01, 0.014142135623730963, 0.05)
    """
    return MarginBasis.of(values, source="", optimizer="").margin


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
    if _search(before) != _search(now):
        return []
    same = {name for name, each in before.problems.items() if now.problems.get(name) == each}
    unlike = {
        label
        for label, each in _tunables(before).items()
        if _tunables(now).get(label) != each or before.sources.get(label) != now.sources.get(label)
    }
    return [each for each in before.chosen if each.problem in same and each.label not in unlike]


def _search(declaration: Declaration) -> dict[str, Any] | None:
    """Return the numbers of a search, without its optimizers."""
    tuning = declaration.tuning
    if tuning is None:
        return None
    return {"budget": tuning.budget, "seeds": tuning.seeds, "sampler": tuning.sampler}


def _tunables(declaration: Declaration) -> dict[str, Tunable]:
    """Return the optimizers to tune by label."""
    tuning = declaration.tuning
    return {each.label: each for each in (tuning.optimizers if tuning else ())}


def _has_curve(declaration: Declaration) -> bool:
    return declaration.tuning is not None and declaration.tuning.budget_curve


def _with_all_of(before: Declaration, asked: Declaration) -> Declaration:
    """Return `asked` with all that was declared before and that it does not change."""
    tuning = asked.tuning
    if tuning is not None and _search(before) == _search(asked):
        optimizers = tuple((_tunables(before) | _tunables(asked)).values())
        has_curve = tuning.budget_curve or _has_curve(before)
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


_NOT_COMPARED = ("at", "suite", "margins", "margin_bases", "chosen", "deviations")
_OPEN = ("problems", "optimizers", "sources", "accelerators", "precisions")


def _changes(before: Declaration, now: Declaration) -> list[str]:
    """Return the differences as "NAME: OLD, now NEW", and new parts as "added: …"."""
    flat = [_leaves(each) for each in (before, now)]
    old, new = flat
    found = [
        plain(f"{name}: {old[name]}, now {new.get(name, 'none')}", 300)
        for name in old
        if new.get(name) != old[name]
    ]
    for name, value in new.items():
        if name not in old:
            kind = name.split(" ")[0]
            found.append(plain(f"added: {name}" if kind in _ADDED else f"{name}: {value}", 300))
    return list(dict.fromkeys(found))


_ADDED = ("problem", "optimizer", "accelerator", "precision", "source", "budget")


def _leaves(declaration: Declaration) -> dict[str, str]:
    """Return each part of a declaration in words, by a descriptive name."""
    found: dict[str, str] = {}
    for name in Declaration.__struct_fields__:
        value = getattr(declaration, name)
        if name not in (*_NOT_COMPARED, *_OPEN, "tuning") and value is not None:
            found[name] = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    for problem, workload in declaration.problems.items():
        found[f"problem {problem}"] = _numbers(workload)
    for name, each in _tunables(declaration).items():
        found[f"optimizer {name}"] = _space_words(each)
    found |= {f"optimizer {label}": "as given" for label in declaration.optimizers}
    found |= {f"accelerator {each}": "" for each in declaration.accelerators}
    found |= {f"precision {each}": "" for each in declaration.precisions}
    found |= {f"source of {label}": digest for label, digest in declaration.sources.items()}
    if _has_curve(declaration):
        found["budget curve"] = "the choices of smaller budgets, evaluated"
    for name, value in (_search(declaration) or {}).items():
        found[f"tuning {name}"] = (
            ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        )
    return found


def _space_words(tunable: Tunable) -> str:
    """Return what an optimizer tunes and what it keeps fixed: "lr 1e-05..0.1, beta=0.9"."""
    ranges = map(_range_words, tunable.space.ranges)
    return ", ".join([*ranges, *(f"{k}={v}" for k, v in tunable.to_json()["fixed"].items())])


def _range_words(one: Range | Choice) -> str:
    if isinstance(one, Choice):
        return f"{one.name} {'|'.join(str(as_text(value)) for value in one.values)}"
    return f"{one.name} {one.low:g}..{one.high:g}"


def _numbers(workload: Workload) -> str:
    names = ("epochs", "batch_size", "dropout", "l2", "source")
    values = ((name, getattr(workload, name)) for name in names)
    return ", ".join(f"{name}={value}" for name, value in values if value)


def now() -> str:
    """Return the time of now in UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
