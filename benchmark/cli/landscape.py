"""``landscape``: the optimizers in motion on surfaces, as a page, a picture or a film."""

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from benchmark.atomic import write_text
from benchmark.cli.options import Names, OptimizerList, Real, Whole
from benchmark.report.words import counted
from benchmark.spec import UsageError
from benchmark.workbench.landscape.surfaces import SURFACES
from optimizers.grammar import parse
from optimizers.spec import SpecError

if TYPE_CHECKING:
    from benchmark.workbench.landscape.compute import Grid, Progress
    from benchmark.workbench.landscape.trajectories import Trajectories
    from benchmark.workbench.landscape.view import View

_FORMATS = ("html", "png", "gif", "mp4")
DEFAULT_RATES = "0.0003,0.001,0.003,0.01,0.03,0.1,0.3,1,3"  # two a decade


class _Rates(click.ParamType[Any]):
    """A comma list of positive numbers, which come out rising, each once."""

    name = "numbers"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, ...]:
        """Return the numbers."""
        if isinstance(value, tuple):
            return value
        try:
            rates = {float(word) for word in str(value).split(",") if word.strip()}
        except ValueError:
            rates = set()
        if not rates or not all(0 < rate < math.inf for rate in rates):
            self.fail(f"expected positive numbers such as 0.01,0.1,1, got {value!r}", param, ctx)
        return tuple(sorted(rates))


@click.command(name="landscape")
@click.option(
    "--opts",
    type=OptimizerList(),
    default="all",
    show_default=True,
    help="Optimizers: name, name:beta=0.9, name@label:…, import.path.Class, all.",
)
@click.option(
    "--surfaces",
    type=Names("surface", list(SURFACES)),
    default="all",
    show_default=True,
    help=f"Of {', '.join(SURFACES)}.",
)
@click.option(
    "--lrs",
    type=_Rates(),
    default=DEFAULT_RATES,
    show_default=True,
    help="Learning rates, besides each optimizer's own.",
)
@click.option("--steps", type=Whole(5_000), default=300, show_default=True)
@click.option(
    "--noise",
    type=Real(most=1e6),
    default=0.1,
    show_default=True,
    help="Standard deviation of gradient noise, in median gradient norms of the surface; 0: none.",
)
@click.option(
    "--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True, help="Of noise."
)
@click.option("--start", type=click.IntRange(1, 2), default=1, show_default=True, help="Shown.")
@click.option(
    "--rate",
    help="Learning rate that is shown: each at its 'best', each at its 'own', or one of --lrs.  "
    "[default: own if --opts gives one, otherwise best]",
)
@click.option("--noisy", is_flag=True, help="Show paths with gradient noise.")
@click.option(
    "--format",
    "kind",
    type=click.Choice(_FORMATS),
    help="By the ending of --out if left out; what a page shows can be changed on it.",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write.  [default: landscape.html, or of another --format]",
)
def command(**options: Any) -> int:
    """Let the real optimizers walk on surfaces of two coordinates, and show their paths."""
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
    """Return the file to write and its format; check before the work that it can be written."""
    if out is None:
        return Path(f"landscape.{kind or 'html'}"), kind or "html"
    ending = out.suffix.removeprefix(".").lower()
    if kind is None and ending not in _FORMATS:
        known = ", ".join(_FORMATS)
        raise UsageError(f"--out {out}: expected an ending of {known}, or give --format")
    if kind is not None and ending in _FORMATS and ending != kind:
        raise UsageError(f"--out {out} ends in .{ending}, and --format says {kind}: which?")
    if not out.absolute().parent.is_dir():
        raise UsageError(f"--out {out}: there is no folder {out.absolute().parent}")
    return out, kind or ending


def _grid(options: dict[str, Any], *, is_page: bool) -> "Grid":
    from benchmark.workbench.landscape.compute import Grid

    try:
        specs = parse(options["opts"])
    except SpecError as error:
        raise UsageError(f"--opts: {error}") from None
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


def rate_shown(opts: str) -> Literal["best", "own"]:
    """Return how learning rates are chosen at first: a rate that `opts` gives is not passed over.

    >>> rate_shown("adam,sgd:momentum=0.9"), rate_shown("adam,sgd:lr=0.5")
    ('best', 'own')
    """
    return "own" if re.search(r":\s*lr\s*=", opts) else "best"


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
    """Say on stderr what goes on: in one line of a terminal, else a line per optimizer."""
    from rich.console import Console

    console = Console(stderr=True, highlight=False, markup=False)
    if not console.is_terminal:
        yield lambda label, detail: None if detail else click.echo(label, err=True)
        return
    with console.status("") as status:
        yield lambda label, detail: status.update(f"{label}  {detail}".rstrip())
