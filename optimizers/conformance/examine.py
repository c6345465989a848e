"""Runs checks on one optimizer, in order; where it takes no plain step, the others say so."""

from collections.abc import Iterable

import torch

from optimizers.conformance.outcome import Check, Outcome, apply
from optimizers.conformance.probe import look_at
from optimizers.conformance.subject import Factory
from optimizers.conformance.table import CHECKS


def examine(factory: Factory, checks: Iterable[Check] = CHECKS) -> list[Outcome]:
    """Return what comes out of each check of the optimizer that `factory` makes.

    Args:
        factory: Called with parameters or groups; with hyperparameters too if its signature names
            some, as that of a class does.
        checks: Which to run; the first of the table, that plain steps are taken, is always run.

    Raises:
        Exception: whatever the factory raises for three random matrices.
    """
    with torch.random.fork_rng(devices=()):
        subject = look_at(factory)
    plain = apply(CHECKS[0], subject)
    if plain.status == "passed":
        return [plain if check is CHECKS[0] else apply(check, subject) for check in checks]
    why = f"it fails to do what this stands on: {CHECKS[0].name}"
    return [plain] + [
        Outcome(check=check, status="not applicable", reason=why)
        for check in checks
        if check is not CHECKS[0]
    ]
