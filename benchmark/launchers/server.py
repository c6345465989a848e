"""The fork server: how the launching process starts it, watches it, and restarts it if it is lost.

The server loads torch once, which takes seconds, and then forks a worker in hundredths of a
second. A thread does the waiting, so that Ctrl-C is handled meanwhile.
"""

import atexit
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
_SECONDS_TO_FORK = 0.3  # far more than a fully loaded server needs
_SECONDS_TO_VANISH = 0.5  # a dying server may close its connections this long before it ends
_LOST = (EOFError, ConnectionError, FileNotFoundError)  # raised if the server is gone

_loaded: int | None = None  # process id of the server that is known to have loaded its modules
_owner: int | None = None  # process id of this process, once it ends its server when it ends
_starting = threading.Lock()  # held while a started worker may not be in any list yet


@contextmanager
def started_early() -> Iterator[None]:
    """Start the server, so that it loads during the block; end a loading server if that fails."""
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
    """Start `process`, which `start_method` made; restart the server if it is lost meanwhile.

    Raises:
        OSError: the server ends whenever it is started, or the system allows no more processes.
        KeyboardInterrupt: Ctrl-C was pressed while the server was loading; no process is left.
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
    """Return the multiprocessing context that forks processes from the server."""
    return multiprocessing.get_context("forkserver")


def server_pid() -> int | None:
    """Return the process id of the server, or None if this process never started it."""
    found: int | None = getattr(forkserver, "_forkserver")._forkserver_pid  # noqa: B009  # no public name
    return found


def is_lost(pid: int | None) -> bool:
    """Return whether the server `pid` is gone; then the next start of a worker starts a new one."""
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
    """End the processes of ended workers that the server has adopted."""
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
    """Block SIGINT in this thread until the block ends; processes started inside never receive it.

    Such processes inherit the blocked mask. Only the launching process handles Ctrl-C: a loading
    server or a half-started worker would print a traceback.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def ctrl_c_held_off() -> Iterator[None]:
    """Defer Ctrl-C to the end of the block, whichever thread the system delivers the signal to.

    This has an effect only in the main thread, where Python handles signals.
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
    """Abandon a start in progress, and end the server if the start is waiting for it."""
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


def _end_with_owner() -> None:
    """Kill the server, which would hold this process's output open while it loads or ends.

    Whoever reads the output to its end, as ``| tee`` does, would wait for seconds or minutes.
    """
    pid = server_pid()
    if pid is not None and os.getpid() == _owner:  # not in a process that was forked from this one
        with suppress(ProcessLookupError, ChildProcessError):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def _ensure_running() -> None:
    global _owner
    if _owner is None:
        _owner = os.getpid()
        atexit.register(_end_with_owner)
    for variable in _THREAD_VARIABLES:
        os.environ.setdefault(variable, "1")  # each worker sets its own number later
    start_method().set_forkserver_preload(_PRELOAD)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, set())
    # Starting the resource tracker unblocks SIGINT. Otherwise the server would start it later,
    # inside the block.
    resource_tracker.ensure_running()
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    forkserver.ensure_running()
