"""The end of a trial whose loss has diverged."""

import math
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

from benchmark.callbacks.curves import CurveWriter
from benchmark.metrics import LOSS, metric_of
from benchmark.models.base import Model

_JUDGED = (LOSS.on("train"), LOSS.on("val"))  # test data decide nothing


class Divergence(Callback):
    """A callback that stops training when the loss diverges.

    It stops at a training or validation loss that is not finite, and at one that the task counts as
    diverged, against its own value before the first step. Within the first epoch only the first
    rule applies: RMSprop's first steps may multiply the loss by a thousand, and training still ends
    well. The loss of the initial weights, which no optimizer has moved, stops nothing.

    Args:
        curves: Callback with the evaluated metrics; it must come earlier in the Trainer's list.

    Attributes:
        reason: One line with the step; empty unless the trial has diverged.
    """

    def __init__(self, curves: CurveWriter) -> None:
        self.reason = ""
        self._curves = curves
        self._initial: dict[str, float] = {}

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Check the losses of one chunk."""
        assert isinstance(pl_module, Model)
        losses = outputs["losses"].tolist()
        for step, loss in enumerate(losses, start=pl_module.steps - len(losses) + 1):
            if not math.isfinite(loss):
                self._stop(trainer, f"the training loss was {loss} at step {step}")
                return

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Check the evaluated losses."""
        assert isinstance(pl_module, Model)
        losses = {k: v for k, v in self._curves.evaluated.items() if metric_of(k) is LOSS}
        judged = {name: losses[name] for name in _JUDGED if name in losses}
        if not pl_module.steps:
            self._initial = {k: loss for k, loss in judged.items() if math.isfinite(loss)}
            return
        for name, loss in judged.items():
            if not math.isfinite(loss):
                self._stop(trainer, f"{name} was {loss} at step {pl_module.steps}")
        if (self._curves.progress.epoch or 0.0) < 1:
            return
        for name in filter(judged.__contains__, self._initial):
            loss, initial = judged[name], self._initial[name]
            if pl_module.task.is_diverged(loss, initial):
                self._stop(trainer, f"{name} {_growth(loss, initial)} at step {pl_module.steps}")

    def _stop(self, trainer: Trainer, reason: str) -> None:
        self.reason = self.reason or reason
        trainer.should_stop = True


def _growth(loss: float, initial: float) -> str:
    """Return words for the growth of a loss.

    >>> _growth(460.0, 2.3), _growth(460.0, -0.5)
    ('was 200 times its start', 'was 460, from -0.5 at its start,')
    """
    if initial > 0:
        return f"was {loss / initial:.3g} times its start"
    return f"was {loss:.3g}, from {initial:.3g} at its start,"
