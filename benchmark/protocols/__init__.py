"""Protocols, which decide the trials of a study, and samplers, which choose the points to try.

A protocol knows the optimizers to tune and the values that trials reached. It knows no launcher.
"""

from pkgutil import resolve_name

from benchmark.protocols.halton import points
from benchmark.protocols.sampler import Sampler
from optimizers.pick import pick
from optimizers.tunable import Tunable

SAMPLERS = {
    "halton": "benchmark.protocols.halton:HaltonSampler",
    "random": "benchmark.protocols.random_search:RandomSampler",
    "optuna": "benchmark.protocols.optuna_search:OptunaSampler",
}

__all__ = ["SAMPLERS", "Sampler", "points", "sampler"]


def sampler(name: str, tunable: Tunable, *, seed: int = 0) -> Sampler:
    """Return a new sampler of the points of an optimizer to tune.

    Args:
        name: Name in `SAMPLERS`.
        tunable: Optimizer to tune.
        seed: Seed of the points; samplers with the same name and seed ask for the same points.

    Raises:
        UnknownNameError: the name is unknown; the message lists the known names.
        UsageError: a package that the sampler needs is not installed.
    """
    made: Sampler = resolve_name(pick(SAMPLERS, name, "sampler"))(tunable, seed=seed)
    return made
