"""The launching process of a large study on Slurm: 100,000 trials on 1,000 nodes, simulated.

The launcher plans, submits and watches; Slurm and the trials are `tests.fake_slurm`, whose CPU time
is measured apart and not counted. Time is virtual. Targets: at most 60 s of CPU time, and 500 MB
beyond what the process has with torch. A tenth of the study on a tenth of the nodes is measured
first: at a linear cost, the whole takes ten times as long.
"""

import resource
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from _trials import report

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmark.context import Context
from benchmark.launchers import Limits
from benchmark.launchers.slurm import SlurmLauncher
from benchmark.launchers.watchers import Together
from benchmark.problems import PROBLEMS
from benchmark.spec import Trial
from benchmark.store import Store
from benchmark.study import Study
from optimizers.grammar import parse
from tests.fake_slurm import FakeSlurm

NODES = 1_000
TRIALS = 100_000
SECONDS = 60.0  # of a trial, so that a task of ten takes ten minutes
ARRAY_LIMIT = 1_001  # Slurm's default


class Meter:
    """A sum of the CPU times of the functions that it wraps."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return `function`, measured."""

        def measured(*args: Any, **words: Any) -> Any:
            before = time.process_time()
            try:
                return function(*args, **words)
            finally:
                self.seconds += time.process_time() - before

        return measured


def study(trials: int) -> list[Trial]:
    """Return trials with the usual estimate of a minute."""
    row = PROBLEMS["logreg/digits"]
    per_epoch = row.epoch_seconds
    workload = replace(row.workload, epochs=round(SECONDS / per_epoch))
    return Study(
        name="scale",
        workloads=(workload,),
        optimizers=tuple(parse("adam")),
        seeds=tuple(range(trials)),
    ).trials()


def run(trials: list[Trial], nodes: int) -> dict[str, float]:
    """Run the trials on a simulated cluster; return CPU seconds by what they were for."""
    simulated, planning = Meter(), Meter()
    with tempfile.TemporaryDirectory() as name:
        store = Store(Path(name), "scale")
        slurm = FakeSlurm(store, nodes=nodes, seconds=SECONDS, array_limit=ARRAY_LIMIT)
        for each in ("submit", "queue", "cancel", "ending"):
            setattr(slurm, each, simulated(getattr(slurm, each)))
        store.plan = planning(store.plan)  # type: ignore[method-assign]
        waiting, time.sleep = time.sleep, slurm.sleep
        before = time.process_time()
        try:
            launcher = SlurmLauncher(Limits(workers=nodes), slurm)
            launcher(trials, store, Context(), Together())
        finally:
            time.sleep = waiting
        seconds = time.process_time() - before - simulated.seconds
        before = time.process_time()
        found = len(store.records())
        reading = time.process_time() - before
        if found != len(trials):
            sys.exit(f"{found} of {len(trials)} trials have a record: the times mean nothing")
    return {
        "seconds": seconds,
        "of_it_writing_plans": planning.seconds,
        "reading_all_records": reading,
        "simulation": simulated.seconds,
        "looks": slurm.calls["queue"],
        "tasks_seen": slurm.calls["tasks"],
        "arrays": slurm.calls["submit"],
    }


def main() -> None:
    """Measure a tenth of the study, then all of it."""
    study(1)  # loads torch
    number = int(sys.argv[1]) if len(sys.argv) > 1 else TRIALS
    nodes = max(1, NODES * number // TRIALS)
    start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # most of it is torch
    tenth = run(study(number // 10), max(1, nodes // 10))
    trials = study(number)
    whole = run(trials, nodes)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    report(
        __file__,
        trials=number,
        nodes=nodes,
        cpu_seconds=whole["seconds"],
        cpu_seconds_target=60,
        cpu_seconds_over_ten_tenths=whole["seconds"] / (10 * tenth["seconds"]),
        megabytes=(peak - start) / 1024,
        megabytes_target=500,
        megabytes_of_the_process=peak / 1024,
        **{name: value for name, value in whole.items() if name != "seconds"},
    )


if __name__ == "__main__":
    main()
