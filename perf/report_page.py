"""Time to build and to show the page of 500 and of 5,000 trials, 200 points each.

Targets for 500: built in 5 s, 8 MB, first chart after 1.5 s, controls within 0.1 s; 5,000: 30 s.
The browser's figures need Chromium and playwright.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from _trials import report

from benchmark.problems import PROBLEMS
from benchmark.spec import Study
from benchmark.store import Record, Store
from optimizers.registry import OPTIMIZERS

POINTS = 200
SEEDS = 5
PROBLEM_NAMES = ("logreg/mnist", "mlp/mnist", "cnn/cifar10", "logreg/imdb", "mlp/digits")
STEPS_PER_POINT = 20
ENVIRONMENT = {"suite": "0.1.0", "commit": "0123456789ab", "torch": "2.14.1", "cpu": "invented"}


def write_study(results: Path, name: str, trials: int) -> Store:
    """Write records of `trials` invented trials, of 5 problems with 10 optimizers and 5 seeds."""
    rates = max(1, trials // (len(PROBLEM_NAMES) * 10 * SEEDS))
    optimizers = [
        {
            "name": optimizer,
            "label": f"{optimizer} lr={lr:g}",
            "target": "invented:Invented",
            "hyperparameters": {"lr": float(lr)},
            "schedule": {"kind": "constant", "warmup": 0.0},
        }
        for optimizer in list(OPTIMIZERS)[:10]
        for lr in np.geomspace(0.01, 1.0, rates).round(6)
    ]
    study = Study(
        name=name,
        workloads=tuple(PROBLEMS[problem].workload for problem in PROBLEM_NAMES),
        optimizers=tuple(optimizers),
        seeds=tuple(range(SEEDS)),
    )
    store = Store(results, name)
    random = np.random.default_rng(0)
    for trial in study.trials():
        folder = store.trial_folder(trial)
        folder.mkdir(parents=True)
        rate = float(trial.optimizer["hyperparameters"]["lr"])
        rows = _curve(rate, random)
        status = "diverged" if rate > 0.5 and trial.seed % 2 else "done"
        rows = rows[: POINTS // 3] if status == "diverged" else rows
        (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        record = Record(
            trial=trial,
            status=status,  # type: ignore[arg-type]
            reason="loss is not finite" if status == "diverged" else "",
            metrics=rows[-1],
            seconds={"training": rows[-1]["train_seconds"], "per_step": 1e-3},
            environment=ENVIRONMENT,
        )
        (folder / "record.json").write_text(json.dumps(record.to_json()))
    return store


def _curve(rate: float, random: np.random.Generator) -> list[dict[str, float]]:
    step = np.arange(POINTS) * STEPS_PER_POINT
    speed = 3.0 * np.exp(-((np.log10(rate) + 1.5) ** 2)) * random.uniform(0.9, 1.1)
    loss = 2.3 * np.exp(-speed * step / 2000) + 0.01 / (0.05 + speed)
    noisy = [loss * random.lognormal(0.0, 0.05, POINTS) for _ in range(4)]
    pace = random.uniform(0.9, 1.1) * 1e-3
    return [
        {
            "step": int(step[i]),
            "epoch": float(step[i] / 400),
            "samples": int(step[i] * 128),
            "train_seconds": float(step[i] * pace),
            "train/running_loss": float(noisy[0][i]),
            **{
                f"{part}/loss": float(values[i])
                for part, values in zip(("train", "val", "test"), noisy[1:], strict=True)
            },
            **{
                f"{part}/accuracy": float(np.exp(-values[i] / 3))
                for part, values in zip(("train", "val", "test"), noisy[1:], strict=True)
            },
        }
        for i in range(POINTS)
    ]


def build_seconds(results: Path, study: str) -> float:
    """Return the time of the whole command, from start to file."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "benchmark", "report", study, "--results", str(results)]
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def browse(page: Path) -> dict[str, Any]:
    """Return when the first chart was visible, and how long controls took until the next frame."""
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


def main() -> None:
    """Measure both sizes."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for trials in (500, 5000):
            results = Path(folder)
            store = write_study(results, f"trials-{trials}", trials)
            seconds = build_seconds(results, store.study)
            page = store.folder / "report.html"
            found[str(trials)] = {
                "build_seconds": round(seconds, 2),
                "megabytes": round(page.stat().st_size / 1e6, 2),
                **browse(page),
            }
    report(__file__, **found)


if __name__ == "__main__":
    main()
