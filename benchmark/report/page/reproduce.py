"""The commands that make the trials of a study again, read off the trials themselves."""

import itertools
import json
import math
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmark.problems import PROBLEMS
from benchmark.spec import Trial
from optimizers.registry import OPTIMIZERS
from optimizers.schedules import ALIASES
from optimizers.source import literal_defaults

_CONSTANT: Mapping[str, Any] = {"schedule": "constant", "warmup": 0.0}


@dataclass(frozen=True)
class _Run:
    """What one command has one value of; problems, optimizers and seeds make its grid."""

    epochs: int
    batch_size: int
    dropout: bool
    l2: float
    accelerator: str
    precision: str
    threads: int
    log_every: int
    diagnostics_every: int


def commands(study: str, trials: Sequence[Trial]) -> list[str]:
    """Return commands that together make `trials`, as far as options can say it.

    Optimizers are named with the hyperparameters that their labels name if the others are the
    defaults of this version of the suite, or of a class that is not of the suite; else with all.
    Seeds are all below the highest that was run.
    """
    runs: dict[_Run, list[Trial]] = {}
    for trial in trials:
        run = _Run(*(getattr(trial, name) for name in _Run.__dataclass_fields__))
        runs.setdefault(run, []).append(trial)
    return [line for run, own in runs.items() for line in _lines(study, run, own)]


def _lines(study: str, run: _Run, trials: Sequence[Trial]) -> list[str]:
    """Return one command for all problems that had the same optimizers with the same seeds."""
    grids: dict[tuple[tuple[str, ...], int, str], list[Trial]] = {}
    for problem in dict.fromkeys(trial.problem for trial in trials):
        own = [trial for trial in trials if trial.problem == problem]
        unlisted = "" if problem in PROBLEMS else own[0].dataset
        for seeds, optimizers in _by_seeds(own):
            grids.setdefault((_items(optimizers), seeds, unlisted), []).append(own[0])
    return [
        _line(study, run, _problems(examples, unlisted), optimizers, seeds)
        for (optimizers, seeds, unlisted), examples in grids.items()
    ]


def _by_seeds(trials: Sequence[Trial]) -> Iterator[tuple[int, list[Mapping[str, Any]]]]:
    """Give numbers of seeds, each with the optimizers that have it; no label comes twice."""
    optimizers = {json.dumps(trial.optimizer, sort_keys=True): trial for trial in trials}
    seeds = dict.fromkeys(optimizers, 0)
    for trial in trials:
        text = json.dumps(trial.optimizer, sort_keys=True)
        seeds[text] = max(seeds[text], trial.seed + 1)
    groups: dict[tuple[int, int], list[Mapping[str, Any]]] = {}
    seen: dict[str, int] = {}
    for text, trial in optimizers.items():
        seen[trial.label] = seen.get(trial.label, 0) + 1
        groups.setdefault((seeds[text], seen[trial.label]), []).append(trial.optimizer)
    for (count, _), found in groups.items():
        yield count, found


def _problems(trials: Sequence[Trial], unlisted: str) -> str:
    if unlisted:
        return f"--model {','.join(trial.model for trial in trials)} --dataset {unlisted}"
    return f"--problem {','.join(trial.problem for trial in trials)}"


def _line(study: str, run: _Run, problems: str, optimizers: Sequence[str], seeds: int) -> str:
    words = ["python -m benchmark", problems]
    words += [f"--opts {shlex.quote(','.join(optimizers))}", f"--seeds {seeds}"]
    words += [f"--epochs {run.epochs}", f"--batch-size {run.batch_size}"]
    words.append("--dropout" if run.dropout else "--no-dropout")
    words += [f"--l2 {run.l2!r}"] * bool(run.l2)
    words += [f"--accelerator {run.accelerator}"] * (run.accelerator != Trial.accelerator)
    words += [f"--precision {run.precision}"] * (run.precision != Trial.precision)
    words += [f"--threads {run.threads}"] * (run.threads != Trial.threads)
    words += [f"--log-every {run.log_every}"] * (run.log_every != Trial.log_every)
    words += [f"--diagnostics {run.diagnostics_every}"] * bool(run.diagnostics_every)
    return " ".join([*words, f"--study {study}"])


def _items(optimizers: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return items of ``--opts`` that give the optimizers, with their labels, again.

    >>> plan = {"kind": "constant", "warmup": 0.0}
    >>> _items({"name": "sgd", "label": f"sgd lr={lr}", "hyperparameters": {"lr": lr},
    ...         "schedule": plan} for lr in (0.1, 0.5))
    ('sgd:lr=0.1|0.5',)
    """
    grids: dict[tuple[str, tuple[str, ...], str], list[_Told]] = {}
    for optimizer in optimizers:
        told = _told(optimizer)
        grids.setdefault((told.head, tuple(told.named), told.rest), []).append(told)
    return tuple(item for grid in grids.values() for item in _grid(grid))


@dataclass(frozen=True, kw_only=True)
class _Told:
    """An optimizer as ``--opts`` says it.

    Args:
        head: Its name, or ``name@label`` with the part of the label that is its own.
        named: What the label says of hyperparameters, in its words.
        rest: What it does not say and a label of one's own hides.
        alone: The item that gives this optimizer and no other.
    """

    head: str
    named: Mapping[str, str]
    rest: str
    alone: str


def _told(optimizer: Mapping[str, Any]) -> _Told:
    name, label = str(optimizer["name"]), str(optimizer["label"])
    head, named = _label_parts(label, _values(optimizer))
    if head == name and _is_default(optimizer, named):
        return _Told(head=name, named=named, rest="", alone=name + _assigned(named))
    hidden = _hidden(optimizer)
    rest = _assigned({key: text for key, text in hidden.items() if key not in named})
    alone = f"{name}@{label}{_assigned(hidden)}"
    return _Told(head=f"{name}@{head}", named=named, rest=rest, alone=alone)


def _is_default(optimizer: Mapping[str, Any], named: Iterable[str]) -> bool:
    """Return whether all that is not `named` is as the class has it, as far as is known."""
    name = str(optimizer["name"])
    defaults = dict(_CONSTANT)
    defaults |= literal_defaults(OPTIMIZERS[name].target) if name in OPTIMIZERS else {}
    values = {key: value for key, value in _values(optimizer).items() if key not in named}
    return all(_value(values[key]) == _value(defaults[key]) for key in values.keys() & defaults)


def _label_parts(label: str, values: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    """Return a label without the hyperparameters at its end that have these values, and those.

    >>> _label_parts("my lr=5 lr=0.1", {"lr": 0.1})
    ('my lr=5', {'lr': '0.1'})
    """
    words = re.split(rf" ({'|'.join(map(re.escape, values))})=", label)
    named: dict[str, str] = {}
    while len(words) > 1 and words[-2] not in named and words[-1] in _texts(values[words[-2]]):
        *words, key, text = words
        named = {key: text} | named
    head, *pairs = words
    told = zip(pairs[::2], pairs[1::2], strict=True)
    return head + "".join(f" {key}={text}" for key, text in told), named


def _texts(value: Any) -> set[str]:
    """Return the texts that a label may have for `value`: a whole number may have been given so.

    >>> sorted(_texts([0.5, 1000000.0]))
    ['(0.5,1000000)', '(0.5,1000000.0)', '(0.5,1e+06)']
    """
    if isinstance(value, (list, tuple)):
        return {f"({','.join(parts)})" for parts in itertools.product(*map(_texts, value))}
    found = {str(value)} | {alias for alias, kind in ALIASES.items() if kind == value}
    if isinstance(value, float):
        whole = {str(int(value))} if value.is_integer() else set()
        found |= {text for text in {f"{value:g}"} | whole if float(text) == value}
    return found


def _values(optimizer: Mapping[str, Any]) -> dict[str, Any]:
    """Return all that a label can name, of what steps the vectors too."""
    schedule = optimizer["schedule"]
    values = {"schedule": schedule["kind"], "warmup": schedule["warmup"]}
    values |= optimizer["hyperparameters"]
    if "rest" in optimizer:
        rest = optimizer["rest"]
        values |= {"rest": rest["name"]}
        values |= {f"rest.{key}": value for key, value in _values(rest).items()}
    return values


def _hidden(optimizer: Mapping[str, Any]) -> dict[str, str]:
    """Return all hyperparameters as ``--opts`` takes them, for a label that does not say them."""
    values = _values(optimizer)
    ours = [key for key in _CONSTANT if repr(values[key]) != repr(_CONSTANT[key])]
    keys = dict.fromkeys((*optimizer["hyperparameters"], *ours))
    hidden = {key: _value(values[key]) for key in keys if _is_finite(values[key])}
    if "rest" in optimizer:
        rest = optimizer["rest"]
        _, named = _label_parts(rest["label"], _values(rest))  # its label is a part of the key
        hidden |= {"rest": rest["name"]} | {f"rest.{key}": text for key, text in named.items()}
    return hidden


def _is_finite(value: Any) -> bool:
    """Return whether ``--opts`` takes `value`; one that is infinite can only be a default."""
    return not isinstance(value, float) or math.isfinite(value)


def _grid(grid: Sequence[_Told]) -> list[str]:
    """Return one item if `grid` has all combinations, else an item for each."""
    found = [tuple(told.named.values()) for told in grid]
    columns = [list(dict.fromkeys(column)) for column in zip(*found, strict=True)]
    is_whole = set(itertools.product(*columns)) == set(found)
    # A label of one's own does not get the words of a key that has a single value.
    is_shown = "@" not in grid[0].head or all(len(column) > 1 for column in columns)
    if not (is_whole and is_shown):
        return [told.alone for told in grid]
    values = zip(grid[0].named, map("|".join, columns), strict=True)
    return [grid[0].head + _assigned(dict(values)) + grid[0].rest]


def _assigned(texts: Mapping[str, str]) -> str:
    return "".join(f":{key}={text}" for key, text in texts.items())


def _value(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return f"({','.join(map(_value, value))})"
    if value is None or isinstance(value, bool):
        return str(value).lower()
    return str(value)
