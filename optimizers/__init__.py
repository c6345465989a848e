"""Optimizers written from their papers; every class is a `torch.optim.Optimizer`.

The package offers the class of every row of `registry`: `optimizers.Adam`, `optimizers.Lion`.
Importing it does not import torch; each class is imported at its first use. Type checkers find the
classes in their own files: `from optimizers.rules.adam import Adam`.
"""

from pkgutil import resolve_name
from typing import Any

from optimizers import moved
from optimizers.registry import OPTIMIZERS

_TARGETS = {row.class_name: row.target for row in OPTIMIZERS.values()}
__all__ = sorted(_TARGETS)

moved.install()


def __getattr__(name: str) -> Any:
    if name not in _TARGETS:
        raise AttributeError(f"module 'optimizers' has no attribute {name!r}")
    return resolve_name(_TARGETS[name])


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
