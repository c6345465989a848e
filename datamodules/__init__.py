"""Data sets as LightningDataModules; importing the package loads neither torch nor Lightning.

The package offers the class of every row of `registry`, such as `datamodules.MNIST`, and
`ResidentDataModule`. Type checkers find the classes in their own files:
`from datamodules.mnist import MNIST`.
"""

from pkgutil import resolve_name
from typing import Any

from datamodules.registry import DATASETS

_TARGETS = {row.target.partition(":")[2]: row.target for row in DATASETS.values()}
_TARGETS["ResidentDataModule"] = "datamodules.base:ResidentDataModule"
__all__ = sorted(_TARGETS)


def __getattr__(name: str) -> Any:
    if name not in _TARGETS:
        raise AttributeError(f"module 'datamodules' has no attribute {name!r}")
    return resolve_name(_TARGETS[name])


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
