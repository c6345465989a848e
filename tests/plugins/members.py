"""Optimizers of which one member of a pack misbehaves, as a hyperparameter says."""

import os
import signal
import sys
import time
from pathlib import Path

import torch


class Member(torch.optim.SGD):
    """Raises, is killed, sleeps or prints in its fifth step if its `fault` says so.

    With `marker`, it does so only if there is no such file, which it makes.
    """

    def __init__(self, params, lr=0.1, fault="none", marker="", seconds=60.0):
        super().__init__(params, lr)
        self.fault, self.marker, self.seconds = fault, marker, seconds
        self.taken = 0  # a rehearsal takes two steps

    def step(self, closure=None):
        self.taken += 1
        fault = self.fault if self.taken == 5 else "none"
        if self.marker and Path(self.marker).exists():
            fault = "none"
        if fault != "none" and self.marker:
            Path(self.marker).touch()
        if fault == "raise":
            raise ArithmeticError("a step that went wrong")
        if fault == "print":
            sys.stdout.write(f"lr is {self.param_groups[0]['lr']}\n")
        if fault == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if fault == "sleep":
            time.sleep(self.seconds)
        return super().step(closure)
