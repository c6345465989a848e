"""What a trial costs in a warm pool, launch to committed record, besides training and evaluation.

Target: at most 0.15 s, and 0.3 s with W&B offline.
"""

import statistics
import tempfile
import time
from pathlib import Path

from _trials import Silent, report, trials

from benchmark.context import Context
from benchmark.launchers.local import Devices, LocalLauncher, prepare
from benchmark.mirror import Mirror, shared_service
from benchmark.store import Store

TRIALS = 12


def costs(folder: Path, mirror: Mirror | None) -> list[float]:
    """Return the seconds of each trial, one after the other, less training and evaluation."""
    context = Context(mirror=mirror)
    store = Store(folder, "perf")
    launch = LocalLauncher(context, Devices(workers=1), Silent())
    found = []
    for trial in trials("logreg/digits", "adam", epochs=1, seeds=TRIALS):
        started = time.perf_counter()
        launch([trial], store)
        elapsed = time.perf_counter() - started
        seconds = store.record(trial).seconds  # type: ignore[union-attr]
        found.append(elapsed - seconds["training"] - seconds["evaluation"])
    return found[2:]


def main() -> None:
    """Measure without and with W&B."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        mirror = Mirror(
            mode="offline", project="perf", entity=None, folder=folder / "w" / "perf", study="perf"
        )
        with shared_service(mirror):
            prepare([("digits", "logreg", False)], Context(mirror=mirror))
            plain = costs(folder / "p", None)
            mirrored = costs(folder / "w", mirror)
    report(
        __file__,
        plain_seconds=statistics.median(plain),
        plain_target=0.15,
        wandb_offline_seconds=statistics.median(mirrored),
        wandb_offline_target=0.3,
    )


if __name__ == "__main__":
    main()
