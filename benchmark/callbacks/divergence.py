"""Ends a trial whose loss has left the finite world, and remembers when it did."""

import math
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

from benchmark.callbacks.curves import CurveWriter
from benchmark.metrics import LOSS, metric_of
from benchmark.models.base import Model

_TRAIN_LOSS = LOSS.on("train")


class Divergence(Callback):
    """Stops training at a non-finite loss, or at an evaluated one that the task gives up.

    Within an epoch only a non-finite loss counts: RMSprop's first steps may multiply the loss by a
    thousand and yet end well.

    Args:
        curves: Says what was evaluated; it comes before this callback in the Trainer's list.

    Attributes:
        reason: One line with the step, empty as long as all is well.
    """

    def __init__(self, curves: CurveWriter) -> None:
        self.reason = ""
        self._curves = curves
        self._initial: float | None = None

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Look at the losses of one chunk."""
        assert isinstance(pl_module, Model)
        losses = outputs["losses"].tolist()
        for step, loss in enumerate(losses, start=pl_module.steps - len(losses) + 1):
            if not math.isfinite(loss):
                self._stop(trainer, f"the training loss was {loss} at step {step}")
                return

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Look at what was evaluated."""
        assert isinstance(pl_module, Model)
        losses = {k: v for k, v in self._curves.evaluated.items() if metric_of(k) is LOSS}
        if self._initial is None:
            self._initial = losses[_TRAIN_LOSS]
        for name, loss in losses.items():
            if not math.isfinite(loss):
                self._stop(trainer, f"{name} was {loss} at step {pl_module.steps}")
        loss = losses[_TRAIN_LOSS]
        if pl_module.task.is_diverged(loss, self._initial):
            words = _growth(loss, self._initial)
            self._stop(trainer, f"{_TRAIN_LOSS} {words} at step {pl_module.steps}")

    def _stop(self, trainer: Trainer, reason: str) -> None:
        self.reason = self.reason or reason
        trainer.should_stop = True


def _growth(loss: float, initial: float) -> str:
    """Return how a loss has grown, in words.

    >>> _growth(460.0, 2.3), _growth(460.0, -0.5)
    ('was 200 times its start', 'was 460, from -0.5 at its start,')
    """
    if initial > 0:
        return f"was {loss / initial:.3g} times its start"
    return f"was {loss:.3g}, from {initial:.3g} at its start,"
