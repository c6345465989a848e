"""What a worker process does: claim a trial, run it, commit its record.

The forkserver has this module loaded, and with it torch and Lightning, before it forks a worker.
"""

import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from pathlib import Path

import torch._dynamo  # noqa: F401  # the first optimizer would import it, 2 s in every worker

from benchmark.callbacks.curves import Row
from benchmark.context import Context
from benchmark.launchers import BEGUN
from benchmark.plugins import check_fit, prepare_data
from benchmark.rehearsal import rehearse as rehearse_one
from benchmark.runner import run
from benchmark.spec import Trial, UsageError
from benchmark.store import Record, Store
from datamodules.errors import DataError

_SECONDS_BETWEEN_REPORTS = 0.2


def work(trial: Trial, store: Store, context: Context, pipe: Connection) -> None:
    """Run `trial` unless another process finishes it first; its record is then in `store`.

    An exception of the trial becomes a ``failed`` record; one of the store ends the process.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the launcher to answer
    _die_with_parent()
    with store.claim(trial) as folder:
        if store.missing([trial]):  # else the log is that of whoever finished it
            _send_output_to(folder / "log.txt")
            pipe.send(BEGUN)
            store.begin(trial)
            store.write(_run(trial, context, folder, pipe))
            _drop_empty(folder / "log.txt")


def _run(trial: Trial, context: Context, folder: Path, pipe: Connection) -> Record:
    try:
        return run(trial, context, folder=folder, watch=_Reporter(pipe))
    except Exception as error:
        traceback.print_exc()
        lines = str(error).strip().splitlines() or ["no message"]
        reason = f"{type(error).__name__}: {lines[0]} (traceback in {folder / 'log.txt'})"
        return Record(trial=trial, status="failed", reason=reason, environment=context.environment)


class _Reporter:
    """Tells the launcher of running losses, a few times a second at most."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._last = 0.0

    def __call__(self, row: Row) -> None:
        now = time.perf_counter()
        if "train/running_loss" in row and now - self._last > _SECONDS_BETWEEN_REPORTS:
            self._last = now
            with suppress(BrokenPipeError):
                self._pipe.send((row["step"], row["train/running_loss"]))


def _die_with_parent() -> None:
    """End this process when the launching one is gone, so that a killed study leaves no orphans."""
    parent = parent_process()
    if parent is None:
        return

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _send_output_to(path: Path) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)


def _drop_empty(path: Path) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    if path.stat().st_size == 0:
        path.unlink()


def prepare(wanted: Sequence[tuple[str, str, bool]], context: Context, pipe: Connection) -> None:
    """Prepare data sets and try plugged-in models on them; send None, or the error there was.

    Args:
        wanted: Data set, model, and whether dropout is on, of each problem.
        context: Where data are.
        pipe: Takes the outcome.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _die_with_parent()
    try:
        for dataset, model, dropout in wanted:
            data = prepare_data(dataset, context.data_dir, context.cache_dir)
            if "." in dataset or "." in model:
                check_fit(model, data, dropout)
    except (DataError, UsageError, OSError) as error:
        pipe.send(error)
    else:
        pipe.send(None)


def rehearse(trials: Sequence[Trial], context: Context, pipe: Connection) -> None:
    """Rehearse `trials`; for each send None, or the error there was, which is the last.

    Args:
        trials: Of optimizers that anyone wrote.
        context: Where data are.
        pipe: Takes the outcomes.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _die_with_parent()
    _send_output_to(Path(os.devnull))
    for trial in trials:
        try:
            data = prepare_data(trial.dataset, context.data_dir, context.cache_dir)
            rehearse_one(trial, data)
        except (DataError, UsageError, OSError) as error:
            pipe.send(UsageError(str(error)))
            break
        pipe.send(None)
    os._exit(0)  # whatever threads the optimizer has left
