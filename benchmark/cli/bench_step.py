"""The verb ``bench-step``: the cost of one optimizer step, next to torch's and to the limit."""

import itertools
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from benchmark.cli.options import Names, OptimizerList, Real, Whole
from benchmark.errors import UsageError
from benchmark.workbench.step_cost.modes import OWN_MODES
from benchmark.workbench.step_cost.shapes import EVERYDAY, SHAPES, Shape

if TYPE_CHECKING:
    from rich.console import Console

    from benchmark.workbench.step_cost.costs import Heat
    from optimizers.spec import OptimizerSpec


@click.command(name="bench-step")
@click.option(
    "--opts",
    type=OptimizerList(),
    default="adam",
    show_default=True,
    help="Optimizers to time: name, name:weight_decay=0.1, import.path.Class, all.",
)
@click.option(
    "--shapes",
    type=Names("shape", list(SHAPES)),
    default=",".join(EVERYDAY),
    show_default=True,
    help=f"Parameter tensors to time on: {', '.join(SHAPES)}, all.",
)
@click.option(
    "--modes",
    type=Names("mode", OWN_MODES),
    help=f"Modes of execution: {', '.join(OWN_MODES)}, for classes with the argument 'execution'.  "
    "[default: all]",
)
@click.option(
    "--accelerator",
    type=click.Choice(["cpu", "gpu"]),
    default="cpu",
    show_default=True,
    help="Device to time on.",
)
@click.option(
    "--threads", type=Whole(1_024), default=1, show_default=True, help="CPU threads to use."
)
@click.option(
    "--seconds",
    type=Real(positive=True, most=86_400),
    default=30,
    show_default=True,
    help="Seconds of timing in all, without compiling and measuring memory.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(
    opts: str,
    shapes: tuple[str, ...],
    modes: tuple[str, ...] | None,
    accelerator: str,
    threads: int,
    seconds: float,
    as_json: bool,
) -> int:
    """Time one step of each optimizer, in every mode of execution, and measure its memory.

    Torch's classes of the same rule take turns with it on the same tensors. So does a plain
    copy, whose speed is the limit.
    """
    from benchmark.cli.console import console
    from benchmark.workbench.step_cost.costs import as_json as heat_as_json
    from benchmark.workbench.step_cost.table import print_legend, print_step_table

    specs = _specs(opts, modes)
    device = _device(accelerator)
    chosen = [SHAPES[name] for name in shapes]
    heats = []
    with _threads(threads):
        bench = _Bench(specs, chosen, modes or OWN_MODES, device, seconds)
        for of_shape in bench.run(console(stderr=True)):
            heats += of_shape
            if not as_json:
                print_step_table(console(), of_shape)
    if as_json:
        click.echo(json.dumps([heat_as_json(heat) for heat in heats], indent=1))
    else:
        print_legend(console())
    return 0 if all(heat.own for heat in heats) else 1


def _specs(opts: str, modes: Sequence[str] | None) -> "list[OptimizerSpec]":
    from optimizers.grammar import parse

    specs = parse(opts)
    if modes:
        from benchmark.workbench.step_cost.contestants import check_modes

        check_modes(specs)
    return specs


def _device(accelerator: str) -> str:
    from benchmark.launchers.devices import why_not

    reason = why_not(accelerator, "32-true")
    if reason:
        raise UsageError(f"--accelerator {accelerator}: {reason}")
    return "cuda" if accelerator == "gpu" else accelerator


@contextmanager
def _threads(count: int) -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class _Bench:
    """The timing of every optimizer on every shape, with progress on a console."""

    def __init__(
        self,
        specs: "list[OptimizerSpec]",
        shapes: list[Shape],
        modes: Sequence[str],
        device: str,
        seconds: float,
    ) -> None:
        self._specs, self._shapes, self._modes, self._device = specs, shapes, modes, device
        self._total = len(specs) * len(shapes)
        self._seconds = seconds / self._total
        self._started = time.perf_counter()
        self._over = 0

    def run(self, console: "Console") -> "Iterator[list[Heat]]":
        """Yield the results of each shape once complete; raise at once for what does not fit."""
        from benchmark.workbench.step_cost.heat import check_fits

        for spec, shape in itertools.product(self._specs, self._shapes):
            check_fits(spec, shape, device=self._device, modes=self._modes)
        for shape in self._shapes:
            yield [self._heat(spec, shape, console) for spec in self._specs]

    def _heat(self, spec: "OptimizerSpec", shape: Shape, console: "Console") -> "Heat":
        from rich.text import Text

        from benchmark.workbench.step_cost.heat import run_heat

        words = f"[{self._over + 1}/{self._total}] {spec.label} on {shape.name}{self._left()}"
        if not console.is_terminal:
            console.print(words, markup=False, soft_wrap=True)
        with console.status(Text(words)) as status:
            heat = run_heat(
                spec,
                shape,
                seconds=self._seconds,
                device=self._device,
                modes=self._modes,
                watch=lambda doing: status.update(Text(f"{words}: {doing}")),
            )
        self._over += 1
        return heat

    def _left(self) -> str:
        from benchmark.report.words import duration_words

        if not self._over:
            return ""
        pace = (time.perf_counter() - self._started) / self._over
        return f", about {duration_words(pace * (self._total - self._over))} left"
