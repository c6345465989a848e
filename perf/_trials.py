"""Trials for the timing scripts: a few epochs of a problem, on the data that are available."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmark.problems import PROBLEMS
from benchmark.spec import Trial
from benchmark.study import Study
from datamodules.places import why_unavailable
from optimizers.grammar import parse


def trials(problem: str, opts: str, *, epochs: int, seeds: int = 1) -> list[Trial]:
    """Return a grid on `problem`, or on its embedded twin if its data are unavailable."""
    row = PROBLEMS[problem]
    if why_unavailable(row.workload.dataset, None, None):
        sys.stderr.write(f"{problem}: no data, so {row.twin} is timed\n")
        row = PROBLEMS[row.twin]
    study = Study(
        name="perf",
        workloads=(replace(row.workload, epochs=epochs),),
        optimizers=tuple(parse(opts)),
        seeds=tuple(range(seeds)),
    )
    return study.trials()


class Silent:
    """A launcher's watcher that ignores everything except failures."""

    def started(self, trial: Trial) -> None:
        """Do nothing."""

    def begun(self, trial: Trial) -> None:
        """Do nothing."""

    def progressed(self, trial: Trial, step: int, loss: float) -> None:
        """Do nothing."""

    def said(self, text: str) -> None:
        """Do nothing."""

    def finished(self, record: Any) -> None:
        """Stop the measurement at a failed trial, because its time would mean nothing."""
        if record.status != "done":
            sys.exit(f"{record.trial.key}: {record.status}: {record.reason}")


def report(script: str, **figures: Any) -> None:
    """Print one JSON object with all figures of a script."""
    rounded = {k: round(v, 5) if isinstance(v, float) else v for k, v in figures.items()}
    sys.stdout.write(json.dumps({"script": Path(script).stem, **rounded}, indent=1) + "\n")
