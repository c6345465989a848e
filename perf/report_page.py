"""The report page of 500 and of 5,000 trials: how long it takes to build, how large it is, how
fast a browser shows it. Targets: 5 s, 8 MB, first chart after 1.5 s, controls within 0.1 s; and 30 s.

``python perf/report_page.py [TRIALS] [FOLDER]`` keeps the invented study of so many trials there.
"""

import json
import sys
import tempfile
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
        for lr in np.geomspace(1e-4, 1.0, rates).round(6)
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
