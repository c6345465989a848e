"""``run``: plan trials, launch those that have no record yet, print the tables."""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

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
from benchmark.cli.plan import START_SECONDS, Durations, Wish, estimate_bytes, settle
from benchmark.context import Context
from benchmark.launchers.devices import ACCELERATORS, PRECISIONS, cpu_cores, gpu_ids, why_not
from benchmark.mirror.destination import MODES
from benchmark.mirror.ledger import has_left_over
from benchmark.models.registry import MODELS
from benchmark.problems import PROBLEMS, problems_of
from benchmark.report.table import print_tables, tables_as_json
from benchmark.report.words import counted
from benchmark.spec import Study, Trial, UsageError, Workload, check_study_name
from benchmark.store import FINISHED, Record, Store
from datamodules.errors import DataUnavailableError
from optimizers.grammar import build_once, describe
from optimizers.spec import OptimizerSpec, SpecError

if TYPE_CHECKING:
    from benchmark.mirror.live import Sink
    from benchmark.prepared import Prepared

_PIPE_WIDTH = 100  # of tables that go into a file
DIAGNOSTICS_EVERY = 20  # measured in docs/performance.md
_FOLDER = Folder()


@dataclass(frozen=True, kw_only=True)
class _Options:
    """The options that say how to run, not what."""

    workers: int
    gpu_slots: int
    timeout: float | None
    dry_run: bool
    as_json: bool


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
@click.option("--wandb", type=click.Choice(MODES), default="auto", show_default=True)
@click.option("--wandb-project", default="optimizer-benchmark", show_default=True)
@click.option("--wandb-entity", help="W&B team or user.")
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
def command(**options: Any) -> int:
    """Run trials that have no record yet, then print a table per problem."""
    refuse_words(options.pop("words"))
    options.pop("config")
    check_study_name(options["study"])
    how = _Options(**{name: options.pop(name) for name in _Options.__dataclass_fields__})
    where = _wandb_options(options)
    wish = _wish(options)
    for model in wish.models:  # names are checked before torch is loaded for the optimizers
        problems_of(model, wish.dataset)
    if not how.dry_run:
        _make_folders(options["results"], wish.cache_dir)
    try:
        specs = describe(options["opts"])
    except SpecError as error:
        raise UsageError(f"--opts: {error}") from None
    runner = _Run(wish, options, specs, how, where)
    return runner()


def _make_folders(*folders: Path | None) -> None:
    for folder in folders:
        try:
            if folder is not None:
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"folder {folder} cannot be made: {error.strerror}") from None


def _wandb_options(options: dict[str, Any]) -> dict[str, Any]:
    return {
        "mode": options.pop("wandb"),
        "project": options.pop("wandb_project"),
        "entity": options.pop("wandb_entity"),
    }


def _wish(options: dict[str, Any]) -> Wish:
    problems, models = options["problems"], options["models"]
    if problems and (models or options["dataset"]):
        raise UsageError("--problem already says model and data set: leave --model, --dataset out")
    if not problems and not models:
        raise UsageError(
            f"nothing to run: give --model {'|'.join(MODELS)}|all, or --problem NAME|all"
        )
    names = Wish.__dataclass_fields__
    return Wish(
        **{name: options[name] for name in names if name not in ("problems", "models")},
        problems=problems or (),
        models=models or (),
    )


class _Run:
    """One call of the verb, from the wish to the exit code."""

    def __init__(
        self,
        wish: Wish,
        options: dict[str, Any],
        specs: Sequence[OptimizerSpec],
        how: _Options,
        where: dict[str, Any],
    ) -> None:
        self._wish = wish
        self._options = options
        self._specs = specs
        self._optimizers = tuple(spec.to_json() for spec in specs)
        self._how = how
        self._where = where
        self._store = Store(options["results"], options["study"])
        self._console = console(stderr=how.as_json)
        self._noticed: set[str] = set()
        self._grids: dict[Workload, list[Trial]] = {}
        self._results: dict[str, Record] = {}  # by key: a result is read once, and stays one

    def __call__(self) -> int:
        trials = self._plan({})
        missing = self._missing(trials)
        if self._how.dry_run:
            self._check_optimizers(self._specs)
            self._check_plugins()
            return self._say_plan(trials, missing, None)
        if missing:
            from benchmark.launchers.server import started_early

            self._check_optimizers([spec for spec in self._specs if "." in spec.name])
            with started_early():
                trials = self._launch(trials, missing)
        elif has_left_over(self._store.folder):
            self._complete_mirrors()
        return self._report(trials, ran=bool(missing))

    def _missing(self, trials: Sequence[Trial]) -> list[Trial]:
        for trial in trials:
            if trial.key not in self._results:
                record = self._store.record(trial)
                if record is not None and record.status in FINISHED:
                    self._results[trial.key] = record
        return [trial for trial in trials if trial.key not in self._results]

    def _check_optimizers(self, specs: Sequence[OptimizerSpec]) -> None:
        """Check hyperparameters here, where torch is loaded for it."""
        try:
            build_once(specs)
        except SpecError as error:
            raise UsageError(f"--opts: {error}") from None

    def _check_plugins(self) -> None:
        """Raise UsageError for a model or data set that a worker would refuse."""
        models = [name for name in self._wish.models if "." in name]
        dataset = self._wish.dataset or ""
        if models or "." in dataset:
            from benchmark.plugins import data_module_class, model_class  # loads Lightning

            for name in models:
                model_class(name)
            if "." in dataset:
                data_module_class(dataset)

    def _say(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def _plan(self, known_missing: dict[str, str]) -> list[Trial]:
        workloads, notices = settle(self._wish, known_missing, self._on_record)
        for notice in notices:
            if notice not in self._noticed:
                self._say(notice)
        self._noticed.update(notices)
        return self._trials(workloads)

    def _on_record(self, workload: Workload) -> bool:
        return not self._missing(self._trials([workload]))

    def _trials(self, workloads: Sequence[Workload]) -> list[Trial]:
        for workload in workloads:
            if workload not in self._grids:
                self._grids[workload] = self._grid(workload)
        trials = (trial for workload in workloads for trial in self._grids[workload])
        return list({trial.key: trial for trial in trials}.values())

    def _grid(self, workload: Workload) -> list[Trial]:
        options = self._options
        study = Study(
            name=options["study"],
            workloads=(workload,),
            optimizers=self._optimizers,
            seeds=tuple(range(options["seeds"])),
            accelerators=options["accelerators"],
            precisions=options["precisions"],
            threads=options["threads"],
            log_every=options["log_every"],
            diagnostics_every=options["diagnostics"] or 0,
        )
        return study.trials()

    def _prepare(self, trials: list[Trial], context: Context) -> list[Trial]:
        """Return the trials whose data are prepared: `trials`, or those on what stands in."""
        from benchmark.launchers.local import prepare

        unavailable: dict[str, str] = {}
        while True:
            missing = self._missing(trials)
            wanted = sorted({(t.dataset, t.model, t.dropout) for t in missing})
            for dataset, model, dropout in wanted:
                try:
                    with self._console.status(f"preparing {dataset}"):
                        found = prepare([(dataset, model, dropout)], context, self._how.timeout)
                    self._take(found)
                except DataUnavailableError as error:
                    if dataset in unavailable:
                        raise
                    unavailable[dataset] = str(error)
                    trials = self._plan(unavailable)
                    break
            else:
                return trials

    def _take(self, found: "Sequence[Prepared]") -> None:
        """Say where data come from, once, and refuse to mix them with others in one study."""
        from benchmark.prepared import check_same_data

        for prepared in found:
            check_same_data(self._store.study, self._store.records(), prepared)
            if str(prepared) not in self._noticed:
                self._say(f"data        {prepared}")
                for notice in prepared.notices:
                    self._say(f"warning: {notice}")
            self._noticed.add(str(prepared))

    def _launch(self, trials: list[Trial], missing: list[Trial]) -> list[Trial]:
        from benchmark.cli.mirrors import choose_sinks
        from benchmark.environment import environment  # what follows needs time and memory
        from benchmark.launchers.rehearse import check_hyperparameters, rehearse

        sinks, place = choose_sinks(self._where, self._store, len(missing))
        self._say_plan(trials, missing, place)
        context = Context(
            data_dir=self._wish.data_dir and self._wish.data_dir.resolve(),
            cache_dir=self._wish.cache_dir and self._wish.cache_dir.resolve(),
            environment=environment(),
        )
        with self._console.status("checking optimizers"):
            check_hyperparameters(self._specs)
        trials = self._prepare(trials, context)
        runnable = self._runnable(self._missing(trials), context)
        with self._console.status("rehearsing optimizers"):
            rehearse(runnable, context, self._how.timeout)
        self._run(runnable, context, sinks)
        return trials

    def _complete_mirrors(self) -> None:
        """Complete the runs that a process which is gone has left over."""
        from benchmark.cli.mirrors import choose_sinks, mirrored

        sinks, _ = choose_sinks(self._where, self._store, 0)
        with mirrored(sinks, self._store, self._console):
            pass

    def _runnable(self, trials: list[Trial], context: Context) -> list[Trial]:
        """Return the trials that this machine can run; the others get ``skipped`` records."""
        reasons = {
            (t.accelerator, t.precision): why_not(t.accelerator, t.precision) for t in trials
        }
        for trial in trials:
            reason = reasons[trial.accelerator, trial.precision]
            if reason:
                self._skip(trial, reason, context)
        return [t for t in trials if not reasons[t.accelerator, t.precision]]

    def _skip(self, trial: Trial, reason: str, context: Context) -> None:
        # Another process, with another machine, may run the trial or have its result.
        with suppress(BlockingIOError), self._store.claim(trial, wait=False):
            if self._store.missing([trial]):
                self._store.begin(trial)
                self._store.write(
                    Record(
                        trial=trial,
                        status="skipped",
                        reason=reason,
                        environment=context.environment,
                    )
                )

    def _run(self, trials: list[Trial], context: Context, sinks: "Sequence[Sink]") -> None:
        from benchmark.cli.mirrors import mirrored
        from benchmark.cli.progress import Progress
        from benchmark.launchers.local import Devices, LocalLauncher
        from benchmark.launchers.watchers import Together

        workers = self._workers()
        durations = Durations(self._store.records())
        gpus = gpu_ids() if any(trial.accelerator == "gpu" for trial in trials) else ()
        devices = Devices(workers=workers, gpus=gpus, slots_per_gpu=self._how.gpu_slots)
        with (
            mirrored(sinks, self._store, self._console) as mirrors,
            Progress(self._console, trials, durations.estimate_seconds, workers) as progress,
        ):
            watcher = Together(progress, *mirrors)
            LocalLauncher(context, devices, watcher, self._how.timeout)(trials, self._store)

    def _workers(self) -> int:
        return self._how.workers or max(1, cpu_cores() // self._options["threads"])

    def _say_plan(self, trials: list[Trial], missing: list[Trial], place: str | None) -> int:
        from benchmark.cli.progress import in_words

        durations = Durations(self._store.records() if missing else [])
        seconds = sum(map(durations.estimate_seconds, missing)) / self._workers()
        seconds += START_SECONDS if missing else 0.0
        problems = {f"{t.problem} ({counted(t.epochs, 'epoch')})": None for t in trials}
        plan = {
            "problems": list(problems),
            "optimizers": list({t.label: None for t in trials}),
            "seeds": self._options["seeds"],
            "trials": len(trials),
            "to run": len(missing),
            "minutes": round(seconds / 60, 1),
            "disk MB": round(
                estimate_bytes(missing, self._wish.data_dir, self._wish.cache_dir) / 1e6, 1
            ),
            "results": str(self._store.folder),
        }
        if self._how.dry_run and self._how.as_json:
            click.echo(json.dumps(plan, indent=1))
            return 0
        self._say(f"problems    {', '.join(plan['problems'])}")
        self._say(f"optimizers  {', '.join(plan['optimizers'])}")
        self._say(
            f"trials      {len(trials)} with {counted(plan['seeds'], 'seed')}, "
            f"{len(missing)} to run, "
            f"about {in_words(seconds)} with {counted(self._workers(), 'worker')}"
        )
        self._say(f"results     {plan['results']}, about {plan['disk MB']} MB with prepared data")
        if place:
            self._say(place)
        return 0

    def _report(self, trials: Sequence[Trial], *, ran: bool) -> int:
        self._missing(trials)
        known = (self._results.get(trial.key) or self._store.record(trial) for trial in trials)
        found = [record for record in known if record is not None]
        if self._how.as_json:
            click.echo(json.dumps(tables_as_json(found), indent=1))
        else:
            print_tables(self._console, found)
            done = "" if ran else "all trials were on record; "
            self._say(f"\n{done}files: {self._store.folder}   again: {_verb('show', self._store)}")
            self._say(f"as a page: {_verb('report', self._store)}")
        lacking = len(trials) - len(found)
        if lacking:
            self._say(
                f"{counted(lacking, 'trial')} without a record: another process has them; "
                "the same command goes on"
            )
        return 1 if lacking or any(record.status == "failed" for record in found) else 0


def console(*, stderr: bool = False) -> Console:
    """Return the console of all verbs, wide enough for the tables where its output is no screen."""
    found = Console(stderr=stderr, highlight=False)
    if found.is_terminal:
        return found
    return Console(stderr=stderr, highlight=False, width=max(found.width, _PIPE_WIDTH))


def _verb(verb: str, store: Store) -> str:
    """Return the command that does `verb` with the study of `store`."""
    root = store.folder.parent
    option = "" if root == Path("results") else f" --results {root}"
    return f"python -m benchmark {verb} {store.study}{option}"
