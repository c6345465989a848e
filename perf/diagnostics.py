"""The cost of --diagnostics at its default period, and a check that it changes no bit.

Target: at most 10 % more time, without evaluation and start-up, with writing the rows. The script
also measures the optimizer's own time as recorded, and the cost of measuring that time.
"""

import statistics
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from _trials import report, trials

from benchmark.callbacks.optimizer_cost import OptimizerCost
from benchmark.context import Context
from benchmark.plugins import data_module_class
from benchmark.record import Record
from benchmark.request import DIAGNOSTICS_EVERY
from benchmark.runner import run
from benchmark.spec import Trial

REPEATS = 9


def seconds(record: Record) -> float:
    """Return the seconds of training and of writing its rows."""
    clocks = record.clocks
    return clocks.total - clocks.startup - clocks.evaluation


def ratios(name: str, pairs: Sequence[tuple[float, float]]) -> dict[str, float]:
    """Return the median ratio, and that of the fastest runs, which other work disturbs less."""
    more, less = zip(*pairs, strict=True)
    return {
        f"{name}_ratio": statistics.median(a / b for a, b in pairs),
        f"{name}_ratio_of_fastest": min(more) / min(less),
    }


def untimed(trial: Trial) -> Record:
    """Run `trial` without timing its optimizer."""
    wants = OptimizerCost.wants
    OptimizerCost.wants = lambda self, step: False  # type: ignore[method-assign]
    try:
        return run(trial, Context())
    finally:
        OptimizerCost.wants = wants  # type: ignore[method-assign]


def main() -> None:
    """Run each trial with and without diagnostics, in turn, and print the medians of the ratios."""
    torch.set_num_threads(1)
    for problem, epochs in ("logreg/digits", 100), ("mlp/digits", 6):
        [plain] = trials(problem, "adam", epochs=epochs)
        looked = replace(plain, diagnostics_every=DIAGNOSTICS_EVERY)
        data_module_class(plain.dataset)().prepare_data()
        run(looked, Context())  # pay first-use costs before timing
        diagnosed, timed, same_bits = [], [], True
        for _ in range(REPEATS):
            bare = untimed(plain)
            with TemporaryDirectory() as one, TemporaryDirectory() as other:
                record = run(plain, Context(), folder=Path(one))
                inside = run(looked, Context(), folder=Path(other))
            diagnosed.append((seconds(inside), seconds(record)))
            timed.append((record.clocks.training, bare.clocks.training))
            same_bits &= bare.weights_sha256 == record.weights_sha256 == inside.weights_sha256
        report(
            __file__,
            problem=plain.problem,
            **ratios("diagnostics", diagnosed),
            target=1.10,
            **ratios("timing_the_optimizer", timed),
            step_ms=1000 * record.clocks.per_step,
            optimizer_step_ms=1000 * record.clocks.optimizer_step,
            optimizer_step_ms_while_diagnosed=1000 * inside.clocks.optimizer_step,
            same_bits=same_bits,
        )


if __name__ == "__main__":
    main()
