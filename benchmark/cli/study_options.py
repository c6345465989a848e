"""Options that ``run`` and ``compare`` share, and what both do with them."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args

import click

from benchmark.cli.console import console
from benchmark.cli.forecast import forecast
from benchmark.cli.launcher_options import launcher_options, take_launcher_options
from benchmark.cli.loggers import logger_option, logger_sinks
from benchmark.cli.mistakes import ACCELERATOR_ALIASES
from benchmark.cli.options import (
    Folder,
    ImportPath,
    InputFile,
    Names,
    OneOf,
    Real,
    Seeds,
    StackSize,
    Whole,
    read_config,
    results_option,
)
from benchmark.cli.terminal import Terminal
from benchmark.complete import check_runnable, complete
from benchmark.launchers import (
    DEFAULT,
    LAUNCHERS,
    Launcher,
    Limits,
    Previewer,
    make_launcher,
)
from benchmark.mirror.destination import MODES, PROJECT, WandbOptions
from benchmark.mirror.logger import FOLDER, LoggerSpec
from benchmark.planning import Planner
from benchmark.problems import PROBLEMS
from benchmark.protocols import SAMPLERS
from benchmark.request import DIAGNOSTICS_EVERY, Request
from benchmark.spec import ACCELERATORS, PRECISIONS
from benchmark.store import Store
from optimizers.spaces import Kind

_Function = TypeVar("_Function", bound=Callable[..., Any])


def study_options(*, seeds: int, study: str | None) -> Callable[[_Function], _Function]:
    """Return a decorator that adds the shared options to a command.

    Args:
        seeds: Default of ``--seeds``.
        study: Default of ``--study``; None if the command finds one.
    """

    def add(function: _Function) -> _Function:
        for option in reversed(_options(seeds, study)):
            function = option(function)
        return function

    return add


def _options(seeds: int, study: str | None) -> list[Callable[[Any], Any]]:
    return [
        click.option(
            "--seeds",
            type=Seeds(),
            default=seeds,
            show_default=True,
            help=f"Seeds per optimizer: a number ({seeds} means 0 to {seeds - 1}), or the seeds "
            "themselves (100-109).",
        ),
        _STAGES,
        *_TRAINING,
        *_TUNING,
        click.option(
            "--study",
            default=study,
            show_default=study or "named after the optimizer",
            help="Name of the study, its folder and its W&B group.",
        ),
        *_PLACE,
    ]


_STAGES = click.option(
    "--stages",
    type=Whole(2, hint="how many looks at the seeds are declared, the second with more seeds"),
    help="Number of times you will look at the results (1 or 2). With 2 you may add seeds after "
    "the first look; each look is tested at 2.5 %.  [default: as declared before, 1 if new]",
)
_TRAINING: list[Callable[[Any], Any]] = [
    click.option("--epochs", type=Whole(1_000_000), help="Passes over the training data."),
    click.option("--batch-size", type=Whole(1_000_000), help="Examples per step."),
    click.option(
        "--dropout/--no-dropout", default=None, help="Switch the model's own dropout on or off."
    ),
    click.option("--l2", type=Real(), help="Coefficient λ of the penalty λ/2·‖w‖²."),
    click.option(
        "--accelerator",
        "accelerators",
        type=Names("accelerator", ACCELERATORS, aliases=ACCELERATOR_ALIASES),
        default="cpu",
        show_default=True,
        help="Devices to train on: one or more of cpu, gpu, mps.",
    ),
    click.option(
        "--precision",
        "precisions",
        type=Names("precision", PRECISIONS),
        default="32-true",
        show_default=True,
        help=f"Number formats to train in: one or more of {', '.join(PRECISIONS)}.",
    ),
    click.option(
        "--threads", type=Whole(1_024), default=1, show_default=True, help="CPU threads per trial."
    ),
    click.option(
        "--log-every",
        type=Whole(1_000_000),
        default=50,
        show_default=True,
        help="Log the running loss every N steps.",
    ),
    click.option(
        "--diagnostics",
        type=Whole(1_000_000),
        is_flag=False,
        flag_value=DIAGNOSTICS_EVERY,
        help="Measure what the optimizer does to each layer, every N steps; without a number, "
        f"every {DIAGNOSTICS_EVERY} steps.",
    ),
]
_TUNING: list[Callable[[Any], Any]] = [
    click.option(
        "--space",
        type=OneOf("space", get_args(Kind)),
        default="lr",
        show_default=True,
        help="Hyperparameters to tune if an optimizer has no range: the learning rate, or all in "
        "its registered space. Shipped baselines were tuned over the same.",
    ),
    click.option(
        "--reuse-baselines/--no-reuse-baselines",
        default=True,
        show_default=True,
        help="Reuse finished trials from the shipped baselines, after training one of them "
        "again as a check; or train all trials here.",
    ),
    click.option(
        "--train-here",
        type=Names("problem", list(PROBLEMS)),
        default=(),
        help="Problems, or all, whose trials are all trained here, also those that the shipped "
        "baselines have. Trials on record stay; another --study trains them again.",
    ),
    click.option(
        "--sampler",
        type=OneOf("sampler", list(SAMPLERS)),
        default="halton",
        show_default=True,
        help="Method that chooses the points to try: halton (spread evenly, the same for every "
        "user), random, or optuna.",
    ),
    click.option(
        "--budget-curve",
        is_flag=True,
        help="Also train the points that smaller budgets (1, 2, 4, …) would have chosen on the "
        "fresh seeds, and show the loss against the budget. With 16 points these are about 2 more "
        "settings for each optimizer, each on all seeds.",
    ),
]
data_dir_option = click.option(
    "--data-dir",
    type=Folder(exists=True),
    envvar="BENCHMARK_DATA_DIR",
    show_envvar=True,
    help="Folder of data sets that you downloaded yourself.",
)
cache_dir_option = click.option(
    "--cache-dir",
    type=Folder(),
    envvar="BENCHMARK_CACHE_DIR",
    show_envvar=True,
    help="Folder for prepared data.",
)
launcher_option = click.option(
    "--launcher",
    type=ImportPath(LAUNCHERS),
    default=DEFAULT,
    show_default=True,
    help=f"Where trials run: {', '.join(LAUNCHERS)}, or the import path of a launcher class.",
)
workers_option = click.option(
    "--workers",
    "--jobs",
    "workers",
    type=Whole(1_024, auto=True),
    default="auto",
    show_default=True,
    help="Trials to run in parallel.",
)
stack_option = click.option(
    "--stack",
    type=StackSize(),
    default="auto",
    show_default=True,
    help="Train several trials of one problem as one network. auto: where this saves time and "
    "keeps every bit of the results; off: never; a number: up to so many trials in one "
    "network, even where the last bits of results differ. Seconds of such trials are not "
    "compared.",
)
gpu_slots_option = click.option(
    "--gpu-slots",
    type=Whole(64),
    default=1,
    show_default=True,
    help="Trials to run in parallel on each GPU.",
)
timeout_option = click.option(
    "--timeout",
    type=Real(positive=True),
    help="Kill a trial, or the preparation of a data set, after this many seconds; trials that "
    "train as one network have that many for each of them.",
)
dry_run_option = click.option(
    "--dry-run",
    is_flag=True,
    help="Print what would run, its time and its disk space; run nothing.",
)
as_json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
_PLACE: list[Callable[[Any], Any]] = [
    results_option,
    data_dir_option,
    cache_dir_option,
    launcher_option,
    *launcher_options(),
    workers_option,
    stack_option,
    gpu_slots_option,
    timeout_option,
    click.option(
        "--wandb",
        "mode",
        type=click.Choice(MODES),
        default="auto",
        show_default=True,
        help="Copy the runs to W&B; auto means online if you are logged in and the server answers, "
        "otherwise offline.",
    ),
    click.option(
        "--wandb-project",
        "project",
        default=PROJECT,
        show_default=True,
        help="W&B project.",
    ),
    click.option("--wandb-entity", "entity", help="W&B team or user that owns the runs."),
    logger_option(
        "Also feed a Lightning logger, such as lightning.pytorch.loggers.CSVLogger; may be given "
        "several times. A logger that takes a folder writes to "
        f"RESULTS/STUDY/{FOLDER} by default."
    ),
    click.option(
        "--config",
        type=InputFile(),
        callback=read_config,
        is_eager=True,
        help="TOML file with values for any of these options.",
    ),
    dry_run_option,
    as_json_option,
]


@dataclass(frozen=True, kw_only=True)
class Outside:
    """The options that say where and how a study runs; they decide no result.

    Args:
        results: Folder of all studies.
        study: The study's name.
        launcher: Name or import path of the launcher.
        limits: Limits of the launcher.
        wandb: Options for the copies on W&B.
        loggers: Lightning loggers that get copies too.
        dry_run: Print what would run, and run nothing.
        as_json: Print JSON.
    """

    results: Path
    study: str
    launcher: str
    limits: Limits
    wandb: WandbOptions
    loggers: tuple[LoggerSpec, ...]
    dry_run: bool
    as_json: bool

    def store(self) -> Store:
        """Return the study's folder."""
        return Store(self.results, self.study)

    @classmethod
    def taken_from(cls, options: dict[str, Any], study: str) -> "Outside":
        """Return these options and remove them from `options`, which keeps those of a request."""
        take = options.pop
        take("config")
        return cls(
            results=take("results"),
            study=study,
            launcher=take("launcher"),
            limits=Limits(
                workers=take("workers"),
                gpu_slots=take("gpu_slots"),
                timeout_seconds=take("timeout"),
                options=take_launcher_options(options),
            ),
            wandb=WandbOptions(mode=take("mode"), project=take("project"), entity=take("entity")),
            loggers=take("loggers"),
            dry_run=take("dry_run"),
            as_json=take("as_json"),
        )


def carry_out(request: Request, outside: Outside) -> int:
    """Complete the study of `request` and print its results; return the exit code."""
    store = outside.store()
    launcher = make_launcher(outside.launcher, outside.limits)
    screen = console(stderr=outside.as_json)
    terminal = Terminal(screen, store, launcher, outside.wandb, outside.loggers)
    if outside.dry_run:
        logger_sinks(outside.loggers, store)
        return _forecast(request, store, launcher, terminal, as_json=outside.as_json)
    records = complete(request, store, launcher, terminal)
    return terminal.report(records, as_json=outside.as_json)


def _forecast(
    request: Request, store: Store, launcher: Launcher, terminal: Terminal, *, as_json: bool
) -> int:
    """Print what would run, or raise the UsageError that the run would raise."""
    planner = Planner(request, store)
    plan = planner.plan()
    for notice in plan.notices:
        terminal.noticed(notice)
    planner.check_here(plan)
    if plan.missing:
        check_runnable(plan.trials, launcher)
    workers = min(launcher.num_at_once(request.threads, each) for each in request.accelerators)
    found = forecast(plan, store, launcher, workers, is_full=True)
    if as_json:
        click.echo(json.dumps(found.to_json(), indent=1))
    else:
        for line in found.lines():
            terminal.say(line)
        if isinstance(launcher, Previewer) and plan.missing:
            terminal.say(f"\n{launcher.preview(plan.missing, store)}")
    return 0
