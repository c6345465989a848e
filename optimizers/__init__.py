"""Optimizers written from their papers; every class is a `torch.optim.Optimizer`.

Importing this package does not import torch; the classes come when they are asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optimizers.adadelta import Adadelta
    from optimizers.adagrad import Adagrad
    from optimizers.adam import Adam
    from optimizers.momentum import Momentum
    from optimizers.nesterov import Nesterov
    from optimizers.rmsprop import RMSprop
    from optimizers.sgd import SGD

__all__ = ["SGD", "Adadelta", "Adagrad", "Adam", "Momentum", "Nesterov", "RMSprop"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'optimizers' has no attribute {name!r}")
    return getattr(import_module(f"optimizers.{name.lower()}"), name)
