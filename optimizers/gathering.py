"""One step for many small parameters whose memory stays in place.

Parameters, gradients and state are copied side by side into scratch memory, the rule runs once on
it, and parameters and state are copied back. Storage, strides and addresses do not change.
docs/performance.md compares the cost with that of views of one buffer.
"""

from collections.abc import Iterable, Sequence
from operator import attrgetter

import torch
from torch import Tensor

from optimizers.layout import Names, States, flat, is_dense, is_plain, rounds_by_place
from optimizers.motion import Motion, Run, run_plain

_grad_of = attrgetter("grad")


class Scratch:
    """Memory for parameters, gradients and state that several `Gathering`s use in turn.

    Args:
        size: Elements for the parameters, for the gradients and for each state entry.
        like: A tensor of the right dtype and device.
        names: State entries in the order of the rule; None for an argument that gets None.
    """

    def __init__(self, size: int, like: Tensor, names: Names) -> None:
        needed = [True, True, *(name is not None for name in names)]
        make = like.detach().new_empty
        self.buffers = [make(size) if is_needed else None for is_needed in needed]

    def cut(self, size: int) -> tuple[Tensor, Tensor, list[Tensor | None]]:
        """Return the first `size` elements of parameters, of gradients and of the state."""
        x, g, *state = self.buffers
        assert x is not None
        assert g is not None
        return x[:size], g[:size], [s if s is None else s[:size] for s in state]


class Gathering:
    """Parameters that are copied into scratch memory, stepped there, and copied back.

    Args:
        params: Small parameters that `gatherable` returned.
        states: The optimizer's state.
        names: State entries in the order of the rule; None for an argument that gets None.
        scratch: Scratch memory large enough for all parameters together.
    """

    def __init__(
        self, params: Sequence[Tensor], states: States, names: Names, scratch: Scratch
    ) -> None:
        self.params = params
        sizes = [p.numel() for p in params]
        self._x, self._grad, self._state = scratch.cut(sum(sizes))
        pieces = torch.split(self._grad, sizes)
        self._grads = [
            piece.as_strided(p.shape, p.stride(), piece.storage_offset())
            for piece, p in zip(pieces, params, strict=True)
        ]
        kept = [name for name in names if name is not None]
        scratches = [self._x, *(s for s in self._state if s is not None)]
        places = [[p.detach() for p in params], *([states[p][n] for p in params] for n in kept)]
        self._copies = [
            (buffer, [flat(place) for place in each], list(torch.split(buffer, sizes)))
            for buffer, each in zip(scratches, places, strict=True)
        ]

    def step(self, motion: Motion, run: Run | None) -> None:
        """Apply `motion` to the parameters, through `run` if it is given."""
        torch._foreach_copy_(self._grads, list(map(_grad_of, self.params)))
        for buffer, places, _ in self._copies:
            torch.cat(places, out=buffer)
        (run or run_plain)(motion, [(self._x, self._grad, tuple(self._state))])
        for _, places, pieces in self._copies:
            torch._foreach_copy_(places, pieces)


def gatherable(params: Iterable[Tensor], states: States, names: Names) -> list[Tensor]:
    """Return those of `params` for which one common step gives the result of separate steps.

    These parameters and their state are dense, with one memory layout. Their memory overlaps
    nothing else of theirs, and no other process writes to it.
    """
    kept = [name for name in names if name is not None]
    found = [p for p in params if _is_simple(p, [states[p][name] for name in kept])]
    owned = [(t, p) for p in found for t in (p, *(states[p][name] for name in kept))]
    overlapping: set[int] = set()
    end, last = 0, None
    for tensor, owner in sorted(owned, key=lambda pair: pair[0].data_ptr()):
        if last is not None and tensor.data_ptr() < end:
            overlapping |= {id(last), id(owner)}
        if last is None or tensor.data_ptr() + tensor.nbytes > end:
            end, last = tensor.data_ptr() + tensor.nbytes, owner
    return [p for p in found if id(p) not in overlapping]


def _is_simple(param: Tensor, entries: Sequence[Tensor]) -> bool:
    if not is_plain(param) or param.is_complex() or not is_dense(param) or rounds_by_place(param):
        return False
    if param.device.type == "cpu" and param.untyped_storage().is_shared():
        return False  # a step of another process between the two copies would be lost
    looks = param.dtype, param.shape, param.stride(), param.device
    return all(is_plain(s) and (s.dtype, s.shape, s.stride(), s.device) == looks for s in entries)
