"""``run``: plan trials, launch those that have no record yet, print the tables."""

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
    Whole,
    read_config,
)
from benchmark.cli.terminal import Terminal
from benchmark.complete import complete
from benchmark.launchers import Launcher, Limits, make_launcher
from benchmark.launchers.devices import ACCELERATORS, PRECISIONS
from benchmark.mirror.destination import MODES, WandbOptions
from benchmark.mirror.logger import FOLDER, LoggerSpec
from benchmark.models.registry import MODELS
from benchmark.planning import Planner
from benchmark.problems import PROBLEMS
from benchmark.request import DIAGNOSTICS_EVERY, Request
from benchmark.store import Store

_FOLDER = Folder()


@click.command(name="run")
@click.option(
    "--model", "models", type=Names("model", list(MODELS), paths=True), help="Models to train."
)
@click.option(
    "--dataset", type=ImportPath(), help="Data set instead of the one of the model's paper."
)
@click.option(
    "--problem", "problems", type=Names("problem", list(PROBLEMS)), help="Instead of --model."
)
@click.option(
    "--opts",
    type=OptimizerList(),
    default="all",
    show_default=True,
    help="Optimizers: name, name:lr=0.1|0.01, name@label:…, import.path.Class, all.",
)
@click.option(
    "--seeds",
    type=Whole(10_000, hint="how many there are; 3 makes seeds 0, 1 and 2"),
    default=3,
    show_default=True,
    help="Seeds per optimizer.",
)
@click.option("--epochs", type=Whole(1_000_000), help="Passes over the training data.")
@click.option("--batch-size", type=Whole(1_000_000), help="Examples per step.")
@click.option("--dropout/--no-dropout", default=None, help="The model's own dropout.")
@click.option("--l2", type=Real(), help="λ of a penalty λ/2·‖w‖².")
@click.option(
    "--accelerator",
    "accelerators",
    type=Names("accelerator", ACCELERATORS, aliases=ACCELERATOR_ALIASES),
    default="cpu",
    show_default=True,
    help="One or more of cpu, gpu, mps.",
)
@click.option(
    "--precision",
    "precisions",
    type=Names("precision", PRECISIONS),
    default="32-true",
    show_default=True,
    help=f"One or more of {', '.join(PRECISIONS)}.",
)
@click.option(
    "--threads", type=Whole(1_024), default=1, show_default=True, help="CPU threads per trial."
)
@click.option(
    "--log-every",
    type=Whole(1_000_000),
    default=50,
    show_default=True,
    help="Steps between two losses.",
)
@click.option(
    "--diagnostics",
    type=Whole(1_000_000),
    is_flag=False,
    flag_value=DIAGNOSTICS_EVERY,
    help=f"Look inside the optimizer every so many steps; {DIAGNOSTICS_EVERY} without a number.",
)
@click.option("--study", default="default", show_default=True, help="Folder and W&B group.")
@click.option("--results", type=_FOLDER, default=Path("results"), show_default=True)
@click.option(
    "--data-dir",
    type=Folder(exists=True),
    envvar="BENCHMARK_DATA_DIR",
    show_envvar=True,
    help="Where data sets were laid down by hand.",
)
@click.option(
    "--cache-dir",
    type=_FOLDER,
    envvar="BENCHMARK_CACHE_DIR",
    show_envvar=True,
    help="Where prepared data go.",
)
@click.option(
    "--workers", type=Whole(1_024, auto=True), default="auto", show_default=True, help="At once."
)
@click.option(
    "--gpu-slots", type=Whole(64), default=1, show_default=True, help="Trials at once per GPU."
)
@click.option(
    "--timeout", type=Real(positive=True), help="Seconds per trial, and for preparing a data set."
)
@click.option("--wandb", "mode", type=click.Choice(MODES), default="auto", show_default=True)
@click.option("--wandb-project", "project", default="optimizer-benchmark", show_default=True)
@click.option("--wandb-entity", "entity", help="W&B team or user.")
@logger_option(
    "Also feed a Lightning logger, such as lightning.pytorch.loggers.CSVLogger; several times for "
    f"several. Its folder, where it takes one and none is given: RESULTS/STUDY/{FOLDER}."
)
@click.option(
    "--config",
    type=InputFile(),
    callback=read_config,
    is_eager=True,
    help="TOML file with any of these options.",
)
@click.option("--dry-run", is_flag=True, help="Say what would run, its time and its disk space.")
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
    """Run trials that have no record yet, then print a table per problem."""
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
    """Return what is asked for; the other options have the names of its fields."""
    return Request(
        problems=problems or (),
        models=models or (),
        diagnostics_every=diagnostics or 0,
        **asked,
    )


def _forecast(
    request: Request, store: Store, launcher: Launcher, terminal: Terminal, *, as_json: bool
) -> int:
    """Say what would run, or refuse what would be refused."""
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
