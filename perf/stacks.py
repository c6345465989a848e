"""Trials per processor second of a pack over those of single trials, for a problem and K.

    python perf/stacks.py logreg/mnist 64 [cpu|gpu] [epochs]

On a GPU, where the processor waits, seconds are those of the clock on the wall. Adam and SGD with
different learning rates and one seed; two of them run as single trials, before and after the pack.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from _trials import report, trials

from benchmark.context import Context
from benchmark.plugins import data_module_class
from benchmark.runner import run
from benchmark.stacked.run import run_pack


def seconds(accelerator: str, work: Callable[[], Any]) -> float:
    """Return the seconds of `work`."""
    now = time.process_time if accelerator == "cpu" else time.perf_counter
    started = now()
    work()
    return now() - started


def main() -> None:
    """Time the pack between single trials, and print the ratio."""
    problem, size = sys.argv[1], int(sys.argv[2])
    accelerator = sys.argv[3] if len(sys.argv) > 3 else "cpu"
    epochs = int(sys.argv[4]) if len(sys.argv) > 4 else 1
    rates = "|".join(f"{0.001 * 1.02**k:.6g}" for k in range(-(-size // 2)))
    found = trials(problem, f"adam:lr={rates},sgd:lr={rates}", epochs=epochs)[:size]
    pack = [replace(trial, accelerator=accelerator) for trial in found]
    data_module_class(pack[0].dataset)().prepare_data()
    singles = [pack[0], pack[-1]]
    run(singles[0], Context())  # pay first-use costs before timing
    run_pack(pack[:2] if size > 1 else pack, Context())
    alone = [seconds(accelerator, lambda trial=trial: run(trial, Context())) for trial in singles]
    together = seconds(accelerator, lambda: run_pack(pack, Context())) / size
    alone += [seconds(accelerator, lambda trial=trial: run(trial, Context())) for trial in singles]
    single = sum(alone) / len(alone)
    report(
        __file__,
        problem=pack[0].problem,
        accelerator=accelerator,
        size=size,
        epochs=epochs,
        single_seconds=single,
        stacked_seconds=together,
        ratio=single / together,
    )


if __name__ == "__main__":
    main()
