"""One trial as one W&B run: its id, what it says of the trial, opening and closing it.

When that happens is decided elsewhere: while training in `callbacks.wandb`, afterwards in `push`.
"""

import secrets
import shutil
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmark import __version__
from benchmark.mirror import FINISH_SECONDS, Mirror, lean_settings
from benchmark.spec import Trial
from benchmark.store import FINISHED, Record

_AXES = ("step", "epoch", "samples", "train_seconds")
_GRACE_SECONDS = 5  # after FINISH_SECONDS, which wandb-core itself keeps unless it hangs


def attempt_id(trial: Trial) -> str:
    """Return a new id for a run of `trial`.

    Every attempt gets an id of its own. With one id per trial, equal studies on two machines would
    overwrite each other in a project, and W&B refuses the id of a run that was deleted there.
    """
    return f"{digest(trial)}-{secrets.token_hex(4)}"


def digest(trial: Trial) -> str:
    """Return what the ids of all runs of `trial` begin with."""
    return trial.key.rpartition("-")[2]


def summary_of(record: Record) -> dict[str, Any]:
    """Return the summary of a run but for its ``status``, which is written last."""
    numbers = {f"final/{n}": v for n, v in record.metrics.items() if n not in _AXES}
    seconds = {f"seconds/{name}": value for name, value in record.seconds.items()}
    return {**numbers, **seconds, "reason": record.reason}


def close_run(run: Any, summary: Mapping[str, Any], status: str) -> None:
    """Write the summary, ``status`` last, and wait until W&B has everything.

    Raises:
        TimeoutError: it takes too long.
        Exception: whatever wandb raises.
    """

    def close() -> None:
        run.summary.update(summary)
        run.summary["status"] = status
        run.finish(exit_code=0 if status in FINISHED else 1)

    _within(FINISH_SECONDS + _GRACE_SECONDS, close)


def run_folders(mirror: Mirror, trial: Trial) -> list[Path]:
    """Return where wandb keeps what it has of `trial`, the oldest first."""
    return sorted((mirror.folder / "wandb").glob(f"*run-*-{digest(trial)}-*"))


def open_run(mirror: Mirror, trial: Trial, run_id: str, *, retries: int | None = None) -> Any:
    """Return a new W&B run of `trial`, which replaces what lies in the study's folder of it.

    Args:
        mirror: Where to.
        trial: What the run is of.
        run_id: Of the run; one that the server has is written over.
        retries: How often a refused request is repeated; None leaves that to wandb.

    Raises:
        Exception: whatever wandb raises.
    """
    import wandb

    for old in run_folders(mirror, trial):
        shutil.rmtree(old, ignore_errors=True)
    mirror.folder.mkdir(parents=True, exist_ok=True)
    run = wandb.init(
        mode=mirror.mode,
        project=mirror.project,
        entity=mirror.entity,
        dir=str(mirror.folder),
        id=run_id,
        name=f"{trial.label} s{trial.seed}",
        group=f"{mirror.study}/{trial.problem}",
        job_type="trial",
        tags=[trial.dataset[:64], trial.accelerator, f"suite-{__version__}"],
        config=_config(trial, mirror.study),
        reinit="create_new",
        settings=_settings(mirror, retries),
    )
    _define_axes(run)
    return run


def _settings(mirror: Mirror, retries: int | None) -> Any:
    import wandb

    settings = lean_settings()
    settings.mode = mirror.mode
    wandb.setup(settings)  # else the process counts as online, and builds what sends telemetry
    settings.symlink = False  # workers would fight over `latest-run`
    settings.label_disable = True  # reads the main script
    settings.finish_timeout_raises = True
    settings.x_graphql_retry_max = retries
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
