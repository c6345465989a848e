"""Trials as W&B runs: their ids, their config and summary, and how they are opened and closed.

A run is made by `wandb.init(reinit="create_new")` and not by Lightning's WandbLogger, which writes
every run of a process into the first one.
"""

import secrets
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmark import __version__
from benchmark.axes import AXES, STEP
from benchmark.decode import Row
from benchmark.metrics import INSIDE, LEARNING_RATE, metric_of, names_of
from benchmark.mirror.destination import Destination
from benchmark.mirror.facts import facts_of
from benchmark.mirror.run_rate import RunRate
from benchmark.mirror.wandb_private import (
    end_service,
    lean_settings,
    repeat_refused_requests,
    start_service,
)
from benchmark.record import Record, known
from benchmark.spec import Trial
from benchmark.store import FINISHED

INIT_SECONDS = 10.0  # a server that takes longer to open a run counts as unreachable
FINISH_SECONDS = 20.0
REFUSED = "previously created and deleted"  # in W&B's message about the id of a deleted run

_GRACE_SECONDS = 5.0  # on top of FINISH_SECONDS, which wandb-core itself keeps unless it hangs


class WandbSink:
    """W&B as a `live.Sink`: online, and offline after online has failed twice.

    Args:
        destination: The destination of the runs.
    """

    name = "W&B"
    cure = "the next `run` or `push` of this study completes them"
    completes = True
    place = ""

    def __init__(self, destination: Destination) -> None:
        self._destination = destination
        self._owns_service = False
        self._rate = RunRate(is_online=True)

    def start(self) -> None:
        """Start wandb's service."""
        self._owns_service = _start(self._destination)

    def new_id(self, trial: Trial) -> str:
        """Return a new id for a run of `trial`."""
        return attempt_id(trial)

    def may_open(self) -> bool:
        """Return whether W&B's rate limits allow another run now."""
        return self._destination.mode == "offline" or self._rate.may_open()

    def open(self, trial: Trial, run_id: str) -> "WandbRun":
        """Return a run of `trial`; an existing run with this id is overwritten."""
        try:
            return WandbRun(open_run(self._destination, trial, run_id))
        except Exception as error:
            if REFUSED not in str(error):
                raise
        return WandbRun(open_run(self._destination, trial, attempt_id(trial)))

    def forget(self, trial: Trial) -> None:
        """Do nothing: no run is kept here, and every attempt has an id of its own."""

    def start_again(self, failures: int) -> str:
        """Restart after a failure, offline after several; return a notice for the user, or ""."""
        self.end(at_once=True)
        changed = ""
        if failures > 1 and self._destination.mode == "online":
            self._destination = replace(self._destination, mode="offline")
            runs = self._destination.folder / "wandb"
            changed = f"runs are written offline (upload: wandb sync {runs}/offline-run-*)"
        self.start()
        return changed

    def end(self, *, at_once: bool) -> None:
        """End wandb's service."""
        if self._owns_service:
            self._owns_service = False
            end_service(0.0 if at_once else FINISH_SECONDS)


class WandbRun:
    """One W&B run as a `live.Run`.

    A run without ``status`` in its summary was interrupted. Its state proves nothing, because
    wandb-core closes such a run as finished, with exit code 0.
    """

    def __init__(self, run: Any) -> None:
        self._run = run
        self.id = str(run.id)

    def log(self, row: Row) -> None:
        """Send one row; its axes are columns, because wandb's own step cannot go back."""
        self._run.log(row)

    def finish(self, record: Record) -> None:
        """Send the summary and wait until W&B has everything."""
        close_run(self._run, summary_of(record), record.status)

    def fail(self, reason: str) -> None:
        """Close the run of a trial that gave no result."""
        close_run(self._run, {"reason": reason}, "failed")


@contextmanager
def service(destination: Destination) -> Iterator[None]:
    """Run a wandb-core during the block, and end it afterwards in any case."""
    owned = _start(destination)
    try:
        yield
    finally:
        if owned:
            end_service(FINISH_SECONDS)


def _start(destination: Destination) -> bool:
    return start_service(_settings(destination))


def attempt_id(trial: Trial) -> str:
    """Return a new id for a run of `trial`.

    Every attempt gets an id of its own. With one id per trial, equal studies on two machines would
    overwrite each other in a project, and W&B refuses the id of a run that was deleted there.
    """
    return f"{digest(trial)}-{secrets.token_hex(4)}"


def digest(trial: Trial) -> str:
    """Return the common beginning of the ids of all runs of `trial`."""
    return trial.key.rpartition("-")[2]


def summary_of(record: Record) -> dict[str, Any]:
    """Return the summary of a run without its ``status``, which is written last."""
    numbers = {**record.metrics, **known(record.cost)}
    finals = {f"final/{name}": value for name, value in numbers.items()}
    seconds = {f"seconds/{clock}": value for clock, value in known(record.clocks).items()}
    return {**finals, **seconds, "reason": record.reason}


def close_run(run: Any, summary: Mapping[str, Any], status: str) -> None:
    """Write the summary, ``status`` last, and wait until W&B has everything.

    Raises:
        TimeoutError: W&B takes too long.
        Exception: any exception of wandb.
    """

    def close() -> None:
        run.summary.update(summary)
        run.summary["status"] = status
        run.finish(exit_code=0 if status in FINISHED else 1)

    _within(FINISH_SECONDS + _GRACE_SECONDS, close)


def run_folders(destination: Destination, trial: Trial) -> list[Path]:
    """Return wandb's folders of the runs of `trial`, the oldest first."""
    return sorted((destination.folder / "wandb").glob(f"*run-*-{digest(trial)}-*"))


def open_run(
    destination: Destination, trial: Trial, run_id: str, *, retries: int | None = None
) -> Any:
    """Return a new W&B run of `trial`; it replaces runs of this trial in the study's folder.

    Args:
        destination: The destination of the run.
        trial: The trial.
        run_id: An existing run with this id on the server is overwritten.
        retries: Number of times to repeat a refused request; None for wandb's default.

    Raises:
        Exception: any exception of wandb.
    """
    import wandb

    for old in run_folders(destination, trial):
        shutil.rmtree(old, ignore_errors=True)
    destination.folder.mkdir(parents=True, exist_ok=True)
    run = wandb.init(
        mode=destination.mode,
        project=destination.project,
        entity=destination.entity,
        dir=str(destination.folder),
        id=run_id,
        name=f"{trial.label} s{trial.seed}",
        group=f"{destination.study}/{trial.problem}",
        job_type="trial",
        tags=[trial.dataset[:64], trial.accelerator, trial.purpose, f"suite-{__version__}"],
        config=config_of(trial, destination.study),
        reinit="create_new",
        settings=_run_settings(destination, retries),
    )
    _define_axes(run)
    return run


def _settings(destination: Destination) -> Any:
    settings = lean_settings(init_seconds=INIT_SECONDS, finish_seconds=FINISH_SECONDS)
    settings.mode = destination.mode
    return settings


def _run_settings(destination: Destination, retries: int | None) -> Any:
    settings = _settings(destination)
    repeat_refused_requests(settings, retries)
    return settings


def config_of(trial: Trial, study: str) -> dict[str, Any]:
    """Return the config of a run: the facts about its trial.

    Hyperparameters are there twice, because W&B's tables and reports can group only by flat keys.
    """
    facts = facts_of(trial, study)
    return {**facts["hyperparameters"], **facts}


def _define_axes(run: Any) -> None:
    for axis in AXES:
        run.define_metric(axis, hidden=axis != STEP)
    run.define_metric(LEARNING_RATE, step_metric=STEP)
    run.define_metric(f"{INSIDE}*", step_metric=STEP)
    for name in names_of(lambda metric: metric.splits):
        metric = metric_of(name)
        best = {"higher": "max,", "lower": "min,", None: ""}[metric.better]
        run.define_metric(name, step_metric=metric.axis, summary=f"{best}last")


def _within(seconds: float, action: Callable[[], None]) -> None:
    """Run `action` in a thread, which is abandoned after that many seconds.

    Raises:
        TimeoutError: `action` takes longer.
        BaseException: any exception of `action`.
    """
    errors: list[BaseException] = []

    def attempt() -> None:
        try:
            action()
        except BaseException as error:  # wandb calls sys.exit at times
            errors.append(error)

    thread = threading.Thread(target=attempt, daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise TimeoutError(f"wandb did not finish in {seconds} s")
    if errors:
        raise errors[0]
