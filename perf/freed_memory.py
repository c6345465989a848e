"""A training step of the MLP with a plain Adam, memory kept by the process over memory given back.

The plain Adam is written as textbooks write it, with a temporary tensor for each operation. Each
side runs in processes of its own, in turn; times are CPU seconds. Target: 0.7.
"""

import os
import statistics
import subprocess
import sys
import time

import torch
from _trials import report
from torch import Tensor

from benchmark.allocation import keep_freed_memory

REPEATS = 5
STEPS = 40
TARGET = 0.7
SIDES = ("kept", "given back")


def plain_step(params: list[Tensor], moments: list[list[Tensor]], step: int) -> None:
    """Take a step of Adam in place."""
    for param, state in zip(params, moments, strict=True):
        gradient = param.grad
        assert gradient is not None
        state[0] = 0.9 * state[0] + 0.1 * gradient
        state[1] = 0.999 * state[1] + 0.001 * gradient**2
        mean, square = state[0] / (1 - 0.9**step), state[1] / (1 - 0.999**step)
        param -= 0.001 * mean / (square.sqrt() + 1e-8)


def milliseconds_per_step(*, keeps: bool) -> float:
    """Train, and return the CPU time of a step."""
    if keeps:
        keep_freed_memory()
    torch.set_num_threads(1)
    model = torch.nn.Sequential(
        torch.nn.Linear(784, 1000), torch.nn.ReLU(), torch.nn.Linear(1000, 10)
    )
    params = list(model.parameters())
    moments = [[torch.zeros_like(param), torch.zeros_like(param)] for param in params]
    images, classes = torch.rand(128, 784), torch.arange(128) % 10
    started = 0.0
    for step in range(-5, STEPS):
        if step == 0:
            started = time.process_time()
        model.zero_grad()
        torch.nn.functional.cross_entropy(model(images), classes).backward()
        with torch.no_grad():
            plain_step(params, moments, step + 6)
    return 1000 * (time.process_time() - started) / STEPS


def in_a_process(side: str) -> float:
    """Return the milliseconds of a step in a process that has glibc's own options at its start."""
    own = {k: v for k, v in os.environ.items() if not k.startswith(("MALLOC_", "GLIBC_"))}
    command = [sys.executable, __file__, side]
    done = subprocess.run(command, env=own, capture_output=True, text=True, check=True)
    return float(done.stdout)


def main() -> None:
    """Print the medians of both sides and of their ratios."""
    pairs = [tuple(map(in_a_process, SIDES)) for _ in range(REPEATS)]
    kept, given_back = (statistics.median(each) for each in zip(*pairs, strict=True))
    report(
        __file__,
        milliseconds=dict(zip(SIDES, (kept, given_back), strict=True)),
        ratio=statistics.median(ours / theirs for ours, theirs in pairs),
        target=TARGET,
    )


if __name__ == "__main__":
    if sys.argv[1:]:
        sys.stdout.write(str(milliseconds_per_step(keeps=sys.argv[1] == SIDES[0])))
    else:
        main()
