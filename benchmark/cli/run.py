"""The verb ``run``: it plans trials, launches those without a record, and prints the tables."""

import json
from pathlib import Path
from typing import Any

import click

from benchmark.cli.console import console
from benchmark.cli.forecast import forecast
from benchmark.cli.loggers import logger_option, logger_sinks
from benchmark.cli.mistakes import ACCELERATOR_ALIASES, refuse_words
from benchmark.cli.options import (
    Folder,
    ImportPath,
    InputFile,
    Names,
    OptimizerList,
    Real,
    Seeds,
    Whole,
    read_config,
)
from benchmark.cli.terminal import Terminal
from benchmark.complete import complete
from benchmark.launchers import Launcher, Limits, make_launcher
from benchmark.mirror.destination import MODES, WandbOptions
from benchmark.mirror.logger import FOLDER, LoggerSpec
from benchmark.models.registry import MODELS
from benchmark.planning import Planner
from benchmark.problems import PROBLEMS
from benchmark.request import DIAGNOSTICS_EVERY, Request
from benchmark.spec import ACCELERATORS, PRECISIONS
from benchmark.store import Store

_FOLDER = Folder()


@click.command(name="run")
@click.option(
    "--model",
    "models",
    type=Names("model", list(MODELS), paths=True),
    help="Models to train, such as mlp.",
)
@click.option(
    "--dataset", type=ImportPath(), help="Data set.  [default: that of the model's paper]"
)
@click.option(
    "--problem",
    "problems",
    type=Names("problem", list(PROBLEMS)),
    help="Problems such as mlp/mnist; replaces --model and --dataset.",
)
@click.option(
    "--opts",
    type=OptimizerList(),
    default="all",
    show_default=True,
    help="Optimizers to train with: name, name:lr=0.1|0.01, name@label:…, import.path.Class, all.",
)
@click.option(
    "--seeds",
    type=Seeds(),
    default=5,
    show_default=True,
    help="Seeds per optimizer: how many (5 means seeds 0 to 4), or which ones (100-109).",
)
@click.option("--epochs", type=Whole(1_000_000), help="Passes over the training data.")
@click.option("--batch-size", type=Whole(1_000_000), help="Examples per step.")
@click.option(
    "--dropout/--no-dropout", default=None, help="Switch the model's own dropout on or off."
)
@click.option("--l2", type=Real(), help="Coefficient λ of the penalty λ/2·‖w‖².")
@click.option(
    "--accelerator",
    "accelerators",
    type=Names("accelerator", ACCELERATORS, aliases=ACCELERATOR_ALIASES),
    default="cpu",
    show_default=True,
    help="Devices to train on: one or more of cpu, gpu, mps.",
)
@click.option(
    "--precision",
    "precisions",
    type=Names("precision", PRECISIONS),
    default="32-true",
    show_default=True,
    help=f"Number formats to train in: one or more of {', '.join(PRECISIONS)}.",
)
@click.option(
    "--threads", type=Whole(1_024), default=1, show_default=True, help="CPU threads per trial."
)
@click.option(
    "--log-every",
    type=Whole(1_000_000),
    default=50,
    show_default=True,
    help="Log the running loss every N steps.",
)
@click.option(
    "--diagnostics",
    type=Whole(1_000_000),
    is_flag=False,
    flag_value=DIAGNOSTICS_EVERY,
    help="Log what the optimizer does to each layer every N steps; without a number, "
    f"every {DIAGNOSTICS_EVERY}.",
)
@click.option(
    "--study",
    default="default",
    show_default=True,
    help="Name of the study, its folder and its W&B group.",
)
@click.option(
    "--results",
    type=_FOLDER,
    default=Path("results"),
    show_default=True,
    help="Folder of all studies.",
)
@click.option(
    "--data-dir",
    type=Folder(exists=True),
    envvar="BENCHMARK_DATA_DIR",
    show_envvar=True,
    help="Folder of data sets that you downloaded yourself.",
)
@click.option(
    "--cache-dir",
    type=_FOLDER,
    envvar="BENCHMARK_CACHE_DIR",
    show_envvar=True,
    help="Folder for prepared data.",
)
@click.option(
    "--workers",
    type=Whole(1_024, auto=True),
    default="auto",
    show_default=True,
    help="Trials to run in parallel.",
)
@click.option(
    "--gpu-slots",
    type=Whole(64),
    default=1,
    show_default=True,
    help="Trials to run in parallel on each GPU.",
)
@click.option(
    "--timeout",
    type=Real(positive=True),
    help="Kill a trial, or the preparation of a data set, after this many seconds.",
)
@click.option(
    "--wandb",
    "mode",
    type=click.Choice(MODES),
    default="auto",
    show_default=True,
    help="Copy the runs to W&B; auto means online if you are logged in and the server answers, "
    "otherwise offline.",
)
@click.option(
    "--wandb-project",
    "project",
    default="optimizer-benchmark",
    show_default=True,
    help="W&B project.",
)
@click.option("--wandb-entity", "entity", help="W&B team or user that owns the runs.")
@logger_option(
    "Also feed a Lightning logger, such as lightning.pytorch.loggers.CSVLogger; may be given "
    f"several times. A logger that takes a folder writes to RESULTS/STUDY/{FOLDER} by default."
)
@click.option(
    "--config",
    type=InputFile(),
    callback=read_config,
    is_eager=True,
    help="TOML file with values for any of these options.",
)
@click.option(
    "--dry-run",
    is_flag=True,
    help="Only print what would run, how long it takes and its disk space.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.argument("words", nargs=-1, metavar="")
def command(
    words: tuple[str, ...],
    study: str,
    results: Path,
    workers: int,
    gpu_slots: int,
    timeout: float | None,
    mode: Any,
    project: str,
    entity: str | None,
    loggers: tuple[LoggerSpec, ...],
    dry_run: bool,
    as_json: bool,
    **asked: Any,
) -> int:
    """Run the trials that have no record yet, then print one table per problem."""
    refuse_words(words)
    store = Store(results, study)
    request = _request(**asked)
    limits = Limits(workers=workers, gpu_slots=gpu_slots, timeout_seconds=timeout)
    launcher = make_launcher("local", limits)
    wandb = WandbOptions(mode=mode, project=project, entity=entity)
    terminal = Terminal(console(stderr=as_json), store, launcher, wandb, loggers)
    if dry_run:
        logger_sinks(loggers, store)
        return _forecast(request, store, launcher, terminal, as_json=as_json)
    return terminal.report(complete(request, store, launcher, terminal), as_json=as_json)


def _request(
    *,
    problems: tuple[str, ...] | None,
    models: tuple[str, ...] | None,
    diagnostics: int | None,
    config: Path | None,
    **asked: Any,
) -> Request:
    """Return the request; options that are not named here have the names of its fields."""
    return Request(
        problems=problems or (),
        models=models or (),
        diagnostics_every=diagnostics or 0,
        **asked,
    )


def _forecast(
    request: Request, store: Store, launcher: Launcher, terminal: Terminal, *, as_json: bool
) -> int:
    """Print what would run, or raise the UsageError that the run would raise."""
    planner = Planner(request, store)
    plan = planner.plan()
    for notice in plan.notices:
        terminal.noticed(notice)
    planner.check_here(plan)
    found = forecast(plan, store, launcher.num_at_once(request.threads))
    if as_json:
        click.echo(json.dumps(found.to_json(), indent=1))
    else:
        for line in found.lines():
            terminal.say(line)
    return 0
