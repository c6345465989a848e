"""One worker process of this machine, as the launching process sees it, and its frame inside.

The frame is what a worker of this launcher does whatever it works at: it reports through a pipe,
leaves Ctrl-C to the launching process, ends with it, and leaves nothing behind.
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
_EXIT_CODE_IF_LOST = 255  # what multiprocessing gives a process whose server is gone


class Worker:
    """A process forked from the server, and the pipe on which it reports.

    Args:
        target: What it does; called with `args` and a function that takes its messages.
        args: Sent to it.

    Raises:
        OSError: no process can be started.
    """

    def __init__(self, target: Callable[..., None], args: tuple[Any, ...]) -> None:
        self._begun: float | None = None
        self._pipe, theirs = multiprocessing.Pipe(duplex=False)
        self._process = server.start_method().Process(target=_lead, args=(target, args, theirs))
        server.start(self._process)  # which may load modules for seconds
        self._started = time.perf_counter()
        theirs.close()
        self._server = server.server_pid()

    def things_to_wait_for(self) -> list[Any]:
        """Return what becomes ready when the worker has news or ends."""
        sentinel = self._process.sentinel
        return [sentinel] if self._pipe.closed else [sentinel, self._pipe]

    def news(self) -> Iterator[Message]:
        """Yield what the worker has reported, except that it has begun."""
        try:
            while not self._pipe.closed and self._pipe.poll():
                message = self._pipe.recv()
                if isinstance(message, Begun):
                    self._begun = time.perf_counter()
                else:
                    yield message
        except (
            Exception
        ):  # the end of the pipe, or what is no message: anyone's code may write to it
            self._pipe.close()

    def outcomes(self) -> Iterator[Outcome]:
        """Yield the outcomes that the worker has reported."""
        return (message for message in self.news() if isinstance(message, Outcome))

    def has_begun(self) -> bool:
        """Return whether the worker has said that it has begun."""
        return self._begun is not None

    def seconds_waiting(self) -> float:
        """Return how long the worker has waited to begin; 0 once it has."""
        return 0.0 if self._begun is not None else time.perf_counter() - self._started

    def seconds(self) -> float:
        """Return how long ago the worker began; 0 before that."""
        return 0.0 if self._begun is None else time.perf_counter() - self._begun

    def running(self) -> bool:
        """Return whether the worker is still there."""
        return bool(self._process.is_alive())

    def is_lost(self) -> bool:
        """Return whether nobody can say how this worker ended, as its server is gone."""
        lost = self._process.exitcode == _EXIT_CODE_IF_LOST
        return lost and server.is_lost(self._server)

    def death(self) -> str:
        """Return how the worker ended, as words that follow "its process"."""
        code = self._process.exitcode
        if code is not None and code < 0:
            return f"was killed by signal {-code}"
        return f"ended with exit code {code}"

    def tell(self, signum: signal.Signals) -> None:
        """Send a signal to the worker and all in its group."""
        tell(self._pid, signum)

    def kill(self) -> None:
        """Kill the worker and all below it."""
        kill_all([self._pid])

    def clear_away(self) -> None:
        """End what is left of a worker that is over, and forget it."""
        self._process.join(_SECONDS_TO_DIE)
        kill_group(self._pid)
        self._pipe.close()

    @property
    def _pid(self) -> int:
        pid: int = self._process.pid
        return pid


def stop(workers: Sequence[Worker]) -> None:
    """End all `workers` together, politely and then not, with all that they have left behind."""
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
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the launcher to answer
        _die_with_parent()
        target(*args, pipe.send)


@contextmanager
def _leaving() -> Iterator[None]:
    """End the process with the block: what is registered to run or to be waited for at exit is not.

    Threads, handlers of `atexit` and child processes of anyone's code could last for ever. An
    exception gives exit code 1.
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
            with suppress(Exception):  # the disk is full, or anyone's code has replaced it
                stream.flush()
        os._exit(code)


def _die_with_parent() -> None:
    """End this process when the launching one is gone, so that a killed study leaves no orphans."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        wait([parent.sentinel])
        kill_all([os.getpid()])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
