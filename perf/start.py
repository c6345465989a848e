"""The cost of a command before it trains, and of one that has nothing to train.

Targets: ``run`` with 1,000 trials on record, tuned or not, takes at most 0.6 s of CPU and 150 MB;
the first trial of a fresh command begins within 6 s. The latter is also given relative to
``import torch``.
"""

import math
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from _trials import report
from report_page import cost

from benchmark.planning import Planner
from benchmark.problems import PROBLEMS
from benchmark.protocols.tuned import Tuned
from benchmark.record import Clocks, Record
from benchmark.store import Store
from benchmark.study import Study
from optimizers.grammar import describe, describe_tunables

REPEATS = 3
SEEDS = 25
OPTS = "adam:lr=" + "|".join(f"{rate / 1000:g}" for rate in range(1, 41))  # 40 × 25 trials

TUNED_PROBLEMS = ("mlp/digits", "logreg/digits")
TUNED_BUDGET = 16
TUNED_SEEDS = 10


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


def write_tuned_results(results: Path) -> int:
    """Write the records of a study that tunes all optimizers, by a formula; return how many."""
    study = Study(
        name="tuned",
        workloads=tuple(PROBLEMS[name].workload for name in TUNED_PROBLEMS),
        tuned=Tuned(
            tunables=tuple(describe_tunables("all", "lr")),
            budget=TUNED_BUDGET,
            seeds=tuple(range(TUNED_SEEDS)),
        ),
    )
    store = Store(results, study.name)
    planner = Planner(study, store)
    while missing := planner.plan().missing:
        for trial in missing:
            rate = trial.optimizer.hyperparameters["lr"]
            loss = 1 + math.log10(rate / 0.01) ** 2 + 0.01 * math.sin(3 * trial.seed)
            metrics = dict.fromkeys(("train/loss", "val/loss", "test/loss"), loss)
            store.write(Record(trial=trial, status="done", metrics=metrics))
        planner = Planner(study, store)
    planner.declare()
    return len(planner.plan().trials)


def idle(results: Path) -> dict[str, Any]:
    """Return the cost of `run` if all trials are on record."""
    arguments = ["--problem", "mlp/digits", "--opts", OPTS, "--seeds", str(SEEDS)]
    return _cost_of_run("idle", results, arguments)


def idle_tuned(results: Path) -> dict[str, Any]:
    """Return the same for a tuned study, whose verdicts are kept by a run before."""
    arguments = ["--problem", ",".join(TUNED_PROBLEMS), "--opts", "all"]
    arguments += ["--tune", str(TUNED_BUDGET), "--seeds", str(TUNED_SEEDS)]
    cost("run", *arguments, "--study", "tuned", "--results", str(results))
    return _cost_of_run("tuned", results, arguments)


def _cost_of_run(study: str, results: Path, arguments: list[str]) -> dict[str, Any]:
    where = ["--study", study, "--results", str(results)]
    found = [cost("run", *arguments, *where) for _ in range(REPEATS)]
    return {
        f"{study}_cpu_seconds": statistics.median(each.cpu_seconds for each in found),
        f"{study}_megabytes": statistics.median(each.megabytes for each in found),
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
        tuned_records = write_tuned_results(Path(folder) / "tuned")
        figures |= idle_tuned(Path(folder) / "tuned")
        for repeat in range(REPEATS):
            first.append(first_trial_seconds(Path(folder) / str(repeat)))
            torch.append(torch_seconds())
    report(
        __file__,
        records=records,
        tuned_records=tuned_records,
        **figures,
        idle_targets={"cpu_seconds": 0.6, "megabytes": 150},
        first_trial_seconds=statistics.median(first),
        first_trial_target=6.0,
        first_trial_over_import_torch=statistics.median(first) / statistics.median(torch),
    )


if __name__ == "__main__":
    main()
