"""Plans that step many parameters as few flat tensors, for every `execution` except ``loop``.

Small parameters of one group step together. By default they keep their memory, see `gathering`;
with `execution="packed"` they and their state entries become views of buffers, except those whose
memory other tensors share. A large parameter keeps its memory and is stepped in slices that fit
into the processor's cache. Before each step a `Plan` checks that everything it was made from is
still in place, so replaced data, state or gradients are always noticed. `Parameter` objects stay
the same.
"""

from collections.abc import Iterable, Sequence
from operator import attrgetter, is_
from typing import Any, cast

import torch
from torch import Tensor
from torch.autograd.graph import increment_version

from optimizers.counting import Counters
from optimizers.gathering import Gathering, Scratch, gatherable
from optimizers.layout import (
    Names,
    States,
    as_real,
    flat,
    in_batches,
    is_dense,
    is_plain,
    rounds_by_place,
)
from optimizers.motion import Motion, Moved, Run, run_plain

SMALL_ON_CPU = 1 << 16  # elements; measured in docs/performance.md
SMALL_ELSEWHERE = 1 << 20  # below it, launching kernels costs more than copying gradients
GATHERED_ON_CPU = 1 << 14  # elements; smaller, because the state is copied as well
GATHERED_ELSEWHERE = 1 << 17
SCRATCH_ELSEWHERE = 1 << 22  # most elements copied at once; on a CPU the limit is `SLICE`
SLICE = 1 << 17  # elements, so that temporaries stay in cache; see docs/optimizers.md
PACK_ON_CPU = 1 << 20  # most elements in one buffer: saving one layer saves its whole buffer
PACK_ELSEWHERE = 1 << 24
TOGETHER_ON_CPU = 1  # large parameters in one compiled kernel; more take longer to compile
TOGETHER_ELSEWHERE = 32  # each call of a kernel takes as long as a GPU needs for a million elements
_grad_of = attrgetter("grad")
_ALIGNMENT = 16  # elements, so that every view is aligned like a separate tensor


class Plan:
    """The way in which parameters with equal counters, device and dtype step together.

    Args:
        params: Parameters of one group, each with a dense gradient and complete state.
        movable: Ids of the parameters whose memory may change; None if all memory, including that
            of the state, stays in place.
        states: The optimizer's state.
        names: State entries in the order of the rule; None for an argument that gets None.
        counters: Names of the counters, state entries with one number per parameter.
    """

    def __init__(
        self,
        params: Sequence[Tensor],
        movable: set[int] | None,
        states: States,
        names: Names,
        counters: Sequence[str],
    ) -> None:
        self.params = list(params)
        self._entries = [states[p] for p in params if p in states]
        self._states = list(states), list(states.values())
        self.counters = Counters(self._entries, counters, as_views=movable is not None)
        self._names = (*counters, *(name for name in names if name is not None))
        packs = _packed([p for p in params if id(p) in (movable or ())], states, names)
        gatherings = _gathered(_without(packs, self.params), states, names)
        together: list[_Pack | Gathering] = [*packs, *gatherings]
        self._together = [each for each in together if len(each.params) > 1]
        rest = _without(self._together, self.params)
        self._alone = [_Alone(p, states, names) for p in rest]
        on_cpu = self.params[0].device.type == "cpu"
        self._most_in_kernel = TOGETHER_ON_CPU if on_cpu else TOGETHER_ELSEWHERE
        self._places = self._look()

    def holds(self, states: States) -> bool:
        """Return whether data and state of all parameters still lie where the plan left them."""
        try:
            return (
                self._has_entries(states)
                and self.counters.are_untouched()
                and self._look() == self._places
            )
        except (KeyError, TypeError):  # some state is gone or is no longer a tensor
            return False

    def _has_entries(self, states: States) -> bool:
        keys, values = self._states
        if len(states) == len(keys) and all(map(is_, states, keys)):  # hashing tensors takes longer
            return all(map(is_, states.values(), values))
        return _same(map(states.get, self.params), self._entries or [None] * len(self.params))

    def _look(self) -> list[Any]:
        """Return the addresses and layouts of data and state."""
        values = [entry[name] for name in self._names for entry in self._entries]
        return [
            *map(Tensor.data_ptr, self.params),
            *map(Tensor.stride, self.params),
            *map(Tensor.numel, self.params),
            *map(Tensor.data_ptr, values),
        ]

    def step(self, motion: Motion, run: Run | None) -> None:
        """Apply `motion` to all parameters, through `run` if it is given."""
        for together in self._together:
            together.step(motion, run)
        if run is None:
            for alone in self._alone:
                alone.step(motion)
            return
        for each in in_batches(self._alone, self._most_in_kernel, lambda _: 1):
            found = [alone.whole() for alone in each]
            run(motion, [whole for whole in found if whole is not None])
            for alone, whole in zip(each, found, strict=True):
                if whole is None:
                    alone.step(motion)


def _without(found: Iterable["_Pack | Gathering"], params: Iterable[Tensor]) -> list[Tensor]:
    """Return those of `params` that step in none of `found`."""
    done = {id(param) for each in found for param in each.params}
    return [param for param in params if id(param) not in done]


def _packed(params: Sequence[Tensor], states: States, names: Names) -> list["_Pack"]:
    """Move small parameters and their state into buffers, except one that would be alone there."""
    if not params:
        return []
    on_cpu = params[0].device.type == "cpu"
    limit = SMALL_ON_CPU if on_cpu else SMALL_ELSEWHERE
    kept = [name for name in names if name is not None]
    small = [p for p in params if p.numel() <= limit and _packable(p, states, kept)]
    batches = in_batches(small, PACK_ON_CPU if on_cpu else PACK_ELSEWHERE, _room)
    return [_Pack(batch, states, names) for batch in batches if len(batch) > 1]


def _gathered(params: Sequence[Tensor], states: States, names: Names) -> list[Gathering]:
    """Return the common steps of small parameters that keep their memory."""
    if not params:
        return []
    on_cpu = params[0].device.type == "cpu"
    limit = GATHERED_ON_CPU if on_cpu else GATHERED_ELSEWHERE
    small = gatherable([p for p in params if p.numel() <= limit], states, names)
    batches = in_batches(small, SLICE if on_cpu else SCRATCH_ELSEWHERE, Tensor.numel)
    if not batches:
        return []
    scratch = Scratch(max(sum(map(Tensor.numel, batch)) for batch in batches), small[0], names)
    return [Gathering(batch, states, names, scratch) for batch in batches]


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
            buffer, entries = _flatten([states[p][name] for p in params])
            self._state.append(buffer)
            for param, entry in zip(params, entries, strict=True):
                states[param][name] = entry
        self._grad = torch.zeros_like(self._flat)
        self._grads = _views(self._grad, params)
        for param, view in zip(params, views, strict=True):
            param.data = view

    def step(self, motion: Motion, run: Run | None) -> None:
        torch._foreach_copy_(self._grads, list(map(_grad_of, self.params)))
        (run or run_plain)(motion, [(self._flat, self._grad, tuple(self._state))])
        # Autograd then refuses a backward pass through values from before the step.
        increment_version(self.params)


class _Alone:
    """One parameter that keeps its memory, stepped in slices if it is dense and large."""

    def __init__(self, param: Tensor, states: States, names: Names) -> None:
        self._param = param
        state = [None if name is None else states[param][name] for name in names]
        self._whole = [None if t is None else as_real(t) for t in (param.detach(), *state)]
        self._stride = param.stride()
        alike = all(t is None or t.stride() == self._stride for t in state)
        dense = alike and not param.is_complex() and is_plain(param) and is_dense(param)
        self._flat = [t if t is None else flat(t) for t in self._whole] if dense else None
        sliced = param.device.type == "cpu" and param.numel() > SLICE and bool(state)
        sliced = sliced and not rounds_by_place(param)
        self._slice = SLICE if sliced else max(1, param.numel())
        self._slices = list(zip(*map(self._cut, self._flat or []), strict=True))

    def step(self, motion: Motion) -> None:
        grad = self._param.grad
        assert grad is not None
        if self._flat is None or grad.stride() != self._stride:
            x, *state = self._whole
            motion(cast(Tensor, x), as_real(grad.resolve_conj()), tuple(state))
            return
        for (x, *state), g in zip(self._slices, self._cut(flat(grad)), strict=True):
            motion(cast(Tensor, x), cast(Tensor, g), tuple(state))

    def whole(self) -> Moved | None:
        """Return flat tensors, (elements,), for a kernel; None if their layouts differ."""
        grad = self._param.grad
        assert grad is not None
        if self._flat is None or grad.stride() != self._stride:
            return None
        x, *state = self._flat
        return cast(Tensor, x), flat(grad), tuple(state)

    def _cut(self, tensor: Tensor | None) -> Sequence[Tensor | None]:
        if tensor is None:
            return [None] * -(-self._param.numel() // self._slice)
        return torch.split(tensor, self._slice)


def movable(params: Iterable[Tensor]) -> set[int]:
    """Return the ids of those of `params` whose memory no other tensor shares.

    A tensor that shares the memory, such as a view, would be left with the old values.
    """
    users: dict[int, list[Tensor]] = {}
    for param in params:
        if is_plain(param) and param.numel():
            users.setdefault(param.untyped_storage().data_ptr(), []).append(param)
    alone = (group for group in users.values() if _num_users(group[0]) == len(group))
    return {id(param) for group in alone if _are_apart(group) for param in group}


def _are_apart(params: Sequence[Tensor]) -> bool:
    """Return whether parameters in one storage are stretches of it that do not overlap."""
    # Memory that torch cannot resize is shared with numpy, a file or other processes.
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
    return alike and not param.is_complex() and not rounds_by_place(param)


def _num_users(tensor: Tensor) -> int:
    """Return the number of tensors that share the memory of `tensor`, itself included."""
    storage = tensor.untyped_storage()
    return int(torch._C._storage_Use_Count(storage._cdata)) - 1  # `storage` itself counts as one


def _flatten(tensors: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
    total = sum(map(_room, tensors))
    buffer = torch.zeros(total, dtype=tensors[0].dtype, device=tensors[0].device)
    views = _views(buffer, tensors)
    torch._foreach_copy_(views, list(tensors))
    return buffer, views


def _views(buffer: Tensor, likes: Sequence[Tensor]) -> list[Tensor]:
    pieces = torch.split(buffer, [*map(_room, likes)])
    return [p[: like.numel()].view(like.shape) for p, like in zip(pieces, likes, strict=True)]


def _room(tensor: Tensor) -> int:
    return -(-tensor.numel() // _ALIGNMENT) * _ALIGNMENT


def _same(left: Iterable[Any], right: Sequence[Any]) -> bool:
    found = list(left)
    return len(found) == len(right) and all(map(is_, found, right))
