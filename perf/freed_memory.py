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
_AS_GIVEN = {"MALLOC_PERTURB_": "0"}  # has no effect, but tells the suite to leave the options


def plain_step(params: list[Tensor], moments: list[list[Tensor]], step: int) -> None:
    """Take a step of Adam in place."""
    for param, state in zip(params, moments, strict=True):
        gradient = param.grad
        assert gradient is not None
        state[0] = 0.9 * state[0] + 0.1 * gradient
        state[1] = 0.999 * state[1] + 0.001 * gradient**2
        mean, square = state[0] / (1 - 0.9**step), state[1] / (1 - 0.999**step)
        param -= 0.001 * mean / (square.sqrt() + 1e-8)


def milliseconds_per_step() -> float:
    """Train, and return the CPU time of a step."""
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


def in_a_process(settings: dict[str, str]) -> float:
    """Return the milliseconds of a step in a process with some environment variables."""
    command = [sys.executable, __file__, "once"]
    done = subprocess.run(
        command, env=os.environ | settings, capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def main() -> None:
    """Print the medians of both sides and of their ratios."""
    pairs = [(in_a_process({}), in_a_process(_AS_GIVEN)) for _ in range(REPEATS)]
    kept, given_back = (statistics.median(each) for each in zip(*pairs, strict=True))
    report(
        __file__,
        milliseconds={"kept": kept, "given back": given_back},
        ratio=statistics.median(ours / theirs for ours, theirs in pairs),
        target=TARGET,
    )


if __name__ == "__main__":
    if sys.argv[1:] == ["once"]:
        sys.stdout.write(str(milliseconds_per_step()))
    else:
        main()
