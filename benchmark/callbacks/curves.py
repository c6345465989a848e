"""The curves of a trial: a row for every chunk of steps and for every evaluation."""

import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor

from benchmark.callbacks.clock import Clock
from benchmark.metrics import LEARNING_RATE, RUNNING
from benchmark.models.base import Model
from benchmark.record import Progress

Row = dict[str, float]
Sink = Callable[[Row], None]


class CurveWriter(Callback):
    """A callback that makes rows and passes each to all sinks, after the clocks have stopped.

    Every row has all of `axes.AXES`. It also has one of: the running loss (mean over the steps
    since the last row, in training mode) and the learning rate; the evaluated metrics of each
    split; or values from another callback. Values that are not finite are left out.

    Args:
        clock: The clock, for the seconds of training.
        sinks: Functions that are called with each row, in this order.
        batch_size: Examples per step.
        num_train: Examples in the training split.
        log_every: Steps between two rows of the running loss, counted from the start of an epoch;
            its last steps make a row too.

    Attributes:
        progress: The end of training up to now.
        last: The final value of every metric: the latest running loss, and the evaluated metrics
            unless training went on since; only finite values.
        evaluated: All values of the latest evaluation, finite or not.
    """

    def __init__(
        self,
        clock: Clock,
        sinks: Sequence[Sink],
        *,
        batch_size: int,
        num_train: int,
        log_every: int,
    ) -> None:
        self.progress = Progress()
        self.last: Row = {}
        self.evaluated: Row = {}
        self._clock = clock
        self._sinks = sinks
        self._steps_per_epoch = math.ceil(num_train / batch_size)
        self._batch_size = batch_size
        self._num_train = num_train
        self._log_every = log_every
        self._pending: list[Tensor] = []

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Write the running loss, if a row is due or a loss is not finite.

        An evaluation cuts a chunk in two without adding a row.
        """
        assert isinstance(pl_module, Model)
        self._forget(self.evaluated)
        self._pending.append(outputs["losses"])
        place = pl_module.steps % self._steps_per_epoch
        if place % self._log_every and bool(outputs["losses"].isfinite().all()):
            return
        self._forget({RUNNING})
        row = {RUNNING: float(torch.cat(self._pending).mean())}
        self._pending.clear()
        lr = trainer.optimizers[0].param_groups[0].get("lr")
        if (rate := _number(lr)) is not None:
            row[LEARNING_RATE] = rate
        self.write(row, step=pl_module.steps)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the evaluated metrics of every split."""
        assert isinstance(pl_module, Model)
        self.evaluate(dict(pl_module.read_metrics()), step=pl_module.steps)

    def evaluate(self, values: Row, *, step: int) -> None:
        """Write the values of an evaluation after `step` steps."""
        self._forget(self.evaluated)
        self.evaluated = values
        self.write(values, step=step)

    def write(self, values: Row, *, step: int, steps_ago: int = 0) -> None:
        """Pass a row to every sink.

        Args:
            values: Measured values; values that are not finite are left out.
            step: Number of steps taken before the measurement.
            steps_ago: Number of steps taken since the measurement.
        """
        self.progress = self._reached(step, steps_ago)
        finite = _finite(values)
        self.last |= finite
        row = asdict(self.progress) | finite
        for sink in self._sinks:
            sink(row)

    def _forget(self, names: Iterable[str]) -> None:
        # An older loss must not stay as the final value if the latest one was not finite.
        for name in names:
            self.last.pop(name, None)

    def _reached(self, steps: int, steps_ago: int) -> Progress:
        epochs, steps_since = divmod(steps, self._steps_per_epoch)
        return Progress(
            step=steps,
            epoch=steps / self._steps_per_epoch,
            samples=epochs * self._num_train + steps_since * self._batch_size,
            train_seconds=self._clock.training_at(steps_ago),
        )


class MetricsFile:
    """A sink that appends each row to ``metrics.jsonl`` and flushes it at once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: TextIO

    def __enter__(self) -> Self:
        self._file = self._path.open("a")
        return self

    def __call__(self, row: Row) -> None:
        """Write one row."""
        self._file.write(json.dumps(row) + "\n")
        self._file.flush()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()


def _number(value: Any) -> float | None:
    """Return what an optimizer keeps as its rate as a number; None if it is none, or several."""
    if isinstance(value, (str, bytes)):
        return None
    try:
        return float(value)
    except (OverflowError, RuntimeError, TypeError, ValueError):
        return None


def _finite(values: Row) -> Row:
    return {name: value for name, value in values.items() if math.isfinite(value)}
