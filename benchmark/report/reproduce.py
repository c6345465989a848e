"""Commands that run a study again, from its declaration if it was tuned, otherwise its trials."""

import itertools
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmark.analysis.summary import evaluated
from benchmark.declaration import Declaration
from benchmark.problems import PROBLEMS
from benchmark.record import Record
from benchmark.spec import Trial, Workload
from optimizers.pick import is_import_path
from optimizers.spaces import Choice, Range
from optimizers.spec import OptimizerSpec
from optimizers.tunable import Tunable
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


def commands_again(
    study: str, declaration: Declaration | None, records: Iterable[Record]
) -> list[str]:
    """Return the commands that run a study again.

    Args:
        study: The study's name.
        declaration: Its declaration; None if it has none.
        records: Its records.
    """
    if declaration is not None and declaration.tuning is not None:
        return tuned_commands(study, declaration)
    return commands(study, [record.trial for record in evaluated(records)])


def tuned_commands(study: str, declaration: Declaration) -> list[str]:
    """Return the ``compare`` commands that tune and evaluate a declared study.

    There is one for each group of problems with the same options. Ranges of the registry are named
    by ``--space``, all others are written out. A study of a single optimizer is ``run --tune``.
    """
    tuning = declaration.tuning
    if tuning is None:
        return []
    groups: dict[str, list[str]] = {}
    for problem, workload in declaration.problems.items():
        groups.setdefault(_training(problem, workload), []).append(problem)
    tail = [f"--seeds {_seeds_words(declaration.seeds)}"]
    tail += [f"--sampler {tuning.sampler}"] * (tuning.sampler != "halton")
    tail += ["--budget-curve"] * tuning.budget_curve
    tail += _options(declaration)
    return [
        " ".join([*_head(declaration, problems), *filter(None, [training]), *tail])
        + f" --study {shlex.quote(study)}"
        for training, problems in groups.items()
    ]


def _head(declaration: Declaration, problems: Sequence[str]) -> list[str]:
    """Return the beginning of a command: verb, problems, optimizers and budget."""
    tuning = declaration.tuning
    found = list(tuning.optimizers) if tuning else []
    kinds = {each.kind for each in found} - {"given"}
    space = next(iter(kinds)) if len(kinds) == 1 else "lr"
    texts = {each.label: _tunable_text(each, space) for each in found}
    own = [each.label for each in found if is_import_path(each.name)]
    own = [label for label in own if label != declaration.reference] or list(texts)[-1:]
    others = [label for label in texts if label not in own]
    others.sort(key=lambda label: label != declaration.reference)
    on, spaced = ",".join(problems), [f"--space {space}"] * (space != "lr")
    budget = tuning.budget if tuning else 0
    if declaration.reference not in others:  # compare's reference is the first of its baselines
        asked = shlex.quote(",".join(texts.values()))
        return [
            "python -m benchmark",
            f"--problem {on}",
            f"--opts {asked}",
            f"--tune {budget}",
            *spaced,
        ]
    mine, baselines = (
        shlex.quote(",".join(texts[label] for label in labels)) for labels in (own, others)
    )
    return [
        f"python -m benchmark compare {mine}",
        f"--on {on}",
        f"--against {baselines}",
        f"--budget {budget}",
        *spaced,
    ]


def _tunable_text(tunable: Tunable, space: str) -> str:
    """Return an optimizer to tune as a command line gives it."""
    name, label = tunable.name, tunable.label
    given = {key: _plain_value(value) for key, value in tunable.fixed.items()}
    for one in tunable.space.ranges:
        if tunable.kind != space or isinstance(one, Choice):
            given[one.name] = _range(one)
    text = name if label == name else f"{name}@{label}"
    return text + "".join(f":{key}={value}" for key, value in _whole(given).items())


def _whole(given: Mapping[str, str]) -> dict[str, str]:
    """Return assignments in which the numbers of a tuple are one.

    >>> _whole({"betas.1": "0.999", "lr": "0.1", "betas.0": "0.8..0.9"})
    {'betas': '(0.8..0.9,0.999)', 'lr': '0.1'}
    """
    found: dict[str, dict[int, str]] = {}
    for key, text in given.items():
        name, _, place = key.rpartition(".")
        is_part = bool(name) and place.isdecimal()
        found.setdefault(name if is_part else key, {})[int(place) if is_part else -1] = text
    return {
        key: parts[-1] if -1 in parts else f"({','.join(parts[i] for i in sorted(parts))})"
        for key, parts in found.items()
    }


def _range(one: Range | Choice) -> str:
    """Return the values of a range or choice as a command line gives them."""
    if isinstance(one, Choice):
        return "|".join(map(_plain_value, one.values))
    low, high = one.low, one.high
    if one.one_minus:
        low, high = round(1 - high, 12), round(1 - low, 12)
    return f"{low!r}..{high!r}"


def _plain_value(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return f"({','.join(map(_plain_value, value))})"
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


def _training(problem: str, workload: Workload) -> str:
    """Return the options for numbers of a problem that are not its defaults."""
    row = PROBLEMS.get(problem)
    usual = None if row is None else row.workload
    words = []
    for name, option in (("epochs", "--epochs"), ("batch_size", "--batch-size"), ("l2", "--l2")):
        if usual is None or getattr(workload, name) != getattr(usual, name):
            words.append(f"{option} {getattr(workload, name)!r}")
    if usual is None or workload.dropout != usual.dropout:
        words.append("--dropout" if workload.dropout else "--no-dropout")
    return " ".join(words)


def _seeds_words(seeds: Iterable[int]) -> str:
    """Return seeds as ``--seeds`` takes them.

    >>> _seeds_words([0, 1, 2]), _seeds_words([100, 101]), _seeds_words([0, 3, 4])
    ('3', '100-101', '0-0,3-4')
    """
    found = sorted(set(seeds))
    if found == list(range(len(found))):
        return str(len(found))
    parts = itertools.groupby(enumerate(found), key=lambda pair: pair[1] - pair[0])
    runs = [[seed for _, seed in pairs] for _, pairs in parts]
    return ",".join(f"{run[0]}-{run[-1]}" for run in runs)


def _options(declaration: Declaration) -> list[str]:
    """Return the options of a declared study that are not at their defaults."""
    words = []
    if declaration.accelerators != [Trial.accelerator]:
        words.append(f"--accelerator {','.join(declaration.accelerators)}")
    if declaration.precisions != [Trial.precision]:
        words.append(f"--precision {','.join(declaration.precisions)}")
    words += [f"--threads {declaration.threads}"] * (declaration.threads != Trial.threads)
    words += [f"--log-every {declaration.log_every}"] * (declaration.log_every != Trial.log_every)
    every = declaration.diagnostics_every
    return words + [f"--diagnostics {every}"] * bool(every)


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
