"""Optimizers written from their papers; every class is a `torch.optim.Optimizer`.

Importing this package does not import torch; the classes come when they are asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from optimizers import moved

if TYPE_CHECKING:
    from optimizers.rules.adadelta import Adadelta
    from optimizers.rules.adagrad import Adagrad
    from optimizers.rules.adam import Adam
    from optimizers.rules.adamax import Adamax
    from optimizers.rules.adamw import AdamW
    from optimizers.rules.lion import Lion
    from optimizers.rules.momentum import Momentum
    from optimizers.rules.nadam import NAdam
    from optimizers.rules.nesterov import Nesterov
    from optimizers.rules.radam import RAdam
    from optimizers.rules.rmsprop import RMSprop
    from optimizers.rules.sgd import SGD

__all__ = [
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Lion",
    "Momentum",
    "NAdam",
    "Nesterov",
    "RAdam",
    "RMSprop",
]


moved.install()


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'optimizers' has no attribute {name!r}")
    return getattr(import_module(f"optimizers.rules.{name.lower()}"), name)
