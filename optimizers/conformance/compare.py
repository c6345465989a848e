"""Comparisons of tensors whose failures name the parameter that differs and the difference."""

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from optimizers.conformance.outcome import Difference, Failure


def copies(tensors: Iterable[Tensor]) -> list[Tensor]:
    """Return detached copies, with the same strides if the tensors are dense."""
    return [tensor.detach().clone() for tensor in tensors]


def require_same(
    found: Sequence[Tensor],
    expected: Sequence[Tensor],
    what: str,
    tolerance: float = 0.0,
    kind: str = "parameter",
) -> None:
    """Raise `Difference` unless two runs agree exactly or within a relative tolerance."""
    difference = _first_difference(found, expected, tolerance, kind)
    if difference:
        raise Difference(f"{what}: {difference}")


def require_unchanged(
    after: Sequence[Tensor], before: Sequence[Tensor], what: str, kind: str = "parameter"
) -> None:
    """Raise `Failure` unless `after` equals `before` bit for bit."""
    difference = _first_difference(after, before, 0.0, kind)
    if difference:
        raise Failure(f"{what}: {difference}")


def require_same_state(
    found: Optimizer, expected: Optimizer, what: str, tolerance: float = 0.0
) -> None:
    """Raise `Failure` unless the state of two optimizers agrees."""
    states = [tensors_in(each.state_dict()["state"]) for each in (found, expected)]
    require_same(states[0], states[1], what, tolerance, kind="state tensor")


def require_moved(after: Sequence[Tensor], before: Sequence[Tensor], what: str) -> None:
    """Raise `Failure` unless every tensor has changed and is finite.

    Single elements may stay: sparse and rounded steps leave some unchanged.
    """
    for index, (one, other) in enumerate(zip(after, before, strict=True)):
        if not bool(one.isfinite().all()):
            raise Failure(f"{what}: parameter {index} became {one.flatten().tolist()[:4]}")
        if torch.equal(one, other):
            raise Failure(f"{what}: parameter {index} of {tuple(one.shape)} did not move")


def is_same(found: Sequence[Tensor], expected: Sequence[Tensor]) -> bool:
    """Return whether all tensors are equal bit for bit."""
    return all(torch.equal(one, other) for one, other in zip(found, expected, strict=True))


def largest_gap(found: Sequence[Tensor], expected: Sequence[Tensor]) -> float:
    """Return the largest difference of two runs, relative to values above 1."""
    return max(
        float(_gaps(one, other).max()) if one.numel() else 0.0
        for one, other in zip(found, expected, strict=True)
    )


def tensors_in(tree: Any) -> list[Tensor]:
    """Return the tensors in nested mappings and sequences, in their order."""
    if isinstance(tree, Tensor):
        return [tree]
    branches = tree.values() if isinstance(tree, dict) else tree
    if isinstance(tree, (dict, list, tuple)):
        return [tensor for branch in branches for tensor in tensors_in(branch)]
    return []


def _first_difference(
    found: Sequence[Tensor], expected: Sequence[Tensor], tolerance: float, kind: str
) -> str:
    """Describe the worst element of the first tensor that differs; "" if none does."""
    if len(found) != len(expected):
        return f"{len(found)} {kind}s instead of {len(expected)}"
    for index, (one, other) in enumerate(zip(found, expected, strict=True)):
        one, other = _plain(one), _plain(other)
        if one.shape != other.shape:
            return f"{kind} {index} has the shape {tuple(one.shape)}, not {tuple(other.shape)}"
        gap = _gaps(one, other)
        if not bool((gap <= tolerance).all()):
            at = int(gap.argmax())
            return (
                f"{kind} {index} of shape {tuple(one.shape)} differs by up to "
                f"{gap.max().item():.3g}; there it is {one.reshape(-1)[at].item():.6g}, "
                f"expected {other.reshape(-1)[at].item():.6g}"
            )
    return ""


def _gaps(one: Tensor, other: Tensor) -> Tensor:
    """Return the differences, relative to values above 1; nan equals nan."""
    gap = (one.double() - other.double()).abs() / other.abs().clamp(min=1)
    gap = gap.masked_fill(one.isnan() & other.isnan(), 0.0).masked_fill(one == other, 0.0)
    return gap.nan_to_num(nan=torch.inf)


def _plain(tensor: Tensor) -> Tensor:
    tensor = tensor.detach()
    return torch.view_as_real(tensor.resolve_conj()) if tensor.is_complex() else tensor.to_dense()
