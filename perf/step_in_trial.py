"""The optimizer's own time in a step of a trial of ``mlp/mnist``, relative to torch's fused Adam.

All ways of execution take turns, one epoch each, in one process with one thread. Inside a trial the
caches hold activations, not parameters and moments, so these ratios differ from those of
`optimizer_step.py`, where only the optimizer runs. Compiled ways compile before they are timed.
"""

import statistics

import torch
from _trials import report, trials

from benchmark.context import Context
from benchmark.plugins import data_module_class
from benchmark.runner import run

REPEATS = 3
RIVAL = "fused"
OPTS = (
    "torch.optim.Adam@fused:fused=true,torch.optim.Adam@foreach,adam@packed:execution=packed,"
    "adam@auto:execution=auto,adam@compiled:execution=compiled,"
    "adam@packed-compiled:execution=packed-compiled"
)
TARGETS = {"compiled": 1.0, "packed-compiled": 1.0}


def main() -> None:
    """Time each way in turn, and print the medians of the times and of their ratios."""
    torch.set_num_threads(1)
    found = {
        trial.optimizer.label.split()[0]: trial for trial in trials("mlp/mnist", OPTS, epochs=1)
    }
    data_module_class(found[RIVAL].dataset)().prepare_data()
    times: dict[str, list[float]] = {name: [] for name in found}
    for round_ in range(REPEATS + 1):
        for name, trial in found.items():
            seconds = run(trial, Context()).clocks.optimizer_step
            if round_:  # the first round pays what is paid once
                times[name].append(seconds)
    report(
        __file__,
        problem=found[RIVAL].problem,
        milliseconds={name: 1000 * statistics.median(each) for name, each in times.items()},
        over_fused={
            name: statistics.median(a / b for a, b in zip(each, times[RIVAL], strict=True))
            for name, each in times.items()
        },
        targets=TARGETS,
    )


if __name__ == "__main__":
    main()
