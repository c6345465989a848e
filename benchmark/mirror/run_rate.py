"""The rate at which runs are opened on W&B's server."""

import time
from collections.abc import Callable

AT_ONCE = 30  # online runs that may be opened without a pause
SECONDS_BETWEEN = 1.0  # between further online runs, because of W&B's rate limits


class RunRate:
    """A limit on the runs that are opened online; offline, there is none.

    Args:
        is_online: The limit holds.
        clock: Returns the time in seconds.
        sleep: Waits for a number of seconds.
    """

    def __init__(
        self,
        *,
        is_online: bool,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._is_online = is_online
        self._clock, self._sleep = clock, sleep
        self._credit = float(AT_ONCE)  # runs that may be opened now
        self._credited = clock()

    def may_open(self) -> bool:
        """Return whether another run may be opened now, and count it if so."""
        if not self._is_online:
            return True
        self._earn()
        if self._credit < 1:
            return False
        self._credit -= 1
        return True

    def wait(self) -> None:
        """Wait until another run may be opened, and count it."""
        while not self.may_open():
            self._sleep((1 - self._credit) * SECONDS_BETWEEN)

    def _earn(self) -> None:
        now = self._clock()
        gained = (now - self._credited) / SECONDS_BETWEEN
        self._credit, self._credited = min(self._credit + gained, AT_ONCE), now
