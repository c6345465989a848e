"""Unique memory of two workers on cnn/cifar10. Target: at most 500 MB each, without copied data."""

import os
import tempfile
import threading
import time
from pathlib import Path

from _trials import Silent, report, trials

from benchmark.context import Context
from benchmark.launchers import Limits
from benchmark.launchers.local import LocalLauncher
from benchmark.launchers.prepare import prepare
from benchmark.store import Store


def unique_bytes(pid: int) -> int:
    """Return the unique set size of process `pid`: the memory that its end would free."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    lines = [line for line in text.splitlines() if line.startswith("Private_")]
    return sum(int(line.split()[1]) for line in lines) * 1024


def descendants(pid: int) -> list[int]:
    """Return the processes below `pid`."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            found += [child, *descendants(child)]
    return found


def main() -> None:
    """Measure two concurrent trials for half a minute."""
    grid = trials("cnn/cifar10", "adam", epochs=1, seeds=2)
    prepare([(grid[0].dataset, grid[0].model, False)], Context())
    peaks: dict[int, int] = {}
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.5):
            for pid in descendants(os.getpid()):
                try:
                    peaks[pid] = max(peaks.get(pid, 0), unique_bytes(pid))
                except OSError:
                    continue

    threading.Thread(target=watch, daemon=True).start()
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        launch = LocalLauncher(Limits(workers=2))
        launch(grid, Store(folder, "perf"), Context(), Silent())
    over.set()
    workers = sorted(peaks.values())[-2:]
    report(
        __file__,
        problem=grid[0].problem,
        seconds=time.perf_counter() - started,
        unique_megabytes_of_each_worker=[round(size / 1e6) for size in workers],
        target=500,
    )


if __name__ == "__main__":
    main()
