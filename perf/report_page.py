"""Time and memory to build the page of a study, and time to show it.

    python perf/report_page.py  # 500 and 5,000 trials
    python perf/report_page.py --trials 10000 --seeds 10 --points 60 --no-browser

Targets for 500 trials: built in 5 s, 8 MB, first chart after 1.5 s, controls answer within 0.1 s.
For 5,000: built in 30 s. For 10,000 with the options above: at most 30 s of CPU and 1 GB. The
browser's figures need Chromium and playwright.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from _trials import report

from benchmark.axes import AXES
from benchmark.problems import PROBLEMS
from benchmark.record import Clocks, Environment, Progress, Record
from benchmark.store import Store
from benchmark.study import Study
from optimizers.registry import OPTIMIZERS
from optimizers.spec import OptimizerSpec

POINTS = 200
SEEDS = 5
OPTIMIZER_COUNT = 10
PROBLEM_NAMES = ("logreg/mnist", "mlp/mnist", "cnn/cifar10", "logreg/imdb", "mlp/digits")
STEPS_PER_POINT = 20
ENVIRONMENT = Environment(
    suite="0.1.0", commit="0123456789ab", packages={"torch": "2.14.1"}, cpu="invented"
)


def write_study(
    results: Path, name: str, trials: int, *, seeds: int = SEEDS, points: int = POINTS
) -> Store:
    """Write records of `trials` invented trials, of 5 problems with 10 optimizers.

    As in real logs, one row in three holds only the running loss.
    """
    rates = max(1, trials // (len(PROBLEM_NAMES) * OPTIMIZER_COUNT * seeds))
    optimizers = [
        OptimizerSpec(
            name=optimizer,
            label=f"{optimizer} lr={lr:g}",
            target="invented:Invented",
            hyperparameters={"lr": float(lr)},
        )
        for optimizer in list(OPTIMIZERS)[:OPTIMIZER_COUNT]
        for lr in np.geomspace(0.01, 1.0, rates).round(6)
    ]
    study = Study(
        name=name,
        workloads=tuple(PROBLEMS[problem].workload for problem in PROBLEM_NAMES),
        optimizers=tuple(optimizers),
        seeds=tuple(range(seeds)),
    )
    store = Store(results, name)
    random = np.random.default_rng(0)
    for trial in study.trials():
        folder = store.trial_folder(trial)
        folder.mkdir(parents=True)
        rate = float(trial.optimizer.hyperparameters["lr"])
        rows = _curve(rate, points, random)
        status = "diverged" if rate > 0.5 and trial.seed % 2 else "done"
        rows = rows[: points // 3] if status == "diverged" else rows
        (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        record = Record(
            trial=trial,
            status=status,  # type: ignore[arg-type]
            reason="loss is not finite" if status == "diverged" else "",
            progress=Progress(**{name: rows[-1][name] for name in AXES}),
            metrics={name: value for name, value in rows[-1].items() if name not in AXES},
            clocks=Clocks(training=rows[-1]["train_seconds"], per_step=1e-3),
            environment=ENVIRONMENT,
        )
        (folder / "record.json").write_text(json.dumps(record.to_json()))
    return store


def _curve(rate: float, points: int, random: np.random.Generator) -> list[dict[str, float]]:
    step = np.arange(points) * STEPS_PER_POINT
    speed = 3.0 * np.exp(-((np.log10(rate) + 1.5) ** 2)) * random.uniform(0.9, 1.1)
    loss = 2.3 * np.exp(-speed * step / 2000) + 0.01 / (0.05 + speed)
    noisy = [loss * random.lognormal(0.0, 0.05, points) for _ in range(4)]
    pace = random.uniform(0.9, 1.1) * 1e-3
    rows = []
    for i in range(points):
        row = {
            "step": int(step[i]),
            "epoch": float(step[i] / 400),
            "samples": int(step[i] * 128),
            "train_seconds": float(step[i] * pace),
            "train/running_loss": float(noisy[0][i]),
        }
        if i % 3 != 1:
            for part, values in zip(("train", "val", "test"), noisy[1:], strict=True):
                row[f"{part}/loss"] = float(values[i])
                row[f"{part}/accuracy"] = float(np.exp(-values[i] / 3))
        rows.append(row)
    return rows


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Time and memory of a command."""

    seconds: float
    cpu_seconds: float
    megabytes: float


def cost(*arguments: str) -> Cost:
    """Return the cost of a verb from start to end, without its child processes."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "benchmark", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{' '.join(command)} ended with status {status}")
    return Cost(
        seconds=time.perf_counter() - start,
        cpu_seconds=used.ru_utime + used.ru_stime,
        megabytes=used.ru_maxrss * 1024 / 1e6,
    )


def browse(page: Path) -> dict[str, Any]:
    """Return the seconds until the first chart, and those of controls until the next frame."""
    program = shutil.which("chromium")
    if program is None:
        sys.stderr.write("no Chromium, so nothing is said of the browser\n")
        return {}
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        window = browser.new_page(viewport={"width": 1280, "height": 900})
        window.add_init_script(_WATCH)
        window.goto(page.resolve().as_uri())
        window.wait_for_function("window.firstChart")
        found = {
            "first_chart_seconds": round(window.evaluate("window.firstChart") / 1000, 3),
            "toggle_seconds": {
                name: round(window.evaluate(_CHANGE, [name, value]) / 1000, 3)
                for name, value in _CHANGES
            },
        }
        browser.close()
    return found


_CHANGES = (
    ("seeds", "1"),
    ("x", "train_seconds"),
    ("band", "minmax"),
    ("off", "0"),
    ("seeds", "0"),
    ("variants", "all"),
    ("metric", 1),
    ("problem", 1),
)
_WATCH = """
const look = () => {
  if (document.querySelector("#curves-chart path.line")) window.firstChart = performance.now();
  else requestAnimationFrame(look);
};
requestAnimationFrame(look);
"""
_CHANGE = """([name, value]) => new Promise((done) => {
  const start = performance.now();
  change({ [name]: value });
  requestAnimationFrame(() => setTimeout(() => done(performance.now() - start)));
})"""


def measured(results: Path, trials: int, wish: argparse.Namespace) -> dict[str, Any]:
    """Return the cost of the page of a new study of `trials` trials."""
    store = write_study(results, f"trials-{trials}", trials, seeds=wish.seeds, points=wish.points)
    found = cost("report", store.study, "--results", str(results))
    page = store.folder / "report.html"
    return {
        "build_seconds": round(found.seconds, 2),
        "build_cpu_seconds": round(found.cpu_seconds, 2),
        "peak_memory_megabytes": round(found.megabytes),
        "page_megabytes": round(page.stat().st_size / 1e6, 2),
        **(browse(page) if wish.browser else {}),
    }


def main() -> None:
    """Measure each size."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--trials", type=int, nargs="+", default=[500, 5000])
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--points", type=int, default=POINTS)
    parser.add_argument("--browser", action=argparse.BooleanOptionalAction, default=True)
    wish = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = {str(trials): measured(Path(folder), trials, wish) for trials in wish.trials}
    report(__file__, **found)


if __name__ == "__main__":
    main()
