"""Restoration of process settings that a step may change, so that checks stay independent."""

import random
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch


def settings() -> dict[str, Any]:
    """Return the settings of the process and thread, under readable names."""
    return {
        "gradients enabled": torch.is_grad_enabled(),
        "default type": torch.get_default_dtype(),
        "deterministic algorithms": torch.are_deterministic_algorithms_enabled(),
        "threads": torch.get_num_threads(),
        "anomaly detection": torch.is_anomaly_enabled(),
    }


@contextmanager
def sandbox() -> Iterator[None]:
    """Restore settings and random generators afterwards, and suppress warnings."""
    before, state = settings(), random.getstate()
    try:
        with torch.random.fork_rng(devices=()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        random.setstate(state)
        _restore(before)


def _restore(before: dict[str, Any]) -> None:
    torch.set_grad_enabled(before["gradients enabled"])
    torch.set_default_dtype(before["default type"])
    torch.use_deterministic_algorithms(before["deterministic algorithms"])
    torch.autograd.set_detect_anomaly(before["anomaly detection"])
    if torch.get_num_threads() != before["threads"]:
        torch.set_num_threads(before["threads"])
