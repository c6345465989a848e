"""Watchers that pass calls on to other watchers."""

import warnings
from collections.abc import Callable

from benchmark.launchers import Watcher
from benchmark.record import Record
from benchmark.spec import Trial


class Shielded:
    """A wrapper of a watcher whose errors must not stop trials: after an error it is not called."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher: Watcher | None = watcher

    def started(self, trial: Trial) -> None:
        """Pass it on."""
        self._tell(lambda watcher: watcher.started(trial))

    def begun(self, trial: Trial) -> None:
        """Pass it on."""
        self._tell(lambda watcher: watcher.begun(trial))

    def progressed(self, trial: Trial, step: int, loss: float) -> None:
        """Pass it on."""
        self._tell(lambda watcher: watcher.progressed(trial, step, loss))

    def finished(self, record: Record) -> None:
        """Pass it on."""
        self._tell(lambda watcher: watcher.finished(record))

    def said(self, text: str) -> None:
        """Pass it on."""
        self._tell(lambda watcher: watcher.said(text))

    def _tell(self, what: Callable[[Watcher], None]) -> None:
        if self._watcher is None:
            return
        try:
            what(self._watcher)
        except Exception as error:
            self._watcher = None
            warnings.warn(
                f"progress is shown no more ({type(error).__name__}: {error}); trials go on",
                stacklevel=2,
            )


class Together:
    """Several watchers as one; an error of one does not affect the others."""

    def __init__(self, *watchers: Watcher) -> None:
        self._watchers = [Shielded(watcher) for watcher in watchers]

    def started(self, trial: Trial) -> None:
        """Tell all."""
        for watcher in self._watchers:
            watcher.started(trial)

    def begun(self, trial: Trial) -> None:
        """Tell all."""
        for watcher in self._watchers:
            watcher.begun(trial)

    def progressed(self, trial: Trial, step: int, loss: float) -> None:
        """Tell all."""
        for watcher in self._watchers:
            watcher.progressed(trial, step, loss)

    def finished(self, record: Record) -> None:
        """Tell all."""
        for watcher in self._watchers:
            watcher.finished(record)

    def said(self, text: str) -> None:
        """Tell all."""
        for watcher in self._watchers:
            watcher.said(text)
