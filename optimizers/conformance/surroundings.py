"""Checks that a step leaves random generators and process settings alone."""

import random
import sys
from typing import Any

import torch

from optimizers.conformance.outcome import Failure
from optimizers.conformance.sandbox import settings
from optimizers.conformance.subject import Subject


def random_generators_are_left_alone(subject: Subject) -> None:
    """A draw changes later dropout masks and batch orders, so runs are no longer paired."""
    before = _generators()
    subject.run(subject.parameters(), steps=subject.span(12))
    after = _generators()
    drawn = [name for name in before if before[name] != after[name]]
    if drawn:
        raise Failure(f"building it and stepping drew from {' and '.join(drawn)}")


def settings_of_torch_are_left_alone(subject: Subject) -> None:
    """A global setting left changed, such as the gradient mode, affects all code after the step."""
    before = settings()
    subject.run(subject.parameters())
    after = settings()
    changes = [f"{n} from {before[n]} to {after[n]}" for n in before if before[n] != after[n]]
    if changes:
        raise Failure(f"4 steps changed {', '.join(changes)}")


def _generators() -> dict[str, Any]:
    states: dict[str, Any] = {
        "torch's global generator": torch.get_rng_state().tolist(),
        "Python's random": random.getstate(),
    }
    if "numpy" in sys.modules:  # nobody has drawn from a module that is not imported
        kind, keys, *rest = sys.modules["numpy"].random.get_state()
        states["numpy's global generator"] = (kind, keys.tolist(), *rest)
    return states
