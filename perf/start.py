"""The cost of a command before it trains, and of one that has nothing to train.

Targets: ``run`` with 1,000 trials on record takes at most 0.6 s of CPU and 150 MB; the first trial
of a fresh command begins within 6 s. The latter is also given relative to ``import torch``.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from _trials import report
from report_page import cost

from benchmark.problems import PROBLEMS
from benchmark.record import Clocks, Record
from benchmark.spec import Study
from benchmark.store import Store
from optimizers.grammar import describe

REPEATS = 3
SEEDS = 25
OPTS = "adam:lr=" + "|".join(f"{rate / 1000:g}" for rate in range(1, 41))  # 40 × 25 trials


def write_results(results: Path) -> int:
    """Write a thousand invented records of `OPTS`; return how many."""
    workload = PROBLEMS["mlp/digits"].workload
    study = Study(
        name="idle",
        workloads=(workload,),
        optimizers=tuple(describe(OPTS)),
        seeds=tuple(range(SEEDS)),
    )
    store = Store(results, study.name)
    for trial in study.trials():
        names = (f"{part}/{kind}" for part in ("val", "test") for kind in ("loss", "accuracy"))
        metrics = dict.fromkeys(names, 0.1 + trial.seed / 1000)
        store.write(
            Record(trial=trial, status="done", metrics=metrics, clocks=Clocks(training=1.0))
        )
    return len(study.trials())


def idle(results: Path) -> dict[str, Any]:
    """Return the cost of `run` if all trials are on record."""
    arguments = ["--problem", "mlp/digits", "--opts", OPTS, "--seeds", str(SEEDS)]
    where = ["--study", "idle", "--results", str(results)]
    found = [cost("run", *arguments, *where) for _ in range(REPEATS)]
    return {
        "idle_cpu_seconds": statistics.median(each.cpu_seconds for each in found),
        "idle_megabytes": statistics.median(each.megabytes for each in found),
    }


def first_trial_seconds(results: Path) -> float:
    """Return the time from the call to the moment at which the first trial begins."""
    wish = ["--problem", "logreg/digits", "--opts", "adam,sgd", "--seeds", "1", "--epochs", "2"]
    where = ["--wandb", "disabled", "--study", "first", "--results", str(results)]
    started = time.time_ns()
    cost("run", *wish, *where)
    begun = min(path.stat().st_mtime_ns for path in results.glob("first/*/trial.json"))
    return (begun - started) / 1e9


def torch_seconds() -> float:
    """Return the time of a process that imports torch and does nothing."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import torch"], check=True)
    return time.perf_counter() - started


def main() -> None:
    """Measure both costs."""
    first, torch = [], []
    with tempfile.TemporaryDirectory() as folder:
        records = write_results(Path(folder) / "idle")
        figures = idle(Path(folder) / "idle")
        for repeat in range(REPEATS):
            first.append(first_trial_seconds(Path(folder) / str(repeat)))
            torch.append(torch_seconds())
    report(
        __file__,
        records=records,
        **figures,
        idle_targets={"cpu_seconds": 0.6, "megabytes": 150},
        first_trial_seconds=statistics.median(first),
        first_trial_target=6.0,
        first_trial_over_import_torch=statistics.median(first) / statistics.median(torch),
    )


if __name__ == "__main__":
    main()
