"""Labels read from users' files, of any type whose values are whole numbers."""

from numbers import Number
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from datamodules.errors import DataCorruptError


def class_labels(source: Path, values: Any, num_classes: int) -> Tensor:
    """Return labels as classes, int64 (examples,).

    Args:
        source: File of the labels, named in errors.
        values: A list or an array, (examples,), of booleans, integers or other whole numbers.
        num_classes: Number of classes; classes are 0 to num_classes − 1.

    Raises:
        DataCorruptError: a label is missing, is not a whole number, or is not a class.
    """
    numbers = _numbers(source, values)
    for row in np.flatnonzero(~np.isfinite(numbers) | (numbers != np.floor(numbers)))[:1]:
        raise DataCorruptError(source, f"the label of row {row} is {numbers[row]:g}, not whole")
    if len(numbers) and not (numbers.min() >= 0 and numbers.max() < num_classes):
        raise DataCorruptError(source, f"labels outside 0 to {num_classes - 1}")
    return torch.from_numpy(numbers.astype(np.int64))


def _numbers(source: Path, values: Any) -> "np.ndarray[Any, Any]":
    if not isinstance(values, np.ndarray):
        for row, value in enumerate(values):
            if value is None:
                raise DataCorruptError(source, f"the label of row {row} is null")
            if not isinstance(value, Number) or isinstance(value, complex):
                problem = f"the label of row {row} is of type {type(value).__name__}, not a number"
                raise DataCorruptError(source, problem)
        values = np.asarray(values)
    numbers: np.ndarray[Any, Any] = values
    # The other types are booleans, decimal numbers and integers beyond 64 bits.
    return numbers if numbers.dtype.kind in "iuf" else numbers.astype(np.float64)
