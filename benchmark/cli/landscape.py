"""The verb ``landscape``: paths of optimizers on test surfaces, as a page, a picture or a film."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from benchmark.atomic import write_text
from benchmark.cli.options import Names, OptimizerList, Real, Whole
from benchmark.cli.rates import DEFAULT_RATES, Rates, rate_shown
from benchmark.errors import UsageError
from benchmark.report.words import counted
from benchmark.workbench.landscape.surfaces import SURFACES
from optimizers.grammar import parse

if TYPE_CHECKING:
    from benchmark.workbench.landscape.compute import Grid, Progress
    from benchmark.workbench.landscape.trajectories import Trajectories
    from benchmark.workbench.landscape.view import View

_FORMATS = ("html", "png", "gif", "mp4")


@click.command(name="landscape")
@click.option(
    "--opts",
    type=OptimizerList(),
    default="all",
    show_default=True,
    help="Optimizers to run: name, name:beta=0.9, name@label:…, import.path.Class, all.",
)
@click.option(
    "--surfaces",
    type=Names("surface", list(SURFACES)),
    default="all",
    show_default=True,
    help=f"Surfaces to run them on: {', '.join(SURFACES)}, all.",
)
@click.option(
    "--lrs",
    type=Rates(),
    default=DEFAULT_RATES,
    show_default=True,
    help="Learning rates to run, in addition to each optimizer's own.",
)
@click.option("--steps", type=Whole(5_000), default=300, show_default=True, help="Steps per path.")
@click.option(
    "--noise",
    type=Real(most=1e6),
    default=0.1,
    show_default=True,
    help="Standard deviation of the gradient noise, as a multiple of the surface's median gradient "
    "norm; 0 for none.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**63 - 1),
    default=0,
    show_default=True,
    help="Seed of the gradient noise.",
)
@click.option(
    "--start",
    type=click.IntRange(1, 2),
    default=1,
    show_default=True,
    help="Starting point whose paths are shown.",
)
@click.option(
    "--rate",
    help="Learning rate to show: 'best' or 'own' of each optimizer, or one of --lrs.  "
    "[default: own if --opts gives one, otherwise best]",
)
@click.option("--noisy", is_flag=True, help="Show the paths with gradient noise.")
@click.option(
    "--format",
    "kind",
    type=click.Choice(_FORMATS),
    help="Kind of file; on an html page the reader can change what is shown.  "
    "[default: by the ending of --out]",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write.  [default: landscape.html, or with the ending of --format]",
)
def command(**options: Any) -> int:
    """Run the real optimizers on surfaces of two coordinates and show their paths."""
    target, kind = _target(options["out"], options["kind"])
    grid = _grid(options, is_page=kind == "html")
    view = _view(options, grid)
    _check_film(kind)
    with _progress() as progress:
        from benchmark.workbench.landscape.compute import compute

        trajectories = compute(grid, progress)
        progress(target.name, "")
        _write(trajectories, view, target, kind)
    size = target.stat().st_size / 1e6
    click.echo(
        f"wrote {target}, {size:.1f} MB: {counted(len(trajectories.walkers), 'optimizer')}, "
        f"{counted(len(trajectories.scenes), 'surface')}, "
        f"{counted(len(trajectories.lrs), 'learning rate')}, {counted(trajectories.steps, 'step')}"
    )
    return 0


def _target(out: Path | None, kind: str | None) -> tuple[Path, str]:
    """Return the file to write and its format, after a check that it can be written."""
    if out is None:
        return Path(f"landscape.{kind or 'html'}"), kind or "html"
    ending = out.suffix.removeprefix(".").lower()
    if kind is None and ending not in _FORMATS:
        known = ", ".join(_FORMATS)
        raise UsageError(f"--out {out}: expected an ending of {known}, or give --format")
    if kind is not None and ending in _FORMATS and ending != kind:
        raise UsageError(
            f"--out {out} ends in .{ending}, but --format says {kind}: make them agree"
        )
    if not out.absolute().parent.is_dir():
        raise UsageError(f"--out {out}: there is no folder {out.absolute().parent}")
    return out, kind or ending


def _grid(options: dict[str, Any], *, is_page: bool) -> "Grid":
    from benchmark.workbench.landscape.compute import Grid

    specs = parse(options["opts"])
    if options["noisy"] and not options["noise"]:
        raise UsageError("--noisy shows gradient noise, and --noise 0 leaves it out")
    return Grid(
        optimizers=specs,
        surfaces=[SURFACES[name] for name in options["surfaces"]],
        lrs=options["lrs"],
        steps=options["steps"],
        noise=options["noise"] if is_page or options["noisy"] else 0.0,
        seed=options["seed"],
    )


def _view(options: dict[str, Any], grid: "Grid") -> "View":
    from benchmark.workbench.landscape.view import View

    rate = options["rate"] or rate_shown(options["opts"])
    if rate not in ("best", "own"):
        found = [lr for lr in grid.lrs if f"{lr:g}" == rate or str(lr) == rate]
        if not found:
            known = ", ".join(["best", "own", *(f"{lr:g}" for lr in grid.lrs)])
            raise UsageError(f"--rate: expected one of {known}, got {rate!r}")
        rate = found[0]
    return View(start=options["start"] - 1, noisy=options["noisy"], lr=rate)


def _check_film(kind: str) -> None:
    if kind == "mp4":
        from benchmark.workbench.landscape.figure import can_write_mp4

        if not can_write_mp4():
            raise UsageError("--format mp4 needs the program ffmpeg: install it, or take gif")


def _write(trajectories: "Trajectories", view: "View", target: Path, kind: str) -> None:
    if kind == "html":
        from benchmark.workbench.landscape.page import page

        write_text(target, page(trajectories, view))
        return
    from benchmark.workbench.landscape.figure import draw_film, draw_picture

    draw = draw_picture if kind == "png" else draw_film
    draw(trajectories, view, target, kind)


@contextmanager
def _progress() -> "Iterator[Progress]":
    """Show progress on stderr: one live line in a terminal, otherwise a line per optimizer."""
    from rich.console import Console

    console = Console(stderr=True, highlight=False, markup=False)
    if not console.is_terminal:
        yield lambda label, detail: None if detail else click.echo(label, err=True)
        return
    with console.status("") as status:
        yield lambda label, detail: status.update(f"{label}  {detail}".rstrip())
