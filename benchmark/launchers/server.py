"""The fork server, as the launching process sees it: started, watched, and started again if lost.

It loads torch once, seconds long, and forks a worker in hundredths. Ctrl-C is answered meanwhile:
the waiting is done by a thread.
"""

import errno
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import forkserver, resource_tracker
from typing import Any

from benchmark.launchers.family import children, kill_all

_PRELOAD = ["benchmark.launchers.preloaded"]
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
_MOST_STARTS = 4
_SECONDS_TO_FORK = 0.3  # far more than a server takes that has loaded its modules
_SECONDS_TO_VANISH = 0.5  # between the last word of a dying server and its end
_LOST = (EOFError, ConnectionError, FileNotFoundError)  # what a server that is gone raises

_loaded: int | None = None  # process id of the server that is known to have loaded its modules
_starting = threading.Lock()  # held while there may be a worker that is in no list yet


@contextmanager
def started_early() -> Iterator[None]:
    """Let the server load its modules during the block; one that still loads ends if that fails."""
    with ctrl_c_waits():
        _ensure_running()
    try:
        yield
    except BaseException:
        pid = server_pid()
        if pid is not None and pid != _loaded:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        raise


def start(process: Any) -> None:
    """Start `process` of `start_method`; a server that is lost meanwhile is started again.

    Raises:
        OSError: the server ends whenever it is started, or the system has no more processes.
        KeyboardInterrupt: Ctrl-C while the server loads; then no process is left.
    """
    for _ in range(_MOST_STARTS):
        error = _start_once(process)
        if error is None:
            return
        if not isinstance(error, _LOST):
            raise error
        time.sleep(_SECONDS_TO_VANISH)
    words = f"the server that starts workers was lost {_MOST_STARTS} times: {error!r}"
    raise OSError(errno.EAGAIN, words)


def start_method() -> Any:
    """Return multiprocessing as it starts processes from the fork server."""
    return multiprocessing.get_context("forkserver")


def server_pid() -> int | None:
    """Return the process id of the server, None if it was never started here."""
    found: int | None = getattr(forkserver, "_forkserver")._forkserver_pid  # noqa: B009  # no public name
    return found


def is_lost(pid: int | None) -> bool:
    """Return whether the server `pid` is gone; then another is started in its place."""
    deadline = time.monotonic() + _SECONDS_TO_VANISH
    while True:
        with ctrl_c_waits():
            _ensure_running()
        if server_pid() != pid:
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)


def end_orphans() -> None:
    """End what workers that are over have left to the server."""
    pid = server_pid()
    if pid is None or not _starting.acquire(blocking=False):
        return
    try:
        known = {process.pid for process in multiprocessing.active_children()}
        kill_all(children(pid) - known)
    finally:
        _starting.release()


@contextmanager
def ctrl_c_waits() -> Iterator[None]:
    """Put Ctrl-C off in this thread until the block ends, and for good in processes started in it.

    It is for the launching process alone to answer; a server that loads modules and a worker that
    is half started would answer it with a traceback.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def ctrl_c_held_off() -> Iterator[None]:
    """Answer Ctrl-C only when the block is over, whichever thread the system gives it to.

    For the main thread, where Python answers signals; in another one nothing is to be held off.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    noted = threading.Event()
    before = signal.signal(signal.SIGINT, lambda *_: noted.set())
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if noted.is_set():
            signal.raise_signal(signal.SIGINT)


def _start_once(process: Any) -> BaseException | None:
    errors: list[BaseException] = []

    def work() -> None:
        try:
            with ctrl_c_waits(), _starting:
                _ensure_running()
                process.start()  # returns when the server has loaded its modules
                _note_loaded()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        thread.join()
    except BaseException:
        _give_up(thread, process)
        raise
    return errors[0] if errors else None


def _give_up(thread: threading.Thread, process: Any) -> None:
    """End a start that is under way, and the server if that is why it takes long."""
    thread.join(_SECONDS_TO_FORK)
    pid = server_pid()
    if thread.is_alive() and pid is not None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        thread.join(_SECONDS_TO_VANISH)
    if process.pid is not None:
        kill_all([process.pid])


def _note_loaded() -> None:
    global _loaded
    _loaded = server_pid()


def _ensure_running() -> None:
    for variable in _THREAD_VARIABLES:
        os.environ.setdefault(variable, "1")  # each worker sets its own number later
    start_method().set_forkserver_preload(_PRELOAD)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, set())
    resource_tracker.ensure_running()  # the server starts it otherwise, and it unblocks Ctrl-C
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    forkserver.ensure_running()
