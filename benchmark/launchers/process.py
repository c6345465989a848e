"""A worker process of this machine: its handle in the launching process, and its own main function.

Whatever its work, a worker of this launcher reports through a pipe, leaves Ctrl-C to the launching
process, ends when that ends, and leaves no process behind.
"""

import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from typing import Any

from benchmark.launchers import server
from benchmark.launchers.family import kill_all, kill_group, lead_group, tell
from benchmark.launchers.messages import Begun, Message, Outcome

_SECONDS_TO_STOP = 1.5  # between SIGTERM and SIGKILL, for all workers together
_SECONDS_TO_DIE = 1.0  # after SIGKILL; a process in the middle of a disk access takes longer
_EXIT_CODE_IF_LOST = 255  # given by multiprocessing to a process whose server is gone


class Worker:
    """A process forked from the server, and the pipe on which it reports.

    Args:
        target: Function that the process calls with `args` and a function to send messages.
        args: Arguments, which are pickled.

    Raises:
        OSError: no process can be started.
    """

    def __init__(self, target: Callable[..., None], args: tuple[Any, ...]) -> None:
        self._begun: float | None = None
        self._pipe, theirs = multiprocessing.Pipe(duplex=False)
        self._process = server.start_method().Process(target=_lead, args=(target, args, theirs))
        server.start(self._process)  # the server may first load modules for seconds
        self._started = time.perf_counter()
        theirs.close()
        self._server = server.server_pid()

    def things_to_wait_for(self) -> list[Any]:
        """Return objects that become ready when the worker sends a message or ends."""
        sentinel = self._process.sentinel
        return [sentinel] if self._pipe.closed else [sentinel, self._pipe]

    def news(self) -> Iterator[Message]:
        """Yield the messages of the worker, except `Begun`."""
        try:
            while not self._pipe.closed and self._pipe.poll():
                message = self._pipe.recv()
                if isinstance(message, Begun):
                    self._begun = time.perf_counter()
                else:
                    yield message
        except Exception:  # the pipe ended, or other code has written to it
            self._pipe.close()

    def outcomes(self) -> Iterator[Outcome]:
        """Yield the outcomes among the messages of the worker."""
        return (message for message in self.news() if isinstance(message, Outcome))

    def has_begun(self) -> bool:
        """Return whether the worker has sent `Begun`."""
        return self._begun is not None

    def seconds_waiting(self) -> float:
        """Return the seconds that the worker has waited to begin; 0 once it has begun."""
        return 0.0 if self._begun is not None else time.perf_counter() - self._started

    def seconds(self) -> float:
        """Return the seconds since the worker began; 0 before that."""
        return 0.0 if self._begun is None else time.perf_counter() - self._begun

    def running(self) -> bool:
        """Return whether the worker is still running."""
        return bool(self._process.is_alive())

    def is_lost(self) -> bool:
        """Return whether the worker's exit code is unknown because its server is gone."""
        lost = self._process.exitcode == _EXIT_CODE_IF_LOST
        return lost and server.is_lost(self._server)

    def has_succeeded(self) -> bool:
        """Return whether the worker has ended by itself and without an exception."""
        return bool(self._process.exitcode == 0)

    def death(self) -> str:
        """Return how the worker ended, as words that follow "its process"."""
        code = self._process.exitcode
        if code is not None and code < 0:
            return f"was killed by signal {-code}"
        return f"ended with exit code {code}"

    def tell(self, signum: signal.Signals) -> None:
        """Send a signal to the worker and its process group."""
        tell(self._pid, signum)

    def kill(self) -> None:
        """Kill the worker and all its descendants."""
        kill_all([self._pid])

    def clear_away(self) -> None:
        """End all processes that an ended worker has left, and release its resources."""
        self._process.join(_SECONDS_TO_DIE)
        kill_group(self._pid)
        self._pipe.close()

    @property
    def _pid(self) -> int:
        pid: int = self._process.pid
        return pid


def stop(workers: Sequence[Worker]) -> None:
    """End all `workers` and their descendants: with SIGTERM, then with SIGKILL."""
    with server.ctrl_c_held_off():
        for worker in workers:
            if worker.running():
                worker.tell(signal.SIGTERM)
        deadline = time.perf_counter() + _SECONDS_TO_STOP
        while running := [worker for worker in workers if worker.running()]:
            left = deadline - time.perf_counter()
            if left <= 0:
                break
            wait([worker.things_to_wait_for()[0] for worker in running], timeout=left)
        for worker in running:
            worker.kill()
        for worker in workers:
            worker.clear_away()
        server.end_orphans()


def _lead(target: Callable[..., None], args: tuple[Any, ...], pipe: Connection) -> None:
    lead_group()
    with _leaving():
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # only the launching process handles Ctrl-C
        _die_with_parent()
        target(*args, pipe.send)


@contextmanager
def _leaving() -> Iterator[None]:
    """End the process at the end of the block, without exit handlers and without waiting.

    Threads, `atexit` handlers and child processes of a user's code might never end. After an
    exception the exit code is 1.
    """
    code = 1
    try:
        yield
        code = 0
    except BaseException:
        with suppress(Exception):
            traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):  # the disk is full, or other code replaced the stream
                stream.flush()
        os._exit(code)


def _die_with_parent() -> None:
    """End this process once the launching one is gone, so that a killed study leaves no orphans."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        wait([parent.sentinel])
        kill_all([os.getpid()])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
