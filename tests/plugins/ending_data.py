"""Data modules whose preparation does not come to its end."""

import os
import signal
import time

from lightning.pytorch import LightningDataModule


class Hangs(LightningDataModule):
    input_shape, num_classes = (2,), 2

    def prepare_data(self):
        time.sleep(10**6)


class Dies(Hangs):
    def prepare_data(self):
        os.kill(os.getpid(), signal.SIGKILL)


class Interrupted(Hangs):
    def prepare_data(self):
        raise KeyboardInterrupt
