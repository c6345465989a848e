"""Observers inside single training steps, between the gradient and the update."""

from collections.abc import Sequence
from typing import Protocol


class StepWatcher(Protocol):
    """An observer that is called at the stages of the training steps that it wants.

    The optimizer's own work is the time from `step_starts` to `step_ends` without each part from
    `closure_starts` to `closure_ends`, which is the forward and backward pass.
    """

    def wants(self, step: int) -> bool:
        """Return whether to observe this step; steps count from 1."""
        ...

    def step_starts(self) -> None:
        """Note that the step is about to begin."""
        ...

    def closure_starts(self) -> None:
        """Note that the loss is about to be evaluated; this may happen several times in a step."""
        ...

    def closure_ends(self) -> None:
        """Note that the gradients have been computed."""
        ...

    def step_ends(self) -> None:
        """Note that the parameters have been updated."""
        ...


class Watchers:
    """The watchers that want one step; the first one is the innermost.

    When the optimizer's work starts or goes on, the outermost is called first; when it ends or
    pauses, the innermost. So the innermost measures only the optimizer.
    """

    def __init__(self, watchers: Sequence[StepWatcher], step: int) -> None:
        self._inside_out = [watcher for watcher in watchers if watcher.wants(step)]

    def step_starts(self) -> None:
        """Pass it on."""
        for watcher in reversed(self._inside_out):
            watcher.step_starts()

    def closure_starts(self) -> None:
        """Pass it on."""
        for watcher in self._inside_out:
            watcher.closure_starts()

    def closure_ends(self) -> None:
        """Pass it on."""
        for watcher in reversed(self._inside_out):
            watcher.closure_ends()

    def step_ends(self) -> None:
        """Pass it on."""
        for watcher in self._inside_out:
            watcher.step_ends()
