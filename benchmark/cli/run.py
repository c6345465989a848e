"""The verb ``run``: it plans trials, launches those without a record, and prints the tables."""

from typing import Any

import click

from benchmark.cli.mistakes import refuse_words
from benchmark.cli.options import ImportPath, Names, OptimizerList, Whole
from benchmark.cli.study_options import Outside, carry_out, study_options
from benchmark.models.registry import MODELS
from benchmark.problems import PROBLEMS, everyday_models, everyday_problems
from benchmark.request import Request
from datamodules.registry import DATASETS


@click.command(name="run")
@click.option(
    "--model",
    "models",
    type=Names("model", list(MODELS), paths=True, everyday=everyday_models()),
    help="Models to train, such as mlp; all: those of everyday problems.",
)
@click.option(
    "--dataset", type=ImportPath(DATASETS), help="Data set.  [default: that of the model's paper]"
)
@click.option(
    "--problem",
    "problems",
    type=Names("problem", list(PROBLEMS), everyday=everyday_problems()),
    help="Problems such as mlp/mnist; replaces --model and --dataset. all: those that need no GPU.",
)
@click.option(
    "--opts",
    type=OptimizerList(),
    default="all",
    show_default=True,
    help="Optimizers to train with: name, name:lr=0.1|0.01, name@label:…, import.path.Class, all. "
    "With --tune, ranges are allowed too: name:lr=1e-4..1e-1.",
)
@click.option(
    "--tune",
    type=Whole(10_000, hint="how many points each optimizer tries"),
    help="Tune each optimizer first: try this number of points, then train the best one on fresh "
    "seeds.",
)
@click.option(
    "--reference",
    default="",
    help="Optimizer that all others are compared with, named beforehand.  [default: the first]",
)
@study_options(seeds=5, study="default")
@click.argument("words", nargs=-1, metavar="")
def command(words: tuple[str, ...], study: str, **options: Any) -> int:
    """Run the trials that have no record yet, then print one table per problem."""
    refuse_words(words)
    outside = Outside.taken_from(options, study)
    return carry_out(request_of(options), outside)


def request_of(options: dict[str, Any]) -> Request:
    """Return the request in the remaining options, which have the names of its fields."""
    asked = dict(options)
    for name in ("problems", "models"):
        asked[name] = asked.get(name) or ()
    return Request(diagnostics_every=asked.pop("diagnostics") or 0, **asked)
