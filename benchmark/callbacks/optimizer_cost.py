"""The cost of the optimizer by itself: the seconds of its step and the bytes of its state."""

import statistics
import time
from typing import cast

from lightning.pytorch import Callback, LightningModule, Trainer

from benchmark.callbacks.clock import finish_work
from benchmark.models.base import Model
from benchmark.record import Cost
from optimizers.state import state_tensors

# Every 10th step is timed, beginning with the 5th. So a short trial has a sample too, and the
# sample leaves out the extra cost of the first steps and the steps of diagnostics (1st, 21st, …).
_EVERY, _FIRST = 10, 5


class OptimizerCost(Callback):
    """A callback that times a sample of optimizer steps, and measures the state at the end.

    The time does not include closures, which contain the forward and backward pass and the zeroing
    of gradients, however often an optimizer calls them.
    """

    def __init__(self) -> None:
        self._samples: list[float] = []
        self.memory = Cost()
        self._module: Model
        self._spent = 0.0
        self._begun = 0.0

    def step_seconds(self) -> float | None:
        """Return the median of the sample; None for a trial too short for one."""
        return statistics.median(self._samples) if self._samples else None

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Register as a watcher of steps."""
        self._module = cast(Model, pl_module)
        self._module.watchers.append(self)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Measure the size of the state."""
        [optimizer] = trainer.optimizers
        params = [param for group in optimizer.param_groups for param in group["params"]]
        self.memory = Cost(
            state_bytes=sum(tensor.nbytes for tensor in state_tensors(optimizer)),
            parameters=sum(param.numel() for param in params),
        )

    def wants(self, step: int) -> bool:
        """Return whether this step is in the sample."""
        return step % _EVERY == _FIRST

    def step_starts(self) -> None:
        """Reset and start the clock."""
        self._spent = 0.0
        self._resume()

    def closure_starts(self) -> None:
        """Stop the clock."""
        self._pause()

    def closure_ends(self) -> None:
        """Restart the clock."""
        self._resume()

    def step_ends(self) -> None:
        """Stop the clock and store its time."""
        self._pause()
        self._samples.append(self._spent)

    def _resume(self) -> None:
        finish_work(self._module)
        self._begun = time.perf_counter()

    def _pause(self) -> None:
        finish_work(self._module)
        self._spent += time.perf_counter() - self._begun
