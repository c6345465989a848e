"""Ends a trial whose loss has left the finite world, and remembers when it did."""

import math
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

from benchmark.models.base import Classifier

# A trial has diverged when the mean loss over one chunk is this many times what it was before the
# first step: far above any transient of a working optimizer, far below float32's largest number.
FACTOR = 100.0


class Divergence(Callback):
    """Stops training at a non-finite loss, or one above `FACTOR` × the initial.

    Attributes:
        reason: One line with the step, empty as long as all is well.
    """

    def __init__(self) -> None:
        self.reason = ""
        self._initial = math.nan

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Look at the losses of one chunk."""
        assert isinstance(pl_module, Classifier)
        losses = outputs["losses"].tolist()
        first_step = pl_module.steps - len(losses) + 1
        if math.isnan(self._initial):
            self._initial = losses[0]
        self.reason = _reason(losses, first_step, self._initial)
        if self.reason:
            trainer.should_stop = True


def _reason(losses: list[float], first_step: int, initial: float) -> str:
    for step, loss in enumerate(losses, start=first_step):
        if not math.isfinite(loss):
            return f"the training loss was {loss} at step {step}"
    mean = math.fsum(losses) / len(losses)
    if mean > FACTOR * max(initial, 1.0):
        return (
            f"the training loss rose to {mean:.3g}, over {FACTOR:g} times its start, "
            f"by step {first_step + len(losses) - 1}"
        )
    return ""
