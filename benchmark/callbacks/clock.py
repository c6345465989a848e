"""The clocks of a trial: training time by itself, without evaluation and logging."""

import statistics
import time
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer

from benchmark.record import Clocks


class Clock(Callback):
    """A clock that adds up the seconds of training and of evaluation, device work included.

    Args:
        started: `time.perf_counter()` when the trial began.
    """

    def __init__(self, started: float) -> None:
        self.training = 0.0
        self.evaluation = 0.0
        self._started = started
        self._begun = 0.0
        self._begun_cpu = 0.0
        self._cpu = 0.0
        self._first = 0.0
        self._per_step: list[float] = []

    def clocks(self) -> Clocks:
        """Return all clocks but the optimizer's; without steps ``per_step`` is 0, ``load`` None."""
        return Clocks(
            training=self.training,
            evaluation=self.evaluation,
            startup=self._first - self._started,
            total=time.perf_counter() - self._started,
            per_step=statistics.median(self._per_step) if self._per_step else 0.0,
            load=self._cpu / self.training if self.training else None,
        )

    def training_at(self, steps_ago: int) -> float:
        """Return the seconds of training up to the given number of steps ago.

        That step must be in the chunk that ended last, whose steps are taken to be equally long.
        """
        return self.training - (steps_ago * self._per_step[-1] if steps_ago else 0.0)

    def on_sanity_check_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Refuse Lightning's sanity check, because its steps would be timed as evaluation."""
        raise RuntimeError("trials run with num_sanity_val_steps=0")

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the evaluation clock."""
        self._first = self._first or time.perf_counter()
        self._begun = time.perf_counter()

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Stop the evaluation clock."""
        finish_work(pl_module)
        self.evaluation += time.perf_counter() - self._begun

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Start the training clock for one chunk."""
        self._begun_cpu = time.process_time()
        self._begun = time.perf_counter()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Stop the training clock."""
        finish_work(pl_module)
        elapsed = time.perf_counter() - self._begun
        self.training += elapsed
        self._cpu += time.process_time() - self._begun_cpu
        self._per_step.append(elapsed / len(outputs["losses"]))


def finish_work(module: LightningModule) -> None:
    """Wait until the device has finished all work that was queued on it."""
    if module.device.type != "cpu":
        torch.accelerator.synchronize()
