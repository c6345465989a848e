"""Step time of our optimizers relative to torch's and to the limit; `FIGURES` has the targets.

Both sides of a ratio take turns in one run. ``--threads N`` is 1 by default, as in trials; with
more threads, results are meaningless on a machine that is not idle. Without a GPU its figures are
left out. On a CPU with one thread the clock is the thread's own, so that other work does not count.

``--device cuda --parameters 134000000`` times Adam alone on that many parameters, in tensors of
2048 by 2048, beside torch's and a copy, in less than two minutes.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from _trials import report

from benchmark.workbench.step_cost.contestants import contestants
from benchmark.workbench.step_cost.costs import Cost, Heat, fastest, ratio
from benchmark.workbench.step_cost.heat import run_heat
from benchmark.workbench.step_cost.modes import OWN_MODES, START_STEPS
from benchmark.workbench.step_cost.shapes import SHAPES, Shape
from benchmark.workbench.step_cost.tensors import Tensors
from optimizers.grammar import parse
from optimizers.spec import OptimizerSpec

LARGE_SECONDS = 115
SECONDS = 8.0  # total time of the turns per optimizer and shape
WHOLE_MODEL = "resnet50"  # the start of the compiled mode is timed on its shapes
START_TARGETS = {"cold": 15.0, "from torch's cache": 3.0}


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A ratio of times with its target.

    Args:
        optimizer: Name of the optimizer.
        shape: Name of the shape.
        ours: Our mode, ``best`` for the fastest.
        theirs: Torch's mode, ``best`` for the fastest, or ``limit`` for the copy.
        target: Largest ratio that meets the target.
        device: Type of device.
    """

    optimizer: str
    shape: str
    ours: str
    theirs: str
    target: float
    device: str = "cpu"

    def measured(self, heat: Heat) -> float | None:
        """Return the ratio in `heat`, the timings of one run; None if one side is missing."""
        ours = chosen(heat.own, self.ours)
        if ours is None:
            return None
        if self.theirs == "limit":
            return 1 / heat.limit_share(ours)
        theirs = chosen(heat.rivals, self.theirs)
        return None if theirs is None else ratio(ours, theirs)


FIGURES = (
    *(
        Figure(optimizer="adam", shape="small60", ours=mode, theirs="fused", target=target)
        for mode, target in (
            ("auto", 1.0),
            ("compiled", 0.8),
            ("packed", 0.85),
            ("packed-compiled", 0.6),
        )
    ),
    *(
        Figure(optimizer="adam", shape="mlp", ours=mode, theirs="fused", target=1.0)
        for mode in ("auto", "compiled", "packed", "packed-compiled")
    ),
    Figure(optimizer="adam", shape="one4m", ours="compiled", theirs="fused", target=1.05),
    Figure(optimizer="adam", shape="mlp", ours="auto", theirs="default", target=0.6),
    Figure(optimizer="adam", shape="mlp", ours="packed", theirs="default", target=0.6),
    Figure(optimizer="adam", shape="small60", ours="auto", theirs="default", target=0.6),
    *(
        Figure(optimizer=name, shape=shape, ours="best", theirs="best", target=0.5)
        for name in ("rmsprop", "adadelta", "adamax", "nadam", "adagrad")
        for shape in ("small60", "one4m")
    ),
    Figure(
        optimizer="adam",
        shape="large32",
        ours="compiled",
        theirs="fused",
        target=1.0,
        device="cuda",
    ),
    Figure(
        optimizer="adam",
        shape="large32",
        ours="compiled",
        theirs="limit",
        target=1 / 0.85,  # 85 % of the copy's bandwidth
        device="cuda",
    ),
)


def chosen(costs: list[Cost], mode: str) -> Cost | None:
    """Return the cost of `mode`, or of the fastest mode for ``best``; None if it is missing."""
    if mode == "best":
        return fastest(costs) if costs else None
    return next((cost for cost in costs if cost.mode == mode), None)


def rows() -> list[dict[str, Any]]:
    """Return every figure with its target and its measured value."""
    wanted = [figure for figure in FIGURES if figure.device == "cpu" or torch.cuda.is_available()]
    heats: dict[tuple[str, str, str], Heat] = {}
    for figure in wanted:
        key = figure.optimizer, figure.shape, figure.device
        if key not in heats:
            [spec] = parse(figure.optimizer)
            heats[key] = heat_of(spec, figure, [each for each in wanted if same(each, figure)])
    return [row(figure, heats[figure.optimizer, figure.shape, figure.device]) for figure in wanted]


def same(figure: Figure, other: Figure) -> bool:
    """Return whether one run measures both figures."""
    names = ("optimizer", "shape", "device")
    return all(getattr(figure, name) == getattr(other, name) for name in names)


def heat_of(spec: OptimizerSpec, figure: Figure, figures: list[Figure]) -> Heat:
    """Time the optimizers of `figure` in the modes that `figures` need."""
    sys.stderr.write(f"{figure.optimizer} on {figure.shape}\n")
    modes = {each.ours for each in figures}
    needed = OWN_MODES if "best" in modes else [mode for mode in OWN_MODES if mode in modes]
    return run_heat(
        spec,
        SHAPES[figure.shape],
        seconds=SECONDS,
        device=figure.device,
        modes=needed,
        clock=clock_for(figure.device),
    )


def clock_for(device: str) -> Callable[[], float]:
    """Return the clock that other work disturbs least."""
    alone = device == "cpu" and torch.get_num_threads() == 1
    return time.thread_time if alone else time.perf_counter


def row(figure: Figure, heat: Heat) -> dict[str, Any]:
    """Return one figure for people and programs."""
    ours, theirs = chosen(heat.own, figure.ours), chosen(heat.rivals, figure.theirs)
    measured = figure.measured(heat)
    return {
        "what": f"{figure.optimizer} {figure.ours} over {figure.theirs}, {figure.shape}",
        "device": heat.device,
        "ours": None if ours is None else f"{ours.mode} {1e6 * ours.median:.0f} µs",
        "theirs": None if theirs is None else f"{theirs.mode} {1e6 * theirs.median:.0f} µs",
        "limit_us": round(1e6 * heat.limit_seconds, 1) if heat.copy_seconds else None,
        "target": round(figure.target, 3),
        "measured": None if measured is None else round(measured, 3),
        "problems": [
            f"{cost.mode}: {words}"
            for cost in heat.costs
            for words in (*cost.notes, cost.failure)
            if words
        ],
    }


def starts(threads: int) -> list[dict[str, Any]]:
    """Time the start of a compiled optimizer in new processes: cold, then from torch's cache."""
    found = []
    with tempfile.TemporaryDirectory() as cache:
        for state, target in START_TARGETS.items():
            sys.stderr.write(f"start of the compiled mode, {state}\n")
            done = subprocess.run(
                [sys.executable, __file__, "--threads", str(threads), "--start"],
                env=os.environ | {"TORCHINDUCTOR_CACHE_DIR": cache},
                capture_output=True,
                text=True,
                check=False,
            )
            found.append(
                {
                    "what": f"adam compiled, seconds to start, {WHOLE_MODEL}, {state}",
                    "target": target,
                    "measured": None if done.returncode else round(float(done.stdout), 2),
                    "problems": done.stderr.strip().splitlines()[-1:] if done.returncode else [],
                }
            )
    return found


def start() -> float:
    """Return the seconds to build a compiled Adam and take the steps in which it compiles."""
    params = Tensors(SHAPES[WHOLE_MODEL], torch.device("cpu")).params()
    [spec] = parse("adam")
    compiled = [each for each in contestants(spec) if each.mode == "compiled"]
    if not compiled:
        sys.exit(f"{spec.target} has no mode 'compiled'")
    started = time.perf_counter()
    optimizer = compiled[0].build(params)
    for _ in range(START_STEPS):
        optimizer.step()
    return time.perf_counter() - started


def large(num_params: int, device: str) -> list[dict[str, Any]]:
    """Time Adam on about `num_params` parameters; a row for each of our modes and torch's."""
    side = 2048
    count = max(1, round(num_params / side**2))
    shape = Shape(
        name=f"{count} tensors of {side} by {side}",
        summary="",
        make=lambda: [torch.empty(side, side, device="meta") for _ in range(count)],
    )
    stage = ["nothing"]

    def watch(doing: str) -> None:
        stage[0] = doing
        sys.stderr.write(f"{doing}\n")

    def too_long(*_: object) -> None:
        sys.exit(f"stopped after {LARGE_SECONDS} s, during: {stage[0]}")

    signal.signal(signal.SIGALRM, too_long)
    signal.alarm(LARGE_SECONDS)
    [spec] = parse("adam")
    heat = run_heat(
        spec,
        shape,
        seconds=SECONDS,
        device=device,
        modes=("auto", "compiled"),
        watch=watch,
        clock=clock_for(device),
    )
    signal.alarm(0)
    fused = chosen(heat.rivals, "fused")
    return [
        {
            "what": f"{cost.optimizer} {cost.mode}, {heat.num_params / 1e6:.0f} M parameters",
            "device": heat.device,
            "failure": cost.failure,
        }
        | ({} if cost.failure else measured(heat, cost, fused))
        for cost in heat.costs
    ]


def measured(heat: Heat, cost: Cost, fused: Cost | None) -> dict[str, Any]:
    """Return the numbers of a mode that ran, beside torch's fused mode and the copy."""
    return {
        "ms": round(1e3 * cost.median, 3),
        "over_torch_fused": None if fused is None else round(ratio(cost, fused), 3),
        "share_of_copy_bandwidth": round(heat.limit_share(cost), 3),
        "copy_gb_per_second": round(heat.copy_bandwidth / 1e9, 1),
        "start_seconds": round(cost.start_seconds or 0.0, 1),
        "notes": list(cost.notes),
    }


def main() -> None:
    """Measure all figures, or those of many parameters, or, as a child, one start."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--start", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--parameters", type=int, help="time Adam on so many parameters only")
    arguments = parser.parse_args()
    if arguments.device == "cuda" and not torch.cuda.is_available():
        parser.error("--device cuda: torch sees no GPU here; use --device cpu")
    if arguments.parameters is not None and arguments.parameters < 1:
        parser.error(f"--parameters: expected at least 1, got {arguments.parameters}")
    torch.set_num_threads(arguments.threads)
    if arguments.start:
        print(start())
        return
    if arguments.parameters or arguments.device != "cpu":
        figures = large(arguments.parameters or 134_000_000, arguments.device)
        report(__file__, torch=torch.__version__, threads=arguments.threads, figures=figures)
        return
    figures = rows() + starts(arguments.threads)
    report(__file__, torch=torch.__version__, threads=arguments.threads, figures=figures)


if __name__ == "__main__":
    main()
