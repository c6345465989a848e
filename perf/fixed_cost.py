"""What a trial costs in a warm pool, launch to committed record, besides training and evaluation.

Target: at most 0.15 s, with W&B offline as without it: the launching process mirrors.
"""

import statistics
import tempfile
import time
from pathlib import Path

from _trials import Silent, report, trials

from benchmark.context import Context
from benchmark.launchers import Watcher
from benchmark.launchers.local import Devices, LocalLauncher, prepare
from benchmark.mirror.destination import Destination
from benchmark.mirror.live import LiveMirror
from benchmark.mirror.wandb_run import WandbSink
from benchmark.store import Store

TRIALS = 12


def costs(store: Store, watcher: Watcher) -> list[float]:
    """Return the seconds of each trial, one after the other, less training and evaluation."""
    launch = LocalLauncher(Context(), Devices(workers=1), watcher)
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
        store = Store(folder / "w", "perf")
        destination = Destination(
            mode="offline", project="perf", entity=None, folder=store.folder, study="perf"
        )
        prepare([("digits", "logreg", False)], Context())
        plain = costs(Store(folder / "p", "perf"), Silent())
        with LiveMirror(WandbSink(destination), store) as mirror:
            mirrored = costs(store, mirror)
    report(
        __file__,
        plain_seconds=statistics.median(plain),
        plain_target=0.15,
        wandb_offline_seconds=statistics.median(mirrored),
        wandb_offline_target=0.15,
    )


if __name__ == "__main__":
    main()
