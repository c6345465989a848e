"""The curves of a trial: one row every chunk of steps and one every evaluation, to every sink."""

import json
import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

from lightning.pytorch import Callback, LightningModule, Trainer

from benchmark.callbacks.clock import Clock
from benchmark.metrics import EPOCH, LEARNING_RATE, RUNNING, SAMPLES, SECONDS, STEP
from benchmark.models.base import Model

Row = dict[str, float]
Sink = Callable[[Row], None]


class CurveWriter(Callback):
    """Gathers rows and hands each to the sinks, after the clocks have stopped.

    Every row has all of `metrics.AXES`; besides them either the running loss (mean over the steps
    since the last row, in training mode) and the learning rate, or what the model evaluates on each
    split, or what another callback has it write.
    Values that are not finite are left out.

    Args:
        clock: Says how long training has taken.
        sinks: Called with each row in turn.
        batch_size: Examples per step.
        num_train: Examples in the training split.

    Attributes:
        last: The final value of every metric: the latest running loss, and what was evaluated if
            nothing was trained since; finite ones only.
        evaluated: All that the latest evaluation gave, finite or not.
    """

    def __init__(
        self, clock: Clock, sinks: Sequence[Sink], *, batch_size: int, num_train: int
    ) -> None:
        self.last: Row = {}
        self.evaluated: Row = {}
        self._clock = clock
        self._sinks = sinks
        self._steps_per_epoch = math.ceil(num_train / batch_size)
        self._batch_size = batch_size
        self._num_train = num_train

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Write the running loss of one chunk."""
        self._forget({RUNNING, *self.evaluated})
        row = {RUNNING: float(outputs["losses"].mean())}
        lr = trainer.optimizers[0].param_groups[0].get("lr")
        if lr is not None:
            row[LEARNING_RATE] = float(lr)
        assert isinstance(pl_module, Model)
        self.write(row, step=pl_module.steps)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write what was evaluated on every split."""
        assert isinstance(pl_module, Model)
        self._forget(self.evaluated)
        self.evaluated = dict(pl_module.read_metrics())
        self.write(self.evaluated, step=pl_module.steps)

    def write(self, values: Row, *, step: int, steps_ago: int = 0) -> None:
        """Hand a row to every sink.

        Args:
            values: What was measured; what is not finite is left out.
            step: After how many steps.
            steps_ago: How many steps were taken since.
        """
        row = self._axes(step, steps_ago) | _finite(values)
        self.last |= row
        for sink in self._sinks:
            sink(row)

    def _forget(self, names: Iterable[str]) -> None:
        # A loss from before the last steps must not stand in for one that was not finite.
        for name in names:
            self.last.pop(name, None)

    def _axes(self, steps: int, steps_ago: int) -> Row:
        epochs, steps_since = divmod(steps, self._steps_per_epoch)
        return {
            STEP: steps,
            EPOCH: steps / self._steps_per_epoch,
            SAMPLES: epochs * self._num_train + steps_since * self._batch_size,
            SECONDS: self._clock.training_at(steps_ago),
        }


class MetricsFile:
    """Appends rows to ``metrics.jsonl``, each flushed as it comes."""

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


def _finite(values: Row) -> Row:
    return {name: value for name, value in values.items() if math.isfinite(value)}
