"""Steps many parameters as few flat tensors: what `execution="packed"` does.

Small parameters of one group become views of one buffer, and so do their state entries; a large
one stays where it is and is stepped in slices that fit into the processor's cache. A `Plan` holds
for as long as everything it was made from is still in place, which it checks before each step;
nobody who replaces data, state or gradients can be overlooked. `Parameter` objects stay the same.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from operator import attrgetter, is_
from typing import Any, cast

import torch
from torch import Tensor
from torch.autograd.graph import increment_version

from optimizers.motion import Motion

Run = Callable[[Motion, Tensor, Tensor, tuple[Tensor | None, ...]], None]
Names = Sequence[str | None]
States = Mapping[Tensor, dict[str, Tensor]]

SMALL_ON_CPU = 1 << 16  # elements; measured in docs/performance.md
SMALL_ELSEWHERE = 1 << 20  # where launching kernels costs more than copying gradients
SLICE = 1 << 17  # elements, so that temporaries stay in cache; see docs/optimizers.md
PACK_ON_CPU = 1 << 20  # elements at most in one buffer, which whoever saves one layer saves whole
PACK_ELSEWHERE = 1 << 24
_grad_of = attrgetter("grad")
_ALIGNMENT = 16  # elements, so that every view begins as aligned as a tensor of its own


class Plan:
    """How parameters with equal counters, device and dtype step together.

    Args:
        params: Of one group, each with a dense gradient and its state complete.
        movable: Ids of the parameters whose memory may be another.
        states: The optimizer's state.
        names: Of the state entries in the order of the rule, None for one that it goes without.
        counters: Names of the state entries that count, one number per parameter.
    """

    def __init__(
        self,
        params: Sequence[Tensor],
        movable: set[int],
        states: States,
        names: Names,
        counters: Sequence[str],
    ) -> None:
        self.params = list(params)
        self._entries = [states[p] for p in params if p in states]
        self.counters = _pack_counters(self._entries, counters)
        on_cpu = params[0].device.type == "cpu"
        limit = SMALL_ON_CPU if on_cpu else SMALL_ELSEWHERE
        kept = [name for name in names if name is not None]
        small = [p for p in params if id(p) in movable and p.numel() <= limit]
        small = [p for p in small if _packable(p, states, kept)]
        batches = _batches(small, PACK_ON_CPU if on_cpu else PACK_ELSEWHERE)
        self._packs = [_Pack(batch, states, names) for batch in batches if len(batch) > 1]
        packed = {id(param) for pack in self._packs for param in pack.params}
        self._alone = [_Alone(p, states, names) for p in params if id(p) not in packed]
        self._places = self._look()
        self.counted()

    def holds(self, states: States) -> bool:
        """Return whether data and state of all parameters are still where the plan put them."""
        try:
            return (
                _same(map(states.get, self.params), self._entries or [None] * len(self.params))
                and self._counts == [counter._version for counter in self.counters.values()]
                and self._look() == self._places
            )
        except TypeError:  # some state is no tensor any more
            return False

    def _look(self) -> list[Any]:
        """Return where data and state lie, in which layout."""
        values = chain.from_iterable(map(dict.values, self._entries))
        return [
            *map(Tensor.data_ptr, self.params),
            *map(Tensor.stride, self.params),
            *map(Tensor.numel, self.params),
            *map(Tensor.data_ptr, values),
        ]

    def counted(self) -> None:
        """Take note that the counters have been advanced, by their owner and for all alike."""
        self._counts = [counter._version for counter in self.counters.values()]

    def step(self, motion: Motion, run: Run | None) -> None:
        """Move all parameters by `motion`, through `run` if that is given."""
        for pack in self._packs:
            pack.step(motion, run)
        for alone in self._alone:
            alone.step(motion, run)


class _Pack:
    """Parameters in one flat buffer, and each of their state entries in another."""

    def __init__(self, params: Sequence[Tensor], states: States, names: Names) -> None:
        self.params = params
        self._flat, views = _flatten(params)
        self._state: list[Tensor | None] = []
        for name in names:
            if name is None:
                self._state.append(None)
                continue
            flat, entries = _flatten([states[p][name] for p in params])
            self._state.append(flat)
            for param, entry in zip(params, entries, strict=True):
                states[param][name] = entry
        self._grad = torch.zeros_like(self._flat)
        self._grads = _views(self._grad, params)
        for param, view in zip(params, views, strict=True):
            param.data = view

    def step(self, motion: Motion, run: Run | None) -> None:
        torch._foreach_copy_(self._grads, list(map(_grad_of, self.params)))
        (run or Motion.__call__)(motion, self._flat, self._grad, tuple(self._state))
        # So that autograd refuses a backward pass through values from before the step.
        increment_version(self.params)


class _Alone:
    """One parameter where it is, in slices if it is dense and large."""

    def __init__(self, param: Tensor, states: States, names: Names) -> None:
        self._param = param
        state = [None if name is None else states[param][name] for name in names]
        self._whole = [None if t is None else as_real(t) for t in (param.detach(), *state)]
        self._stride = param.stride()
        alike = all(t is None or t.stride() == self._stride for t in state)
        dense = alike and not param.is_complex() and _is_plain(param) and _is_dense(param)
        self._flat = [t if t is None else _flat(t) for t in self._whole] if dense else None
        sliced = param.device.type == "cpu" and param.numel() > SLICE and bool(state)
        self._slice = SLICE if sliced else max(1, param.numel())
        flat = self._flat or []
        self._slices = list(zip(*map(self._cut, flat), strict=True))

    def step(self, motion: Motion, run: Run | None) -> None:
        grad = self._param.grad
        assert grad is not None
        if self._flat is None or grad.stride() != self._stride:
            x, *state = self._whole
            motion(cast(Tensor, x), as_real(grad.resolve_conj()), tuple(state))
            return
        grad = _flat(grad)
        if run is not None:
            x, *state = self._flat
            run(motion, cast(Tensor, x), grad, tuple(state))
        else:
            for (x, *state), g in zip(self._slices, self._cut(grad), strict=True):
                motion(cast(Tensor, x), cast(Tensor, g), tuple(state))

    def _cut(self, tensor: Tensor | None) -> Sequence[Tensor | None]:
        if tensor is None:
            return [None] * -(-self._param.numel() // self._slice)
        return torch.split(tensor, self._slice)


def _pack_counters(entries: Sequence[dict[str, Tensor]], names: Sequence[str]) -> dict[str, Tensor]:
    """Make each counter one tensor of shape (parameters,), with the entries as 0-d views of it."""
    counters = {}
    for name in names:
        counters[name] = torch.stack([entry[name] for entry in entries])
        for entry, view in zip(entries, counters[name].unbind(), strict=True):
            entry[name] = view
    return counters


def movable(params: Iterable[Tensor]) -> set[int]:
    """Return the ids of those of `params` whose memory nobody else looks at.

    Others, such as a view that someone kept, would be left with the old values.
    """
    users: dict[int, list[Tensor]] = {}
    for param in params:
        if _is_plain(param) and param.numel():
            users.setdefault(param.untyped_storage().data_ptr(), []).append(param)
    alone = (group for group in users.values() if _num_users(group[0]) == len(group))
    return {id(param) for group in alone if _are_apart(group) for param in group}


def _are_apart(params: Sequence[Tensor]) -> bool:
    """Whether parameters in one storage are stretches of it that do not overlap."""
    # Memory that torch cannot resize is not its own alone: numpy's, a file's, other processes'.
    if not params[0].untyped_storage().resizable() or not all(p.is_contiguous() for p in params):
        return False
    ends = [0]
    for param in sorted(params, key=Tensor.data_ptr):
        if param.data_ptr() < ends[-1]:
            return False
        ends.append(param.data_ptr() + param.nbytes)
    return True


def _packable(param: Tensor, states: States, names: Sequence[str]) -> bool:
    entries = [states[param][name] for name in names]
    alike = all((s.dtype, s.shape) == (param.dtype, param.shape) for s in entries)
    return alike and not param.is_complex()


def _num_users(tensor: Tensor) -> int:
    """Return how many tensors share the memory of `tensor`, itself included."""
    storage = tensor.untyped_storage()
    return int(torch._C._storage_Use_Count(storage._cdata)) - 1  # `storage` is one more


def as_real(tensor: Tensor) -> Tensor:
    """Return a view of a complex tensor as real and imaginary parts, any other as it is."""
    return torch.view_as_real(tensor) if tensor.is_complex() else tensor


def _is_plain(tensor: Tensor) -> bool:
    """Whether this is ordinary memory, and not a subclass such as DTensor."""
    return type(tensor) in (Tensor, torch.nn.Parameter) and tensor.layout is torch.strided


def _batches(params: Iterable[Tensor], limit: int) -> list[list[Tensor]]:
    """Return the parameters in batches of up to `limit` elements."""
    batches: list[list[Tensor]] = [[]]
    for param in params:
        if sum(map(_room, batches[-1])) + param.numel() > limit:
            batches.append([])
        batches[-1].append(param)
    return batches


def _flat(tensor: Tensor) -> Tensor:
    return tensor.as_strided((tensor.numel(),), (1,))


def _is_dense(tensor: Tensor) -> bool:
    """Whether the elements fill one stretch of memory, in whatever order of dimensions."""
    strides = sorted(
        (stride, size)
        for stride, size in zip(tensor.stride(), tensor.shape, strict=True)
        if size > 1
    )
    expected = 1
    for stride, size in strides:
        if stride != expected:
            return False
        expected *= size
    return tensor.numel() > 0


def _flatten(tensors: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
    total = sum(map(_room, tensors))
    flat = torch.zeros(total, dtype=tensors[0].dtype, device=tensors[0].device)
    views = _views(flat, tensors)
    torch._foreach_copy_(views, list(tensors))
    return flat, views


def _views(flat: Tensor, likes: Sequence[Tensor]) -> list[Tensor]:
    pieces = torch.split(flat, [*map(_room, likes)])
    return [p[: like.numel()].view(like.shape) for p, like in zip(pieces, likes, strict=True)]


def _room(tensor: Tensor) -> int:
    return -(-tensor.numel() // _ALIGNMENT) * _ALIGNMENT


def _same(left: Iterable[Any], right: Sequence[Any]) -> bool:
    found = list(left)
    return len(found) == len(right) and all(map(is_, found, right))
