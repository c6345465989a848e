"""The memory of a stack: each parameter of K networks as one tensor, (K, *shape)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Rows:
    """The parameters of K networks, whose own parameters become views of them.

    Args:
        networks: Networks of one class and shape.
        members_last: Keep matrices in the order (features, outputs, K), as sparse products need
            them; otherwise the parameters of a network are contiguous.

    Attributes:
        params: The stacked parameters, (K, *shape), in the order of `Module.parameters`.
    """

    def __init__(self, networks: Sequence[nn.Module], *, members_last: bool) -> None:
        copies = [list(network.parameters()) for network in networks]
        self.params: list[Tensor] = []
        for each in zip(*copies, strict=True):
            whole = torch.stack([param.detach() for param in each])
            if members_last and whole.ndim == 3:
                whole = _members_last(whole).contiguous().permute(2, 1, 0)
            for row, param in zip(whole, each, strict=True):
                param.data = row
            self.params.append(whole.requires_grad_())

    def chosen(self, rows: Tensor | None) -> list[Tensor]:
        """Return copies of some rows, int64 (n,), to differentiate by; None returns all rows."""
        if rows is None:
            return self.params
        return [_select(param.detach(), rows).requires_grad_() for param in self.params]


class Gradients:
    """The gradients of stacked parameters, collected from the seeds of a stack.

    Args:
        params: The stacked parameters.
    """

    def __init__(self, params: Sequence[Tensor]) -> None:
        self.whole: Sequence[Tensor] = [torch.zeros_like(param) for param in params]

    def put(self, rows: Tensor | None, gradients: Sequence[Tensor]) -> None:
        """Set the gradients of some rows, int64 (n,), or of all."""
        if rows is None:
            self.whole = gradients
            return
        for whole, own in zip(self.whole, gradients, strict=True):
            whole.index_copy_(0, rows, own)


def _members_last(whole: Tensor) -> Tensor:
    return whole.permute(2, 1, 0)


def _select(whole: Tensor, rows: Tensor) -> Tensor:
    if whole.ndim != 3 or whole.is_contiguous():  # filters are in the order of their channels
        return whole.index_select(0, rows)
    return _members_last(whole).index_select(2, rows).permute(2, 1, 0)
