"""The commands that make the trials of a study again, read off the trials themselves."""

import re
import shlex
from collections.abc import Sequence
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
        optimizers = tuple(sorted({_item(trial.optimizer) for trial in own}))
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


def _item(optimizer: Any) -> str:
    """Return an item of ``--opts`` that gives the optimizer, with its label, again.

    >>> _item({"name": "sgd", "label": "sgd lr=0.1", "hyperparameters": {"lr": 0.1}})
    'sgd:lr=0.1'
    """
    label, values = optimizer["label"], dict(optimizer["hyperparameters"])
    schedule = optimizer.get("schedule", {"kind": "constant", "warmup": 0.0})
    values |= {"schedule": schedule["kind"], "warmup": schedule["warmup"]}
    named = [key for key in values if re.search(rf" {re.escape(key)}=", label)]
    head = re.split(rf" (?:{'|'.join(map(re.escape, named))})=", label)[0] if named else label
    at = "" if head == optimizer["name"] else f"@{head}"
    return str(optimizer["name"]) + at + "".join(f":{key}={_value(values[key])}" for key in named)


def _value(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return f"({','.join(map(_value, value))})"
    if value is None or isinstance(value, bool):
        return str(value).lower()
    return str(value)
