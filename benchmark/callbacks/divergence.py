"""Ends a trial whose loss has left the finite world, and remembers when it did."""

import math
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

from benchmark.callbacks.curves import Curves
from benchmark.metrics import LOSS, metric_of
from benchmark.models.base import Classifier

# A trial has diverged when the loss evaluated after an epoch is this many times what it was before
# the first step. Within an epoch only a non-finite loss counts: RMSprop's first steps may multiply
# the loss by a thousand and yet end well.
FACTOR = 100.0
_TRAIN_LOSS = LOSS.on("train")


class Divergence(Callback):
    """Stops training at a non-finite loss, or at an evaluated one above `FACTOR` × the initial.

    Args:
        curves: Says what was evaluated; it comes before this callback in the Trainer's list.

    Attributes:
        reason: One line with the step, empty as long as all is well.
    """

    def __init__(self, curves: Curves) -> None:
        self.reason = ""
        self._curves = curves
        self._initial: float | None = None

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Look at the losses of one chunk."""
        assert isinstance(pl_module, Classifier)
        losses = outputs["losses"].tolist()
        for step, loss in enumerate(losses, start=pl_module.steps - len(losses) + 1):
            if not math.isfinite(loss):
                self._stop(trainer, f"the training loss was {loss} at step {step}")
                return

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Look at what was evaluated."""
        assert isinstance(pl_module, Classifier)
        losses = {k: v for k, v in self._curves.evaluated.items() if metric_of(k) is LOSS}
        if self._initial is None:
            self._initial = losses[_TRAIN_LOSS]
        for name, loss in losses.items():
            if not math.isfinite(loss):
                self._stop(trainer, f"{name} was {loss} at step {pl_module.steps}")
        if losses[_TRAIN_LOSS] > FACTOR * self._initial:
            times = losses[_TRAIN_LOSS] / self._initial
            self._stop(
                trainer, f"{_TRAIN_LOSS} was {times:.3g} times its start at step {pl_module.steps}"
            )

    def _stop(self, trainer: Trainer, reason: str) -> None:
        self.reason = self.reason or reason
        trainer.should_stop = True
