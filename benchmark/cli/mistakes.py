"""Frequent mistakes on the command line, and a correction for each."""

import re
import shlex
from collections.abc import Sequence
from itertools import pairwise

import click

from benchmark.models.registry import MODELS
from benchmark.problems import PROBLEMS
from optimizers.mistakes import ALIASES
from optimizers.pick import shown
from optimizers.registry import OPTIMIZERS

# Cures of options; the value that was given, if any, replaces an example in braces if it looks like
# one. In braces with "first:", only the first of its names does.
_OTHER_NAMES = {
    "--optimizer": "--opts {adam,sgd}",
    "--optimizers": "--opts {adam,sgd}",
    "--optim": "--opts {adam,sgd}",
    "--opt": "--opts {adam,sgd}",
    "--seed": "--seeds 5 (how many) or --seeds 7-9 (which ones)",
    "--device": "--accelerator gpu, cpu or mps",
    "--gpu": "--accelerator gpu",
    "--gpus": "--accelerator gpu",
    "--cuda": "--accelerator gpu",
    "--data": "--dataset NAME or --data-dir FOLDER",
    "--bs": "--batch-size {128}",
    "--output": "--results {FOLDER}",
    "--name": "--study {NAME}",
}
_OF_VERBS = {
    "run": {
        "--target": "report STUDY --target {val/loss=0.1}, once the study has run",
        "--on": "--problem {logreg/mnist}",
        "--budget": "--tune {16} (how many points each optimizer tries)",
        "--against": "--reference {first:adam}, with {adam,sgd} among --opts",
        "--baselines": "--reference {first:adam}, with {adam,sgd} among --opts",
    },
    "compare": {
        "--target": "report STUDY --target {val/loss=0.1}, once the study has run",
        "--tune": "--budget {16} (how many points each optimizer tries)",
        "--trials": "--budget {16} (how many points each optimizer tries)",
        "--problem": "--on {logreg/mnist}",
        "--problems": "--on {logreg/mnist}",
        "--model": "--on MODEL/DATASET, as in --on logreg/mnist",
        "--dataset": "--on MODEL/DATASET, as in --on logreg/mnist",
        "--reference": "--against {adam,sgd}, whose first is the reference",
        "--baselines": "--against {adam,sgd}",
    },
}
_STUDY = "the name of a folder in results"
_ARGUMENTS = {  # of verbs whose argument has no list of choices
    "check": "as in check mine.MyOpt",
    "compare": "as in compare mine.MyOpt --on logreg/digits",
    "report": _STUDY,
    "show": _STUDY,
    "push": _STUDY,
    "compact": _STUDY,
    "restore": "a file of compact, as in restore STUDY.parquet",
    "worker": _STUDY,
}
_HYPERPARAMETERS = {"lr", "betas", "eps", "momentum", "weight-decay", *ALIASES}
ACCELERATOR_ALIASES = {
    "cuda": "gpu",
    "rocm": "gpu",
    "nvidia": "gpu",
    "metal": "mps",
    "apple": "mps",
}


_EXAMPLE = r"\{(first:)?(.*?)\}"
_OPTS_FOLLOW = ("check", "compare")
_EXTRA = "Got unexpected extra argument"
_OPTS = {"--opts", *(name for name, cure in _OTHER_NAMES.items() if cure.startswith("--opts"))}


def cure_of(error: click.ClickException, words: Sequence[str]) -> str:
    """Return one line that tells how to correct `error`, or "" if no correction is known.

    Args:
        error: The error that click raised.
        words: The command line, from which corrections repeat the value of an option.
    """
    command = error.ctx.command if isinstance(error, click.UsageError) and error.ctx else None
    takes_opts = command is not None and any("--opts" in each.opts for each in command.params)
    if takes_opts and error.message.startswith(_EXTRA):
        return f"g{error.message[1:]}: optimizers are given as --opts adam,sgd"
    verb = command.name or "" if command is not None else ""
    if isinstance(error, click.MissingParameter) and isinstance(error.param, click.Argument):
        return _lacks_argument(verb, error.param)
    if isinstance(error, click.NoSuchOption):
        return _option_cure(error.option_name.partition("=")[0], verb, words)
    return ""


def _option_cure(name: str, verb: str, words: Sequence[str]) -> str:
    """Return what to write in place of an option that `verb` does not have, or ""."""
    value = _value_of(name, words)
    if verb in _OPTS_FOLLOW and name in _OPTS:
        return f"no such option {name}: optimizers follow the verb, as in {verb} adam,mine.MyOpt"
    if cure := _OF_VERBS.get(verb, {}).get(name):
        return f"no such option {name} of {verb}: write {_filled(cure, value)}"
    if name in _OTHER_NAMES:
        return f"no such option {name}: write {_filled(_OTHER_NAMES[name], value)}"
    key = name.removeprefix("--").replace("_", "-")
    if key in _HYPERPARAMETERS or key.replace("-", "_") in _HYPERPARAMETERS:
        key = ALIASES.get(key.replace("-", "_"), key.replace("-", "_"))
        where = f"{verb} adam" if verb in _OPTS_FOLLOW else "--opts adam"
        example = f"{where}:{key}={value or 'VALUE'}"
        return f"no such option {name}: a hyperparameter belongs to its optimizer: {example}"
    return ""


def _value_of(name: str, words: Sequence[str]) -> str:
    """Return the value given for an option, quoted as a shell needs it, or "" if there is none.

    >>> _value_of("--lr", ["--lr=0.1"]), _value_of("--on", ["--on", "a b"]), _value_of("--on", [])
    ('0.1', "'a b'", '')
    >>> _value_of("--lr", ["--lr", "-1"]), _value_of("--lr", ["--lr", "-h"])
    ('-1', '')
    """
    for word, following in pairwise([*words, ""]):
        option, has_value, value = word.partition("=")
        if option == name:
            given = value if has_value else following * (not re.match(r"-(?![.\d])", following))
            return shlex.quote(given) if given else ""
    return ""


def _filled(cure: str, value: str) -> str:
    """Return a cure with `value`, or with its own examples if there is none or one unlike them.

    >>> _filled("--tune {16} (points)", "4"), _filled("--tune {16} (points)", "")
    ('--tune 4 (points)', '--tune 16 (points)')
    >>> _filled("--reference {first:adam}, with {adam,sgd} among --opts", "sgd,lion")
    '--reference sgd, with sgd,lion among --opts'
    >>> _filled("--reference {first:adam}, with {adam,sgd} among --opts", "adam:betas=(0.8,0.9)")
    '--reference adam, with adam,sgd among --opts'
    >>> _filled("report STUDY --target {val/loss=0.1}", "0.1")
    'report STUDY --target val/loss=0.1'
    """
    examples = re.findall(_EXAMPLE, cure)
    is_alike = all("=" in value for _, example in examples if "=" in example)
    if any(first for first, _ in examples):  # no hyperparameters, spaces or quotes
        is_alike = re.fullmatch(r"[\w.]+(,[\w.]+)*", value) is not None
    if not value or not is_alike:
        return re.sub(_EXAMPLE, r"\2", cure)
    first = value.partition(",")[0]
    return re.sub(_EXAMPLE, lambda found: first if found[1] else value, cure)


def _lacks_argument(verb: str, argument: click.Argument) -> str:
    """Return what a verb without its argument expects; "" if click lists the choices itself."""
    if verb not in _ARGUMENTS:
        return ""
    name = argument.make_metavar(click.Context(click.Command(verb))).rstrip(".")
    return f"{verb} expects {name}, {_ARGUMENTS[verb]}"


def refuse_words(words: tuple[str, ...]) -> None:
    """Raise click.UsageError if there are words that belong to no option.

    Raises:
        click.UsageError: the message names the words and says how lists are written.
    """
    if not words:
        return
    raise click.UsageError(
        f"unexpected {shown(' '.join(words))}: the names of a list are separated by commas, "
        "without spaces, as in --opts adam,sgd"
    )


def verb_cure(word: str) -> str:
    """Return a suggestion for `word`, which is not a verb, or "" if nothing resembles it."""
    first = word.partition(",")[0].partition(":")[0]
    if first in OPTIMIZERS:
        return f"{shown(first)} is an optimizer: write --model mlp --opts {shown(word)[1:-1]}"
    if first in PROBLEMS:
        return f"{shown(first)} is a problem: write --problem {first}"
    if first in MODELS:
        return f"{shown(first)} is a model: write --model {first}"
    return ""
