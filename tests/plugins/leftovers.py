"""Optimizers that leave threads and processes behind, or try to be two, in their first step."""

import atexit
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import torch

_FOR_EVER = 10**6


class _Leaves(torch.optim.SGD):
    """Does something in its first step, and may note the process that it has left behind."""

    def __init__(self, params, lr=0.1, note=""):
        super().__init__(params, lr)
        self.note, self.first = note, True

    def step(self, closure=None):
        if self.first:
            self.first = False
            pid = self.leave()
            if self.note and pid:
                Path(self.note).write_text(str(pid))
        return super().step(closure)

    def leave(self):
        raise NotImplementedError


class Thread(_Leaves):
    def leave(self):
        threading.Thread(target=time.sleep, args=(_FOR_EVER,)).start()


class AtExit(_Leaves):
    def leave(self):
        atexit.register(time.sleep, _FOR_EVER)


class Child(_Leaves):
    def leave(self):
        if (pid := os.fork()) == 0:
            time.sleep(_FOR_EVER)
            os._exit(0)
        return pid


class Daemon(_Leaves):
    """Its process is in a session of its own, below a parent that has gone."""

    def leave(self):
        code = "import os, time; pid = os.fork(); time.sleep(1000000) if not pid else print(pid)"
        command = [sys.executable, "-S", "-c", code]
        with Path(self.note + ".out").open("w") as out:  # no pipe, whose end would be waited for
            subprocess.run(command, start_new_session=True, check=True, stdout=out)
        return int(Path(self.note + ".out").read_text())


class ChildThenCrash(Child):
    def leave(self):
        Path(self.note or os.devnull).write_text(str(super().leave()))
        os._exit(3)


class ChildThenHang(Child):
    def leave(self):
        Path(self.note or os.devnull).write_text(str(super().leave()))
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(_FOR_EVER)


class ReturnsTwice(_Leaves):
    def leave(self):
        os.fork()


class RaisesTwice(_Leaves):
    def leave(self):
        os.fork()
        raise ArithmeticError("in both processes")


class Interrupts(_Leaves):
    def leave(self):
        raise KeyboardInterrupt


class Exits(_Leaves):
    def leave(self):
        sys.exit("bye")


class Sleeps(_Leaves):
    """Notes its own process and sleeps in its step."""

    def leave(self):
        Path(self.note).write_text(str(os.getpid()))
        time.sleep(_FOR_EVER)


class CountsInItsClass(torch.optim.SGD):
    """Keeps its number of steps in the class, as research code does."""

    steps = 0

    def step(self, closure=None):
        type(self).steps += 1
        for group in self.param_groups:
            group["lr"] = 0.1 / (1 + 0.05 * type(self).steps)
        return super().step(closure)


class TurnsSwitches(torch.optim.SGD):
    """Raises in the middle of a step, while global settings of torch are not the usual ones."""

    def step(self, closure=None):
        torch.set_grad_enabled(False)
        torch.set_default_dtype(torch.float64)
        raise ArithmeticError("in the middle of a step")
