"""Sparse bags of words, converted from scipy's matrices to our tensors."""

from typing import Any

import torch
from torch import Tensor


def bag_tensors(split: str, matrix: Any, targets: Tensor) -> dict[str, Tensor]:
    """Return one split as tensors for the cache.

    Args:
        split: ``train``, ``val`` or ``test``.
        matrix: `scipy.sparse` matrix of shape (examples, features).
        targets: Classes, (examples,).
    """
    rows = matrix.tocsr()
    rows.sort_indices()
    return {
        f"{split}.starts": torch.from_numpy(rows.indptr).long(),
        f"{split}.indices": torch.from_numpy(rows.indices).int(),
        f"{split}.values": torch.from_numpy(rows.data).float(),
        f"{split}.targets": targets.long(),
    }
