"""Optimizers that misbehave, for tests of what the launcher makes of it."""

import os
import signal
import sys
import time
from pathlib import Path

import torch


class KilledOnce(torch.optim.SGD):
    """Is killed in its first step, unless it has been killed before."""

    def __init__(self, params, lr=0.1, marker=""):
        super().__init__(params, lr)
        self.marker = Path(marker)

    def step(self, closure=None):
        if not self.marker.exists():
            self.marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().step(closure)


class KilledAlways(torch.optim.SGD):
    """Is killed in its first step."""

    def step(self, closure=None):
        os.kill(os.getpid(), signal.SIGKILL)


class Raises(torch.optim.SGD):
    """Raises in its first step."""

    def step(self, closure=None):
        raise ArithmeticError("a step that went wrong\nwith more lines")


class RaisesLater(torch.optim.SGD):
    """Raises in its fourth step."""

    taken = 0

    def step(self, closure=None):
        self.taken += 1
        if self.taken == 4:
            raise ArithmeticError("a step that went wrong\nwith more lines")
        return super().step(closure)


class IgnoresClosure(torch.optim.Optimizer):
    """Takes a closure and does not call it."""

    def __init__(self, params, lr=0.1, careful=False):
        super().__init__(params, {"lr": lr})
        self.careful = careful

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for param in group["params"]:
                if not self.careful or param.grad is not None:
                    param.add_(param.grad, alpha=-group["lr"])


class CallsUnderNoGrad(IgnoresClosure):
    """Calls its closure without switching gradients on, which `torch.no_grad` has switched off."""

    @torch.no_grad()
    def step(self, closure=None):
        loss = closure()
        super().step()
        return loss


class Buggy(torch.optim.SGD):
    """Calls its closure and then makes a mistake of its own."""

    def step(self, closure=None):
        closure()
        raise TypeError("a mistake of its own")


class Slow(torch.optim.SGD):
    """Sleeps in every step."""

    def __init__(self, params, lr=0.1, seconds=0.2):
        super().__init__(params, lr)
        self.seconds = seconds

    def step(self, closure=None):
        time.sleep(self.seconds)
        return super().step(closure)


class Loud(torch.optim.SGD):
    """Prints 30 MB, then raises an error with a long message that is no plain text."""

    def step(self, closure=None):
        sys.stdout.write("first words")
        for _ in range(30):
            sys.stdout.write("x" * 1_000_000)
        raise RuntimeError("\x1b[31m\udcff" + "y" * 5_000)


class HalfAdam(torch.optim.Adam):
    """Adam whose learning rate is half of the given one."""

    def __init__(self, params, lr=1e-3):
        super().__init__(params, lr=lr / 2)
