"""What may look into single training steps, from inside: between the gradient and the update."""

from collections.abc import Sequence
from typing import Protocol


class StepWatcher(Protocol):
    """Is told where a training step stands, in the steps that it wants.

    An optimizer's own work is what lies between `step_starts` and `step_ends` less what lies
    between each `closure_starts` and its `closure_ends`, the forward and backward pass.
    """

    def wants(self, step: int) -> bool:
        """Return whether to be told of this step, counted from 1."""
        ...

    def step_starts(self) -> None:
        """Nothing of the step is done yet."""
        ...

    def closure_starts(self) -> None:
        """The loss is about to be evaluated; some optimizers ask for that several times a step."""
        ...

    def closure_ends(self) -> None:
        """The gradients are there."""
        ...

    def step_ends(self) -> None:
        """The parameters have moved."""
        ...


class Watchers:
    """Those of several watchers that want one step; the first is the closest to the optimizer.

    It is told last that the optimizer's work begins or goes on, and first that it ends or pauses.
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
