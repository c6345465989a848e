"""Throughput of 14 logreg/mnist trials with two workers relative to one. Target: at least 1.8."""

import statistics
import tempfile
import time

from _trials import Silent, report, trials

from benchmark.context import Context
from benchmark.launchers import Limits
from benchmark.launchers.local import LocalLauncher
from benchmark.launchers.prepare import prepare
from benchmark.store import Store

REPEATS = 3


def seconds(workers: int) -> float:
    """Return the seconds of the 14 trials in a warm pool."""
    grid = trials("logreg/mnist", "all", epochs=5, seeds=2)
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        launch = LocalLauncher(Limits(workers=workers))
        launch(grid, Store(folder, "perf"), Context(), Silent())
        return time.perf_counter() - started


def main() -> None:
    """Measure one and two workers in turn."""
    [trial] = trials("logreg/mnist", "adam", epochs=1)
    prepare([(trial.dataset, trial.model, False)], Context())
    pairs = [(seconds(1), seconds(2)) for _ in range(REPEATS)]
    report(
        __file__,
        problem=trial.problem,
        one_worker_seconds=statistics.median(one for one, _ in pairs),
        two_workers_seconds=statistics.median(two for _, two in pairs),
        throughput=statistics.median(one / two for one, two in pairs),
        target=1.8,
    )


if __name__ == "__main__":
    main()
