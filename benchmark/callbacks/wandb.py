"""The mirror of a trial on Weights & Biases; the files stay the truth, and no error here ends it.

A run is made by `wandb.init(reinit="create_new")` and not by Lightning's WandbLogger, which writes
every run of a process into the first one.
"""

import re
import shutil
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from benchmark import __version__
from benchmark.callbacks.curves import Row
from benchmark.mirror import Mirror, lean_settings
from benchmark.spec import Trial
from benchmark.store import Record


class WandbRun:
    """One trial as one W&B run: a context manager that is called with every row.

    Args:
        mirror: Where to.
        trial: What is mirrored.
    """

    def __init__(self, mirror: Mirror, trial: Trial) -> None:
        self._mirror = mirror
        self._trial = trial
        self._run: Any = None

    def __enter__(self) -> Self:
        self._quietly(lambda: self._open(self._mirror))
        if self._run is None and self._mirror.mode == "online":
            _warn("the W&B server does not answer: this run is written offline")
            self._quietly(lambda: self._open(replace(self._mirror, mode="offline")))
        return self

    def __call__(self, row: Row) -> None:
        """Mirror one row; its axes are columns, for wandb's own step cannot go back."""
        self._quietly(lambda: self._run.log(row))

    def finish(self, record: Record) -> None:
        """Write the summary, ``status`` last, and close the run with the trial's exit code."""

        def close() -> None:
            for name, value in record.seconds.items():
                self._run.summary[f"seconds/{name}"] = value
            self._run.summary["reason"] = record.reason
            self._run.summary["status"] = record.status
            self._run.finish(exit_code=0 if record.status in ("done", "diverged") else 1)

        self._quietly(close)
        self._run = None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._run is not None:  # not finished: the trial raised
            self._quietly(lambda: self._run.finish(exit_code=1))

    def _open(self, mirror: Mirror) -> None:
        import wandb

        trial = self._trial
        identity = re.sub(r"[^A-Za-z0-9_-]", "_", trial.key)
        for old in (mirror.folder / "wandb").glob(f"offline-run-*-{identity}"):
            shutil.rmtree(
                old
            )  # of an interrupted attempt; two with one id would clobber each other
        mirror.folder.mkdir(parents=True, exist_ok=True)
        self._run = wandb.init(
            mode=mirror.mode,
            project=mirror.project,
            entity=mirror.entity,
            dir=str(mirror.folder),
            id=identity,
            name=f"{trial.label} s{trial.seed}",
            group=f"{mirror.study}/{trial.problem}",
            job_type="trial",
            tags=[trial.dataset[:64], trial.accelerator, f"suite-{__version__}"],
            config=_config(trial, mirror.study),
            reinit="create_new",
            settings=lean_settings(),
        )
        _define_axes(self._run)

    def _quietly(self, action: Callable[[], None]) -> None:
        try:
            action()
        except Exception as error:  # a mirror must not end a training
            if self._run is not None or self._mirror.mode == "offline":
                _warn(f"W&B: {type(error).__name__}: {' '.join(str(error).split())[:200]}")
            self._run = _Nothing() if self._run is not None else None


class _Nothing:
    """Takes the place of a run that has failed: what is said to it goes nowhere."""

    summary: dict[str, Any]

    def __init__(self) -> None:
        self.summary = {}

    def log(self, row: Row) -> None:
        pass

    def finish(self, exit_code: int) -> None:
        pass


def _config(trial: Trial, study: str) -> dict[str, Any]:
    """Return flat keys, which W&B's tables and reports can group by."""
    own = {name: value for name, value in trial.to_json().items() if name != "optimizer"}
    optimizer = trial.optimizer
    schedule = {
        "schedule": optimizer["schedule"]["kind"],
        "warmup": optimizer["schedule"]["warmup"],
    }
    names = {"study": study, "key": trial.key, "optimizer": optimizer["name"], "label": trial.label}
    return {**optimizer["hyperparameters"], **schedule, **own, **names}


def _define_axes(run: Any) -> None:
    for axis in ("step", "epoch", "samples", "train_seconds"):
        run.define_metric(axis, hidden=axis != "step")
    run.define_metric("train/running_loss", step_metric="step", summary="min,last")
    run.define_metric("lr", step_metric="step")
    for split in ("train", "val", "test"):
        run.define_metric(f"{split}/loss", step_metric="epoch", summary="min,last")
        run.define_metric(f"{split}/accuracy", step_metric="epoch", summary="max,last")


def _warn(message: str) -> None:
    with suppress(OSError):
        sys.stderr.write(f"warning: {message}\n")
