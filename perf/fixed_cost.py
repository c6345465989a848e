"""The fixed cost of a trial in a warm pool, from launch to record, without training and evaluation.

Trials without W&B and with W&B offline take turns on one machine. Target without W&B: at most
0.15 s. The launching process mirrors while other trials run, so its wait at the end is measured
separately.
"""

import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from _trials import Silent, report, trials

from benchmark.context import Context
from benchmark.launchers import Limits, Watcher
from benchmark.launchers.local import LocalLauncher
from benchmark.launchers.prepare import prepare
from benchmark.mirror.destination import Destination
from benchmark.mirror.ledger import has_left_over
from benchmark.mirror.live import LiveMirror
from benchmark.mirror.wandb_run import WandbSink
from benchmark.spec import Trial
from benchmark.store import Store

TRIALS = 22
WARM_UP = 2
TURN = 5  # trials in a row on each side


def cost(watcher: Watcher, trial: Trial, store: Store) -> float:
    """Return the seconds of a trial minus training and evaluation."""
    started = time.perf_counter()
    LocalLauncher(Limits(workers=1))([trial], store, Context(), watcher)
    elapsed = time.perf_counter() - started
    clocks = store.record(trial).clocks  # type: ignore[union-attr]
    return elapsed - clocks.training - clocks.evaluation


def main() -> None:
    """Measure without and with W&B, in turns."""
    grid = trials("logreg/digits", "adam", epochs=1, seeds=TRIALS)
    prepare([("digits", "logreg", False)], Context())
    plain: list[float] = []
    mirrored: list[float] = []
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        without, store = Store(Path(name) / "p", "perf"), Store(Path(name) / "w", "perf")
        destination = Destination(
            mode="offline", project="perf", entity=None, folder=store.folder, study="perf"
        )
        mirror = stack.enter_context(LiveMirror(WandbSink(destination), store))
        sides = [(Silent(), without, plain), (mirror, store, mirrored)]
        for watcher, where, _ in sides:
            for trial in grid[:WARM_UP]:
                cost(watcher, trial, where)
        for first in range(WARM_UP, TRIALS, TURN):
            for watcher, where, found in sides:
                found += [cost(watcher, trial, where) for trial in grid[first : first + TURN]]
        started = time.perf_counter()
        mirror.close()
        waited = time.perf_counter() - started
        if has_left_over(store.folder):
            sys.exit("W&B does not have every run: the times would mean nothing")
    report(
        __file__,
        plain_seconds=statistics.median(plain),
        plain_target=0.15,
        wandb_offline_seconds=statistics.median(mirrored),
        wandb_offline_over_plain=statistics.median(mirrored) / statistics.median(plain),
        wandb_end_seconds=waited,
    )


if __name__ == "__main__":
    main()
