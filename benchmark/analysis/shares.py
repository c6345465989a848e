"""Metrics that are shares of examples, with the numbers of examples from the table of data sets."""

import numpy as np

from benchmark.analysis.intervals import Array, Shares
from benchmark.metrics import SPLITS, is_share
from datamodules.registry import DATASETS

_SIZES = {split: place for place, split in enumerate(SPLITS)}  # in `DatasetRow.sizes`


def shares_of(metric: str, dataset: str, values: Array) -> Shares | None:
    """Return the number of examples behind `values` if they are shares; None if they are not.

    Args:
        metric: Name in records, such as ``val/accuracy``.
        dataset: Name or import path of the data set.
        values: Values of any shape. If one lies outside 0 to 1, they are not shares, whatever the
            unit of the metric.

    >>> shares_of("val/accuracy", "mnist", np.array([0.9])).examples
    5000
    >>> shares_of("val/accuracy", "mine.Data", np.array([0.9]))
    Shares(examples=None)
    >>> shares_of("val/loss", "mnist", np.array([0.9])) is None
    True
    """
    if not is_share(metric) or not bool(np.all((values >= 0) & (values <= 1))):
        return None
    row, split = DATASETS.get(dataset), metric.rpartition("/")[0]
    return Shares(examples=row.sizes[_SIZES[split]] if row and split in _SIZES else None)
