"""The commands that make the trials of a study again, read off the trials themselves."""

import itertools
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmark.problems import PROBLEMS
from benchmark.spec import Trial


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


def commands(study: str, trials: Sequence[Trial]) -> list[str]:
    """Return commands that together make `trials`, as far as options can say it.

    Optimizers are named with the hyperparameters that their labels name; the others are the
    defaults of this version of the suite.
    """
    runs: dict[_Run, list[Trial]] = {}
    for trial in trials:
        run = _Run(*(getattr(trial, name) for name in _Run.__dataclass_fields__))
        runs.setdefault(run, []).append(trial)
    return [line for run, own in runs.items() for line in _lines(study, run, own)]


def _lines(study: str, run: _Run, trials: Sequence[Trial]) -> list[str]:
    """Return one command for all problems that had the same optimizers and seeds."""
    grids: dict[tuple[tuple[str, ...], int], list[str]] = {}
    for problem in dict.fromkeys(trial.problem for trial in trials):
        own = [trial for trial in trials if trial.problem == problem]
        optimizers = _items(trial.optimizer for trial in own)
        grids.setdefault((optimizers, max(t.seed for t in own) + 1), []).append(problem)
    return [
        _line(study, run, problems, optimizers, seeds)
        for (optimizers, seeds), problems in grids.items()
    ]


def _line(
    study: str, run: _Run, problems: Sequence[str], optimizers: Sequence[str], seeds: int
) -> str:
    listed = all(problem in PROBLEMS for problem in problems)
    words = ["python -m benchmark"]
    if listed:
        words.append(f"--problem {','.join(problems)}")
    else:
        models, datasets = zip(*(problem.split("/", 1) for problem in problems), strict=True)
        words.append(f"--model {','.join(dict.fromkeys(models))} --dataset {datasets[0]}")
    words += [f"--opts {shlex.quote(','.join(optimizers))}", f"--seeds {seeds}"]
    words += [f"--epochs {run.epochs}", f"--batch-size {run.batch_size}"]
    words.append("--dropout" if run.dropout else "--no-dropout")
    words += [f"--l2 {run.l2:g}"] * bool(run.l2)
    words += [f"--accelerator {run.accelerator}"] * (run.accelerator != "cpu")
    words += [f"--precision {run.precision}"] * (run.precision != "32-true")
    words += [f"--threads {run.threads}"] * (run.threads != 1)
    words += [f"--log-every {run.log_every}"] * (run.log_every != 50)
    return " ".join([*words, f"--study {study}"])


def _items(optimizers: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return items of ``--opts`` that give the optimizers, with their labels, again.

    >>> _items({"name": "sgd", "label": f"sgd lr={lr}", "hyperparameters": {"lr": lr}}
    ...        for lr in (0.1, 0.5))
    ('sgd:lr=0.1|0.5',)
    """
    grids: dict[tuple[str, tuple[str, ...], str], dict[tuple[str, ...], None]] = {}
    for optimizer in optimizers:
        head, named, rest, values = _parts(optimizer)
        grids.setdefault((head, named, rest), {})[values] = None
    return tuple(
        item
        for (head, named, rest), grid in grids.items()
        for item in _grid(head, named, rest, grid)
    )


def _parts(optimizer: Mapping[str, Any]) -> tuple[str, tuple[str, ...], str, tuple[str, ...]]:
    """Return name with label, the keys that the label names, all else that is to be said, values.

    A label of one's own hides what was given, so then all hyperparameters are said.
    """
    name, label = str(optimizer["name"]), str(optimizer["label"])
    values = {key: _value(value) for key, value in optimizer["hyperparameters"].items()}
    schedule = optimizer.get("schedule", {"kind": "constant", "warmup": 0.0})
    ours = {"schedule": schedule["kind"], "warmup": _value(schedule["warmup"])}
    named = tuple(key for key in values | ours if re.search(rf" {re.escape(key)}=", label))
    head = re.split(rf" (?:{'|'.join(map(re.escape, named))})=", label)[0] if named else label
    told = tuple((values | ours)[key] for key in named)
    if head == name:
        return name, named, "", told
    if schedule != {"kind": "constant", "warmup": 0.0}:
        values |= ours
    rest = "".join(f":{key}={value}" for key, value in values.items() if key not in named)
    return f"{name}@{head}", named, rest, told


def _grid(
    head: str, named: Sequence[str], rest: str, values: Iterable[tuple[str, ...]]
) -> list[str]:
    """Return one item if `values` are all combinations, else an item for each."""
    found = list(values)
    columns = [list(dict.fromkeys(column)) for column in zip(*found, strict=True)]
    if set(itertools.product(*columns)) == set(found):
        found = [tuple("|".join(column) for column in columns)]
    return [
        head + "".join(f":{key}={text}" for key, text in zip(named, each, strict=True)) + rest
        for each in found
    ]


def _value(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return f"({','.join(map(_value, value))})"
    if value is None or isinstance(value, bool):
        return str(value).lower()
    return str(value)
