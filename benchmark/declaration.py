"""The declaration of a study: what it compares, written to ``study.toml`` before its first trial.

The file has, too, how the study was changed since, the hyperparameters that its searches have
chosen, and the margins of equivalence: a report needs this file and the records, and no optimizer's
code. `benchmark.declaring` says when it is written.
"""

import json
import math
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from msgspec import Struct

from benchmark.atomic import write_text
from benchmark.decode import check_optimizer, read_file
from benchmark.errors import Misfit, UsageError
from benchmark.margins import MarginBasis
from benchmark.metrics import metric_of
from benchmark.plain_text import plain
from benchmark.spec import Workload
from optimizers.spec import OptimizerSpec
from optimizers.tunable import Tunable

FILE = "study.toml"
Edge = Literal["", "low", "high"]
_MOST_BYTES = 4_000_000
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

    @property
    def only_adds_seeds(self) -> bool:
        """Nothing changed but seeds, beside more problems, optimizers or places to run.

        A study keeps the seeds that it had, so every change of them adds some.
        """
        changes = [each for each in self.what if not each.startswith(_MORE)]
        return all(each.startswith("seeds:") for each in changes)


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

    @property
    def search(self) -> dict[str, Any] | None:
        """The numbers of the search, without its optimizers; None without a search."""
        tuning = self.tuning
        if tuning is None:
            return None
        return {"budget": tuning.budget, "seeds": tuning.seeds, "sampler": tuning.sampler}

    @property
    def tunables(self) -> dict[str, Tunable]:
        """The optimizers to tune by label."""
        return {each.label: each for each in (self.tuning.optimizers if self.tuning else ())}

    @property
    def has_budget_curve(self) -> bool:
        """Whether the choices of smaller budgets are evaluated too."""
        return self.tuning is not None and self.tuning.budget_curve


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


def now() -> str:
    """Return the time of now in UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
