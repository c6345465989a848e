"""Optimizers that show what a heat does with them."""

import warnings
from typing import ClassVar

import torch


class Executed(torch.optim.SGD):
    """Has our modes of execution; ``packed`` holds a hidden buffer, no kernel can be compiled."""

    def __init__(self, params, lr=0.1, *, execution="auto"):
        super().__init__(params, lr)
        self.execution = execution
        if execution.endswith("compiled"):
            raise RuntimeError("no compiler\nis here")
        if execution == "packed":
            warnings.warn("packs nothing", stacklevel=1)
            first = self.param_groups[0]["params"][0]
            self.hidden = {"buffer": torch.zeros(10 * first.numel(), dtype=first.dtype)}


class Packed(torch.optim.SGD):
    """Lets go of the parameters' memory and keeps them in one buffer of its own."""

    def __init__(self, params, lr=0.1):
        super().__init__(params, lr)
        [group] = self.param_groups
        self.flat = torch.cat([param.detach().reshape(-1) for param in group["params"]])
        offset = 0
        for param in group["params"]:
            param.data = self.flat[offset : offset + param.numel()].view(param.shape)
            offset += param.numel()


class Nested(torch.optim.Optimizer):
    """Keeps state in lists and mappings, counts in Python, and needs 12 bytes for a moment."""

    def __init__(self, params, lr=0.1):
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self, closure=None):
        for param in self.param_groups[0]["params"]:
            state = self.state[param]
            if not state:
                state["count"] = 0
                state["moments"] = [torch.zeros_like(param), {"second": torch.zeros_like(param)}]
            for _ in range(3):
                torch.empty_like(param)  # freed at once: one at a time
            held = [torch.empty_like(param) for _ in range(3)]
            param.sub_(param.grad, alpha=self.param_groups[0]["lr"])
            del held


class Witness(torch.optim.SGD):
    """Keeps what it was given, for a test to look at."""

    seen: ClassVar[list] = []

    def __init__(self, params, lr=0.1, *, foreach=None):
        params = list(params)
        super().__init__(params, lr, foreach=foreach)
        self.before = [param.detach().clone() for param in params]
        self.num_steps = 0
        Witness.seen.append(self)

    def step(self, closure=None):
        self.num_steps += 1
        return super().step(closure)
