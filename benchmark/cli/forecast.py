"""The forecast of a run: its trials, their duration and the disk space they need."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.estimates import Durations
from benchmark.planning import TrialPlan
from benchmark.report.words import counted
from benchmark.store import Store


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """The summary that is printed before a run.

    Args:
        problems: Names, each with its epochs.
        optimizers: Labels.
        num_seeds: Seeds per optimizer.
        num_trials: All trials of the study.
        num_to_run: Trials without a result.
        seconds: Estimated duration of the trials to run.
        disk_bytes: Estimated disk space of these trials and of data still to be prepared.
        workers: Number of trials that run in parallel.
        folder: Folder of the results.
    """

    problems: tuple[str, ...]
    optimizers: tuple[str, ...]
    num_seeds: int
    num_trials: int
    num_to_run: int
    seconds: float
    disk_bytes: int
    workers: int
    folder: Path

    def to_json(self) -> dict[str, Any]:
        """Return the values that ``--dry-run --json`` prints."""
        return {
            "problems": list(self.problems),
            "optimizers": list(self.optimizers),
            "seeds": self.num_seeds,
            "trials": self.num_trials,
            "to run": self.num_to_run,
            "minutes": round(self.seconds / 60, 1),
            "disk MB": self._megabytes(),
            "results": str(self.folder),
        }

    def lines(self) -> list[str]:
        """Return the lines that a terminal shows."""
        from benchmark.cli.progress import in_words

        return [
            f"problems    {', '.join(self.problems)}",
            f"optimizers  {', '.join(self.optimizers)}",
            f"trials      {self.num_trials} with {counted(self.num_seeds, 'seed')}, "
            f"{self.num_to_run} to run, "
            f"about {in_words(self.seconds)} with {counted(self.workers, 'worker')}",
            f"results     {self.folder}, about {self._megabytes()} MB with prepared data",
        ]

    def _megabytes(self) -> float:
        return round(self.disk_bytes / 1e6, 1)


def forecast(plan: TrialPlan, store: Store, workers: int) -> Forecast:
    """Return the forecast of `plan`, estimated from the records so far.

    Args:
        plan: The trials.
        store: The study's folder.
        workers: Number of trials that run in parallel.
    """
    durations = Durations(store.records() if plan.missing else [])
    problems = {f"{t.problem} ({counted(t.epochs, 'epoch')})": None for t in plan.trials}
    return Forecast(
        problems=tuple(problems),
        optimizers=tuple({trial.label: None for trial in plan.trials}),
        num_seeds=len({trial.seed for trial in plan.trials}),
        num_trials=len(plan.trials),
        num_to_run=len(plan.missing),
        seconds=durations.estimate_in_all(plan.missing, workers),
        disk_bytes=plan.num_bytes,
        workers=workers,
        folder=store.folder,
    )
