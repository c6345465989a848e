"""SIGTERM ends a trial at once, as it would without Lightning."""

import signal
import threading

from lightning.pytorch import Callback, LightningModule, Trainer


class PlainSigterm(Callback):
    """Puts back the handler of SIGTERM that there was before the Trainer set its own.

    Lightning's only takes a note, and a trial is over after its next batch: never, if a step hangs.
    """

    def __init__(self) -> None:
        self._before = signal.getsignal(signal.SIGTERM)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Put the handler back, now that Lightning's is in place."""
        self._put_back()

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Put the handler back, as the evaluation at step 0 comes before the training."""
        self._put_back()

    def _put_back(self) -> None:
        in_main_thread = threading.current_thread() is threading.main_thread()
        if in_main_thread and self._before is not None:  # None: a handler that is not Python's
            signal.signal(signal.SIGTERM, self._before)
