"""Commands that run the trials of a study again, derived from the trials themselves."""

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmark.problems import PROBLEMS
from benchmark.spec import Trial
from optimizers.spec import OptimizerSpec
from optimizers.unparse import items


@dataclass(frozen=True)
class _Run:
    """The options that all trials of one command share.

    Problems, optimizers and seeds vary and form the command's grid.
    """

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
    """Return commands that together run `trials`, as far as options can express them.

    An optimizer is written with the hyperparameters in its label if all others have the defaults
    of this version of the suite, or of a class from outside it; otherwise with all of them. The
    seeds are all from 0 to the highest that was run.
    """
    runs: dict[_Run, list[Trial]] = {}
    for trial in trials:
        run = _Run(*(getattr(trial, name) for name in _Run.__dataclass_fields__))
        runs.setdefault(run, []).append(trial)
    return [line for run, own in runs.items() for line in _lines(study, run, own)]


def _lines(study: str, run: _Run, trials: Sequence[Trial]) -> list[str]:
    """Return one command for each group of problems with the same optimizers and seeds."""
    grids: dict[tuple[tuple[str, ...], int, str], list[Trial]] = {}
    for problem in dict.fromkeys(trial.problem for trial in trials):
        own = [trial for trial in trials if trial.problem == problem]
        unlisted = "" if problem in PROBLEMS else own[0].dataset
        for seeds, optimizers in _by_seeds(own):
            grids.setdefault((items(optimizers), seeds, unlisted), []).append(own[0])
    return [
        _line(study, run, _problems(examples, unlisted), optimizers, seeds)
        for (optimizers, seeds, unlisted), examples in grids.items()
    ]


def _by_seeds(trials: Sequence[Trial]) -> Iterator[tuple[int, list[OptimizerSpec]]]:
    """Yield numbers of seeds, each with its optimizers; no label occurs twice in one group."""
    optimizers = {trial.optimizer.text: trial.optimizer for trial in trials}
    seeds = dict.fromkeys(optimizers, 0)
    for trial in trials:
        text = trial.optimizer.text
        seeds[text] = max(seeds[text], trial.seed + 1)
    groups: dict[tuple[int, int], list[OptimizerSpec]] = {}
    seen: dict[str, int] = {}
    for text, optimizer in optimizers.items():
        seen[optimizer.label] = seen.get(optimizer.label, 0) + 1
        groups.setdefault((seeds[text], seen[optimizer.label]), []).append(optimizer)
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
