"""Handling of SIGTERM: it ends a trial at once, as it would without Lightning."""

import signal
import threading

from lightning.pytorch import Callback, LightningModule, Trainer


class PlainSigterm(Callback):
    """A callback that restores the SIGTERM handler from before the Trainer set its own.

    Lightning's handler only sets a flag, and the trial ends after the current batch. If a step
    hangs, that is never.
    """

    def __init__(self) -> None:
        self._before = signal.getsignal(signal.SIGTERM)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Restore the handler, now that Lightning has set its own."""
        self._put_back()

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Restore the handler here too, because the evaluation at step 0 precedes the training."""
        self._put_back()

    def _put_back(self) -> None:
        in_main_thread = threading.current_thread() is threading.main_thread()
        if in_main_thread and self._before is not None:  # None: a handler that is not Python's
            signal.signal(signal.SIGTERM, self._before)
