"""The mirror of a trial on Weights & Biases; the files stay the truth, and no error here ends it.

A run is made by `wandb.init(reinit="create_new")` and not by Lightning's WandbLogger, which writes
every run of a process into the first one.
"""

import os
import secrets
import shutil
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from benchmark import __version__
from benchmark.callbacks.curves import Row
from benchmark.mirror import FINISH_SECONDS, Mirror, lean_settings
from benchmark.spec import Trial
from benchmark.store import FINISHED, Record

_AXES = ("step", "epoch", "samples", "train_seconds")
_GRACE_SECONDS = 5  # after FINISH_SECONDS, which wandb-core itself keeps unless it hangs


class WandbRun:
    """One trial as one W&B run: a context manager that is called with every row.

    A run without ``status`` in its summary was killed: its state proves nothing, for a shared
    wandb-core closes such a run as finished, with exit code 0.

    Args:
        mirror: Where to.
        trial: What is mirrored.
    """

    def __init__(self, mirror: Mirror, trial: Trial) -> None:
        self._mirror = mirror
        self._trial = trial
        self._run: Any = None  # None also after wandb has failed: rows then go nowhere

    def __enter__(self) -> Self:
        self._run = _open(self._mirror, self._trial)
        return self

    def __call__(self, row: Row) -> None:
        """Mirror one row; its axes are columns, for wandb's own step cannot go back."""
        if self._run is None:
            return
        try:
            self._run.log(row)
        except Exception as error:
            _warn(error, "the rest of this run is not mirrored")
            self._run = None

    def finish(self, record: Record) -> None:
        """Write the summary, ``status`` last, and close the run: exit code 0 if it has a result."""
        numbers = {f"final/{n}": v for n, v in record.metrics.items() if n not in _AXES}
        seconds = {f"seconds/{name}": value for name, value in record.seconds.items()}
        self._close({**numbers, **seconds, "reason": record.reason}, record.status)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        reason = _line(error) if error else "ended without a record"
        self._close({"reason": reason}, "failed")  # does nothing after `finish`

    def _close(self, summary: Mapping[str, Any], status: str) -> None:
        run, self._run = self._run, None
        if run is None:
            return

        def close() -> None:
            run.summary.update(summary)
            run.summary["status"] = status
            run.finish(exit_code=0 if status in FINISHED else 1)

        try:
            _within(FINISH_SECONDS + _GRACE_SECONDS, close)
        except Exception as error:
            _warn(error, f"not all was sent; `wandb sync {run.dir}/..` tries again")


def _open(mirror: Mirror, trial: Trial) -> Any:
    """Return a run, or None if there can be none; one offline where one online was refused."""
    try:
        return _init(mirror, trial)
    except Exception as error:
        _warn(error, "this run is written offline, with a wandb-core of its own")
    os.environ.pop("WANDB_SERVICE", None)  # the shared one may be what has failed
    try:
        return _init(replace(mirror, mode="offline"), trial)
    except Exception as error:
        _warn(error, "this run is not mirrored")
        return None


def _init(mirror: Mirror, trial: Trial) -> Any:
    import wandb

    # Every attempt gets an id of its own. With one id per trial, equal studies on two machines
    # would overwrite each other in a project, and W&B refuses the id of a run deleted there.
    digest = trial.key.rpartition("-")[2]
    for old in (mirror.folder / "wandb").glob(f"*run-*-{digest}-*"):
        shutil.rmtree(old, ignore_errors=True)  # of an attempt without a result
    mirror.folder.mkdir(parents=True, exist_ok=True)
    run = wandb.init(
        mode=mirror.mode,
        project=mirror.project,
        entity=mirror.entity,
        dir=str(mirror.folder),
        id=f"{digest}-{secrets.token_hex(4)}",
        name=f"{trial.label} s{trial.seed}",
        group=f"{mirror.study}/{trial.problem}",
        job_type="trial",
        tags=[trial.dataset[:64], trial.accelerator, f"suite-{__version__}"],
        config=_config(trial, mirror.study),
        reinit="create_new",
        settings=_settings(mirror),
    )
    _define_axes(run)
    return run


def _settings(mirror: Mirror) -> Any:
    import wandb

    settings = lean_settings()
    settings.mode = mirror.mode
    wandb.setup(settings)  # else the process counts as online, and builds what sends telemetry
    settings.symlink = False  # workers would fight over `latest-run`
    settings.label_disable = True  # reads the main script
    settings.finish_timeout_raises = True
    return settings


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
    for axis in _AXES:
        run.define_metric(axis, hidden=axis != "step")
    run.define_metric("train/running_loss", step_metric="step", summary="min,last")
    run.define_metric("lr", step_metric="step")
    run.define_metric("inside/*", step_metric="step")
    for split in ("train", "val", "test"):
        run.define_metric(f"{split}/loss", step_metric="epoch", summary="min,last")
        run.define_metric(f"{split}/accuracy", step_metric="epoch", summary="max,last")


def _within(seconds: float, action: Callable[[], None]) -> None:
    """Run `action` for at most so long, then leave it behind.

    Raises:
        TimeoutError: it takes longer.
        Exception: whatever `action` raises.
    """
    errors: list[Exception] = []

    def attempt() -> None:
        try:
            action()
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=attempt, daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise TimeoutError(f"wandb did not finish in {seconds} s")
    if errors:
        raise errors[0]


def _line(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"


def _warn(error: Exception, consequence: str) -> None:
    with suppress(OSError):
        sys.stderr.write(f"warning: W&B: {_line(error)}; {consequence}\n")
