"""Sparse bags of words, converted from scipy's matrices to our tensors."""

from typing import Any

import torch
from torch import Tensor


def bag_tensors(part: str, matrix: Any, targets: Tensor) -> dict[str, Tensor]:
    """Return one part of a data set as tensors for the cache.

    Args:
        part: ``pool`` or ``test``, as in `ResidentDataModule.build`.
        matrix: `scipy.sparse` matrix of shape (examples, features).
        targets: Classes, (examples,).
    """
    rows = matrix.tocsr()
    rows.sort_indices()
    return {
        f"{part}.starts": torch.from_numpy(rows.indptr).long(),
        f"{part}.indices": torch.from_numpy(rows.indices).int(),
        f"{part}.values": torch.from_numpy(rows.data).float(),
        f"{part}.targets": targets.long(),
    }
