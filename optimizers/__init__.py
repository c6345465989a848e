"""Optimizers written from their papers; every class is a `torch.optim.Optimizer`.

Importing this package does not import torch; the classes come when they are asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optimizers.adadelta import Adadelta
    from optimizers.adagrad import Adagrad
    from optimizers.adam import Adam
    from optimizers.adamax import Adamax
    from optimizers.adamw import AdamW
    from optimizers.lion import Lion
    from optimizers.momentum import Momentum
    from optimizers.nadam import NAdam
    from optimizers.nesterov import Nesterov
    from optimizers.radam import RAdam
    from optimizers.rmsprop import RMSprop
    from optimizers.sgd import SGD

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


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'optimizers' has no attribute {name!r}")
    return getattr(import_module(f"optimizers.{name.lower()}"), name)
