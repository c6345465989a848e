"""Data sets as LightningDataModules; importing the package loads neither torch nor Lightning."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datamodules.base import ResidentDataModule
    from datamodules.cifar10 import CIFAR10
    from datamodules.digits import Digits
    from datamodules.imdb import IMDB
    from datamodules.mnist import MNIST
    from datamodules.reviews import Reviews

__all__ = ["CIFAR10", "IMDB", "MNIST", "Digits", "ResidentDataModule", "Reviews"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'datamodules' has no attribute {name!r}")
    module = "base" if name == "ResidentDataModule" else name.lower()
    return getattr(import_module(f"datamodules.{module}"), name)
