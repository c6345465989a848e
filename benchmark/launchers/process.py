"""One worker process as the launching process sees it: what it says, and how it ends."""

import multiprocessing
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import wait
from typing import Any

from benchmark.launchers import BEGUN, server
from benchmark.launchers.family import kill_all, kill_group, lead_group, tell

_SECONDS_TO_STOP = 1.5  # between SIGTERM and SIGKILL, for all workers together
_SECONDS_TO_DIE = 1.0  # after SIGKILL; a process in the middle of a disk access takes longer
_EXIT_CODE_IF_LOST = 255  # what multiprocessing gives a process whose server is gone


class Worker:
    """A process forked from the server, and the pipe on which it sends.

    Args:
        target: What it does; called with `args` and the pipe.
        args: Sent to it.

    Raises:
        OSError: no process can be started.
    """

    def __init__(self, target: Callable[..., None], args: tuple[Any, ...]) -> None:
        self._begun: float | None = None
        self._pipe, theirs = multiprocessing.Pipe(duplex=False)
        self._process = server.start_method().Process(target=_lead, args=(target, *args, theirs))
        server.start(self._process)  # which may load modules for seconds
        self._started = time.perf_counter()
        theirs.close()
        self._server = server.server_pid()

    def things_to_wait_for(self) -> list[Any]:
        """Return what becomes ready when the worker has news or ends."""
        sentinel = self._process.sentinel
        return [sentinel] if self._pipe.closed else [sentinel, self._pipe]

    def news(self) -> Iterator[Any]:
        """Yield what the worker has sent, except that it has begun."""
        try:
            while not self._pipe.closed and self._pipe.poll():
                message = self._pipe.recv()
                if message == BEGUN:
                    self._begun = time.perf_counter()
                else:
                    yield message
        except (
            Exception
        ):  # the end of the pipe, or what is no message: anyone's code may write to it
            self._pipe.close()

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


def _lead(target: Callable[..., None], *args: Any) -> None:
    lead_group()
    target(*args)
