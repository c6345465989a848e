"""What a worker process does: claim a trial, run it, commit its record.

The forkserver has this module loaded, and with it torch and Lightning, before it forks a worker.
"""

import os
import signal
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from pathlib import Path

import torch._dynamo  # noqa: F401  # the first optimizer would import it, 2 s in every worker

from benchmark.callbacks.curves import Row
from benchmark.context import Context
from benchmark.launchers import BEGUN
from benchmark.launchers.family import kill_all
from benchmark.launchers.log import bound_log, keep_bounded
from benchmark.metrics import RUNNING, STEP
from benchmark.plain_text import error_line, plain
from benchmark.plugins import check_fit, prepare_data
from benchmark.prepared import Prepared
from benchmark.rehearsal import rehearse as rehearse_one
from benchmark.runner import run
from benchmark.spec import Trial, UsageError
from benchmark.store import Record, Store
from datamodules.errors import DataError, DataWarning
from optimizers.grammar import build_once
from optimizers.spec import OptimizerSpec, SpecError

_SECONDS_BETWEEN_REPORTS = 0.2

_own_pid = 0  # of this worker; a process that it has forked sees another


def work(trial: Trial, store: Store, context: Context, pipe: Connection) -> None:
    """Run `trial` unless another process finishes it first; its record is then in `store`.

    An exception of the trial becomes a ``failed`` record; one of the store ends the process with
    exit code 1. The process ends here in any case, whatever threads the trial has left.
    """
    with _leaving():
        _start(pipe)
        with store.claim(trial) as folder:
            if store.missing([trial]):  # otherwise the log is that of whoever finished it
                _send_output_to(folder / "log.txt")
                store.begin(trial)
                _tell(pipe, BEGUN)
                store.write(_run(trial, context, folder, pipe))
                _drop_empty(folder / "log.txt")


def prepare(wanted: Sequence[tuple[str, str, bool]], context: Context, pipe: Connection) -> None:
    """Prepare data sets and try plugged-in models on them; send what was prepared, or the error.

    Args:
        wanted: Data set, model, and whether dropout is on, of each problem.
        context: Where data are.
        pipe: Takes the outcome.
    """
    with _leaving():
        _start(pipe)
        _tell(pipe, BEGUN)
        outcome = _prepare(wanted, context)
        _leave_if_forked()
        pipe.send(outcome)


def check_hyperparameters(specs: Sequence[OptimizerSpec], pipe: Connection) -> None:
    """Build optimizers once; send None, or the error if a class refuses its values."""
    with _leaving():
        _start(pipe)
        try:
            build_once(specs)
        except SpecError as error:
            pipe.send(UsageError(f"--opts: {error}"))
        else:
            pipe.send(None)


def _prepare(
    wanted: Sequence[tuple[str, str, bool]], context: Context
) -> list[Prepared] | Exception:
    os.dup2(2, 1)  # what a plug-in prints is not the command's result
    try:
        return [_prepared(*each, context) for each in wanted]
    except BaseException as error:  # a plug-in may raise anything; the way home takes few classes
        return _portable(error)


def _start(pipe: Connection) -> None:
    global _own_pid
    _own_pid = os.getpid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the launcher to answer
    _die_with_parent()


@contextmanager
def _leaving() -> Iterator[None]:
    """End the process with the block: what is registered to run or to be waited for at exit is not.

    Threads, handlers of `atexit` and child processes of anyone's code could last for ever.
    """
    code = 1
    try:
        yield
        code = 0
    except BaseException:
        with suppress(Exception):
            traceback.print_exc()
    finally:
        _flush()
        os._exit(code)


def _leave_if_forked() -> None:
    """End a process that anyone's code has forked and let return here: it is not the trial."""
    if os.getpid() != _own_pid:
        os._exit(0)


def _run(trial: Trial, context: Context, folder: Path, pipe: Connection) -> Record:
    try:
        record = run(trial, context, folder=folder, watch=_Reporter(pipe))
    except BaseException as error:  # SystemExit and KeyboardInterrupt too are of its own making
        _leave_if_forked()
        with suppress(Exception):
            traceback.print_exc()
        reason = f"{error_line(error, 200)} (traceback in {folder / 'log.txt'})"
        return Record(trial=trial, status="failed", reason=reason, environment=context.environment)
    _leave_if_forked()
    return record


class _Reporter:
    """Tells the launcher of running losses, a few times a second at most."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._last = 0.0

    def __call__(self, row: Row) -> None:
        _leave_if_forked()  # before any other sink has the row
        now = time.perf_counter()
        if RUNNING in row and now - self._last > _SECONDS_BETWEEN_REPORTS:
            self._last = now
            _tell(self._pipe, (row[STEP], row[RUNNING]))


def _tell(pipe: Connection, message: object) -> None:
    with suppress(OSError):  # the launcher is gone, or the trial has closed what it did not open
        pipe.send(message)


def _die_with_parent() -> None:
    """End this process when the launching one is gone, so that a killed study leaves no orphans."""
    parent = parent_process()
    if parent is None:
        return

    def watch() -> None:
        wait([parent.sentinel])
        kill_all([os.getpid()])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _send_output_to(path: Path) -> None:
    _redirect_output(path)
    keep_bounded(path)


def _redirect_output(path: Path) -> None:
    _flush()
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
    if log > 2:  # the launching process may have had no standard output
        os.close(log)


def _drop_empty(path: Path) -> None:
    _flush()
    with suppress(OSError):  # anyone's code may have removed it
        bound_log(path)
        if path.stat().st_size == 0:
            path.unlink()


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):  # the disk is full, or anyone's code has replaced it
            stream.flush()


def _prepared(dataset: str, model: str, dropout: bool, context: Context) -> Prepared:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", DataWarning)
        data = prepare_data(dataset, context.data_dir, context.cache_dir)
    notices = [str(each.message) for each in caught if issubclass(each.category, DataWarning)]
    if "." in dataset or "." in model:
        check_fit(model, data, dropout)
    return Prepared(
        dataset=dataset, checksum=data.checksum, origin=data.origin, notices=tuple(notices)
    )


def _portable(error: BaseException) -> Exception:
    """Return `error` if the parent knows its class, otherwise what it says as a UsageError."""
    if isinstance(error, (DataError, OSError)) and error.__class__.__module__.split(".")[0] in (
        "datamodules",
        "builtins",
    ):
        return error
    return UsageError(plain(error, 1_000) if isinstance(error, UsageError) else error_line(error))


def rehearse(trials: Sequence[Trial], context: Context, pipe: Connection) -> None:
    """Rehearse `trials`; for each send None, or the error there was, which is the last.

    Args:
        trials: Trials whose optimizers anyone wrote.
        context: Where data are.
        pipe: Takes the outcomes.
    """
    with _leaving():
        _start(pipe)
        _redirect_output(Path(os.devnull))
        for trial in trials:
            outcome = _rehearsed(trial, context)
            _leave_if_forked()
            pipe.send(outcome)
            if outcome is not None:
                break


def _rehearsed(trial: Trial, context: Context) -> Exception | None:
    try:
        rehearse_one(trial, prepare_data(trial.dataset, context.data_dir, context.cache_dir))
    except BaseException as error:  # as in `_prepare`
        return _portable(error)
    return None
