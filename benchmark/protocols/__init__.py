"""How optimizers are compared: which points of their spaces are tried.

A protocol knows optimizers to tune and the values that trials reached. It knows no launcher.
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
        seed: Seed of the drawn points; samplers with one name and seed ask for the same points.

    Raises:
        UnknownNameError: there is no such sampler; the message lists all.
        UsageError: a package that the sampler needs is not installed.
    """
    made: Sampler = resolve_name(pick(SAMPLERS, name, "sampler"))(tunable, seed=seed)
    return made
