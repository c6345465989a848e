"""The verb ``paper``: the experiments of a paper, run again, and a verdict on each claim."""

import json
import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console

from benchmark.atomic import write_text
from benchmark.cli.console import console
from benchmark.cli.launcher_options import launcher_options, take_launcher_options
from benchmark.cli.mistakes import ACCELERATOR_ALIASES
from benchmark.cli.options import Folder, OneOf, Whole
from benchmark.cli.paper_forecast import forecast, forecast_as_json
from benchmark.cli.paper_terminal import PaperTerminal
from benchmark.cli.study_options import (
    as_json_option,
    cache_dir_option,
    data_dir_option,
    dry_run_option,
    gpu_slots_option,
    launcher_option,
    stack_option,
    timeout_option,
    workers_option,
)
from benchmark.errors import UsageError
from benchmark.launchers import Limits, make_launcher
from benchmark.paper.cases import cases_of, why_not_yet
from benchmark.paper.cost import LeftOut, Pace, fitting
from benchmark.paper.evidence import CostsOnRecord, evidence
from benchmark.paper.judgement import PaperVerdict, judge_paper
from benchmark.paper.plan import EXTENTS, Extent, Plan
from benchmark.paper.rules import rules
from benchmark.problems import PROBLEMS
from benchmark.report.paper.table import print_verdicts, verdicts_as_json
from benchmark.report.words import counted
from benchmark.reproduction import Place, reproduce
from benchmark.spec import ACCELERATORS
from datamodules.errors import DataUnavailableError
from datamodules.places import which_unavailable

RESULTS = Path("results/paper-adam")
_FILES = ("html", "md")
_FORMATS = {"html": "paper.html", "md": "paper.md"} | dict.fromkeys(
    ("pdf", "svg", "png"), "figures"
)
_Function = TypeVar("_Function", bound=Callable[..., Any])


def _with_launcher_options(function: _Function) -> _Function:
    for option in reversed(launcher_options()):
        function = option(function)
    return function


@click.command(name="paper")
@click.argument("paper", type=click.Choice(["adam"]), metavar="PAPER")
@click.option(
    "--figures",
    default="",
    metavar="FIGURES",
    help="Figures of the paper, such as 1,2a,4; 2 means both panels.  [default: all]",
)
@click.option(
    "--claims",
    default="",
    metavar="CLAIMS",
    help="Claims by their names, such as fig3-rapid,fig3-third-epoch.  [default: all of the "
    "figures]",
)
@click.option(
    "--scale",
    type=OneOf("scale", list(EXTENTS)),
    default="hour",
    show_default=True,
    help="hour: the claims in order, and then their variants, as far as they fit into one hour on "
    "this machine; claims: all claims without their variants; full: all of both; demo: all of both "
    "with 3 epochs and 2 seeds, to try the command, which decides no claim.",
)
@click.option(
    "--epochs",
    type=Whole(1_000_000),
    help="Most epochs of a trial; claims on later epochs get no verdict, and say so.",
)
@click.option(
    "--results",
    type=Folder(),
    default=RESULTS,
    show_default=True,
    help="Folder of the results, with a study for each experiment.",
)
@click.option(
    "--format",
    "kind",
    type=OneOf("format", list(_FORMATS)),
    help="Train nothing, and write the results so far: html: a page; md: a Markdown document with "
    "its pictures in the folder of the same name beside it; pdf, svg, png: figures for print.  "
    "[default: by the ending of --out]",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="File to write the page or document to, or folder for the figures.  [default: "
    "paper.html, paper.md, figures in the folder of the results]",
)
@data_dir_option
@cache_dir_option
@click.option(
    "--accelerator",
    type=OneOf("accelerator", ACCELERATORS, aliases=ACCELERATOR_ALIASES),
    help=f"Device to train on: {', '.join(ACCELERATORS)}.  [default: that of the results so far, "
    "or cpu]",
)
@launcher_option
@_with_launcher_options
@workers_option
@gpu_slots_option
@stack_option
@timeout_option
@dry_run_option
@as_json_option
def command(
    paper: str,
    figures: str,
    claims: str,
    scale: str,
    epochs: int | None,
    kind: str | None,
    out: Path | None,
    dry_run: bool,
    as_json: bool,
    **options: Any,
) -> int:
    """Run the experiments of PAPER again, and print a verdict on each of its claims.

    The rules were fixed before the runs: docs/paper/rules.toml has for each claim the quantity, the
    test and the margin. Each learning rate is chosen by training cost on tuning seeds; the chosen
    ones then train on fresh seeds. The plan, its cost and what it leaves out are printed before the
    start. After Ctrl-C, the same command with the same options continues.

    Each experiment trains on one device. The estimated times are those of a CPU.
    """
    target = _target(kind, out, options["results"])
    if target is not None:
        _check_target(target, dry_run=dry_run, as_json=as_json)
    place = _place(options)
    whole = _whole(place, figures, claims, _extent(scale, epochs))
    if target is not None:  # records alone count, not what fits into an hour here
        return _write(_able(whole), place.known(whole), target)
    known = place.known(whole)
    pace = Pace(at_once=partial(place.launcher.num_at_once, 1), stack=place.stack, known=known)
    plan, left_out = fitting(_of_extent(whole), pace, _unavailable(whole, place))
    if dry_run and as_json:
        click.echo(json.dumps(forecast_as_json(plan, left_out, pace), indent=1))
        return 0
    screen = console(stderr=as_json)
    _say(screen, forecast(plan, left_out, pace, place.results))
    if dry_run:
        return 0
    _check_any(plan, left_out)
    reproduce(plan, place, lambda store: PaperTerminal(screen, store, place.launcher))
    shown = _verdicts(_able(whole), known)
    if as_json:
        click.echo(json.dumps(verdicts_as_json(shown), indent=1, allow_nan=False))
    else:
        print_verdicts(screen, shown)
        asked = {"--figures": figures, "--claims": claims, "--scale": scale}
        again = _command(paper, asked, epochs, options["results"])
        _say(screen, [*_rates_lines(plan, known), f"as a page   {again}"])
    return _say_without_result(plan, known)


def _place(options: dict[str, Any]) -> Place:
    limits = Limits(
        workers=options["workers"],
        gpu_slots=options["gpu_slots"],
        timeout_seconds=options["timeout"],
        options=take_launcher_options(options),
    )
    return Place(
        results=options["results"],
        launcher=make_launcher(options["launcher"], limits),
        data_dir=options["data_dir"],
        cache_dir=options["cache_dir"],
        accelerator=options["accelerator"],
        stack=options["stack"],
    )


def _whole(place: Place, figures: str, claims: str, extent: Extent) -> Plan:
    """Return the plan of all experiments of the figures and claims, whatever they cost."""
    cases = cases_of(rules(), _words("--figures", figures), _words("--claims", claims))
    experiments = dict.fromkeys(each.experiment.name for each in cases)
    return Plan(
        rules=rules(), cases=cases, extent=extent, accelerators=place.accelerators(experiments)
    )


def _words(option: str, text: str) -> list[str]:
    words = [word.strip() for word in text.split(",") if word.strip()]
    if text and not words:
        raise UsageError(f"{option} {text!r}: expected one or more names, separated by commas")
    return words


def _say(screen: Console, lines: Iterable[str]) -> None:
    for line in lines:
        screen.print(line, markup=False, highlight=False, soft_wrap=True)


def _extent(scale: str, epochs: int | None) -> Extent:
    found = EXTENTS[scale]
    return found if epochs is None else replace(found, epochs=min(epochs, found.epochs))


def _of_extent(plan: Plan) -> Plan:
    """Return the plan of what is to be trained; the variants on record count all the same."""
    wanted = (each for each in plan.cases if plan.extent.variants or each.variant is None)
    return replace(plan, cases=tuple(wanted))


def _able(plan: Plan) -> Plan:
    """Return the plan without the cases that cannot be run yet."""
    return replace(plan, cases=tuple(each for each in plan.cases if not why_not_yet(each)))


def _verdicts(plan: Plan, known: CostsOnRecord) -> list[PaperVerdict]:
    """Return the verdicts on the claims of a plan, by all costs on record."""
    asked = {case.claim.name for case in plan.cases}
    verdicts = judge_paper(plan.rules, evidence(plan, known))
    return [each for each in verdicts if each.claim.name in asked]


@dataclass(frozen=True)
class _Target:
    """What is written in place of training.

    Args:
        kind: The format.
        path: The file, or the folder of figures.
    """

    kind: str
    path: Path

    @property
    def is_file(self) -> bool:
        """Whether `path` is a file."""
        return self.kind in _FILES


def _target(kind: str | None, out: Path | None, results: Path) -> _Target | None:
    """Return what is to be written; None if the experiments are to be run."""
    if out is None:
        if kind is None:
            return None
        if not results.is_dir():
            raise UsageError(
                f"no results in {results}: run the same command without --format first"
            )
        return _Target(kind, results / _FORMATS[kind])
    if kind is None:
        kind = out.suffix.removeprefix(".")
        if kind not in _FILES:
            raise UsageError(
                f"--out {out}: expected a name that ends in .html or .md, or --format pdf, svg or "
                "png with a folder"
            )
    if kind in _FILES and out.suffix != f".{kind}":
        raise UsageError(f"--out {out}: expected a name that ends in .{kind}")
    return _Target(kind, out)


def _check_target(target: _Target, *, dry_run: bool, as_json: bool) -> None:
    if dry_run or as_json:
        raise UsageError(
            "--out and --format write results on record: leave out --dry-run and --json"
        )
    if target.is_file and (target.path.is_dir() or not target.path.absolute().parent.is_dir()):
        raise UsageError(f"--out {target.path}: expected a file in a folder that exists")


def _write(plan: Plan, known: CostsOnRecord, target: _Target) -> int:
    from benchmark.report.paper.document import write_paper, write_paper_figures
    from benchmark.report.paper.found import Reproduction
    from benchmark.report.paper.page import paper_page

    found = Reproduction(plan=plan, known=known, verdicts=_verdicts(plan, known))
    if target.kind == "html":
        write_text(target.path, paper_page(found))
        click.echo(f"wrote {target.path}; open it in any browser:")
        click.echo(target.path.resolve().as_uri())
    elif target.kind == "md":
        for path in write_paper(found, target.path):
            click.echo(path)
    else:
        for path in write_paper_figures(found, target.kind, target.path):  # type: ignore[arg-type]
            click.echo(path)
    return 0


def _command(paper: str, asked: dict[str, str], epochs: int | None, results: Path) -> str:
    """Return the command that writes the page of these results."""
    given = asked | {"--epochs": str(epochs or ""), "--results": str(results)}
    usual = dict.fromkeys(given, "") | {"--scale": "hour", "--results": str(RESULTS)}
    words = [each for pair in given.items() if pair[1] != usual[pair[0]] for each in pair]
    return shlex.join(["python", "-m", "benchmark", "paper", paper, *words, "--format", "html"])


def _rates_lines(plan: Plan, known: CostsOnRecord) -> list[str]:
    """Return a line for each claim: the chosen rate of each series, as compared."""
    lines = []
    for case in plan.cases:
        if case.variant is None:
            choices = {each.name: plan.choice(case, each, known) for each in case.series}
            words = ", ".join(f"{name} {choice.words}" for name, choice in choices.items())
            lines.append(f"rates       {case.claim.name}: {words}")
    return lines


def _say_without_result(plan: Plan, known: CostsOnRecord) -> int:
    """Say how many trials have no result, and return the exit code."""
    failed = lacking = 0
    for name, trials in plan.wanted(known).items():
        for trial in trials.values():
            costs = known(name, trial)
            lacking += costs is None
            failed += costs is not None and not costs.is_result
    if lacking:
        click.echo(
            f"{counted(lacking, 'trial')} without a result: the same command goes on", err=True
        )
    if failed:
        click.echo(
            f"{counted(failed, 'trial')} failed, which counts as worst where rates are chosen: "
            "log.txt in their folders says why",
            err=True,
        )
    return 1 if lacking or failed else 0


def _unavailable(plan: Plan, place: Place) -> list[tuple[str, str]]:
    """Return the problems of a plan whose data cannot be had here, each with the reason."""
    problems = dict.fromkeys(case.training.problem for case in plan.cases)
    datasets = {name: PROBLEMS[name].workload.dataset for name in problems if name in PROBLEMS}
    reasons = which_unavailable(datasets.values(), place.data_dir, place.cache_dir)
    return [(name, reasons[each]) for name, each in datasets.items() if each in reasons]


def _check_any(plan: Plan, left_out: Sequence[LeftOut]) -> None:
    """Raise if nothing can be run because data are missing."""
    lacking = [each.reason for each in left_out if each.reason.startswith("data set")]
    if not plan.cases and lacking:
        raise DataUnavailableError(lacking[0])
