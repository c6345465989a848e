"""K optimizers of one class as one optimizer, which steps K copies of a model together.

The copies of a parameter are the rows of one tensor, (K, *shape), and so are their state entries.
Each member computes its own scalars as it would alone, as Python floats; the rule then runs once on
all rows with a column for each scalar. All operations are elementwise and the same for any number
of rows, so a member's bits do not depend on its company. A rule that needs a parameter whole runs
on one row after the other. docs/optimizers.md has the use.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cache, partial
from itertools import groupby, pairwise
from operator import attrgetter, is_
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter
from torch.optim import Optimizer

from optimizers.base import Group, PaperOptimizer, State
from optimizers.columns import columns, pairs
from optimizers.execution import is_compiled
from optimizers.hooks import with_hooks_on_demand
from optimizers.layout import Names, as_real
from optimizers.motion import Motion
from optimizers.rows import Move, laid_out_gradient, pieces, step_one_by_one
from optimizers.state import copied

NamesByKind = dict[tuple[int, bool], list[Names]]

_state_of = attrgetter("state")
_form_of = attrgetter("form")


def stack(optimizers: Iterable[PaperOptimizer]) -> "Stacked":
    """Return one optimizer that steps the parameters of K `optimizers` as rows of stacked ones.

    The optimizers may have taken steps. Their parameters, each in its place the same shape, become
    views of the rows, so that the models that own them stay usable.

    Raises:
        ValueError: the optimizers differ in class, groups, shapes or types, or a hyperparameter is
            a tensor.
    """
    members = tuple(optimizers)
    _check(members)
    groups = [
        [
            Parameter(torch.stack([copy.detach() for copy in copies]), copies[0].requires_grad)
            for copies in zip(*(group["params"] for group in groups), strict=True)
        ]
        for groups in zip(*(member.param_groups for member in members), strict=True)
    ]
    return Stacked(members, groups)


def stack_of(
    cls: Callable[..., PaperOptimizer], params: Iterable[Parameter], **hyperparameters: Any
) -> "Stacked":
    """Return a stack of K optimizers of class `cls` over stacked parameters.

    Args:
        cls: One of our classes, such as `optimizers.Adam`.
        params: Parameters of shape (K, *shape).
        hyperparameters: Arguments of `cls`; a tensor of shape (K,), also in a tuple, has one value
            for each member. Give it 64 bits so that the values keep their digits.

    Raises:
        ValueError: a value is out of its bounds, or sizes differ.
    """
    stacked = list(params)
    sizes = {len(param) if param.ndim else 0 for param in stacked}
    if len(sizes) != 1 or 0 in sizes:
        raise ValueError(f"expected parameters of shape (K, *shape) with one K, got K in {sizes}")
    members = [
        cls(
            [Parameter(param.detach()[k]) for param in stacked],
            **{name: _value_of(k, max(sizes), name, v) for name, v in hyperparameters.items()},
        )
        for k in range(max(sizes))
    ]
    _check(members)
    return Stacked(members, [stacked])


class Stacked(Optimizer):
    """K optimizers of one class that step stacked parameters together; `stack` makes it.

    `param_groups` has the stacked parameters alone. Hyperparameters are in the `param_groups` of
    the members, which are read before each step, so a schedule sets ``lr`` there. The state of a
    member is a view of the stacked state.

    Args:
        members: K optimizers.
        groups: The stacked parameters, (K, *shape), of each group.

    Attributes:
        members: The optimizers, in the order of the rows.
    """

    def __init__(
        self, members: Sequence[PaperOptimizer], groups: Sequence[Sequence[Parameter]]
    ) -> None:
        self.members = tuple(members)
        self._frozen: set[int] = set()
        self._whole: set[Tensor] = set()  # stacked parameters of which each row has a whole rule
        super().__init__([{"params": list(group)} for group in groups], {})
        self._join()

    @property
    def frozen(self) -> frozenset[int]:
        """The members that no longer move."""
        return frozenset(self._frozen)

    def freeze(self, member: int) -> None:
        """Let a member keep its parameters and state as they are from now on.

        Raises:
            IndexError: there is no such member.
        """
        self._frozen.add(range(len(self.members))[member])

    def member_state_dict(self, member: int) -> dict[str, Any]:
        """Return a copy of the state dict of one member, as its optimizer would have it alone."""
        found = self.members[member].state_dict()
        return {**found, "state": copied(found["state"])}

    def state_dict(self) -> dict[str, Any]:
        """Return a copy of the state dicts of all members, and the frozen ones."""
        dicts = [self.member_state_dict(k) for k in range(len(self.members))]
        return {"members": dicts, "frozen": sorted(self._frozen)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load the state dict of a stack of as many members.

        Raises:
            ValueError: the number of members differs, or one refuses its state dict.
        """
        dicts = state_dict["members"]
        if len(dicts) != len(self.members):
            raise ValueError(f"expected {len(self.members)} members, got {len(dicts)}")
        for member, own in zip(self.members, dicts, strict=True):
            member.load_state_dict(own)
        self._frozen = set(state_dict["frozen"])

    def add_param_group(self, param_group: Group) -> None:
        """Refuse a group that the members do not have.

        Raises:
            ValueError: always, once the stack is made.
        """
        if len(self.param_groups) == len(self.members[0].param_groups):
            raise ValueError(
                "a stack has the groups of its members; add groups to them, then stack"
            )
        super().add_param_group(param_group)

    @with_hooks_on_demand
    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one step with all members that are not frozen.

        Args:
            closure: Reevaluates the models and returns the loss, which is returned.

        Raises:
            RuntimeError: a gradient is sparse.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        names = self._names()
        if not self._is_joined(names):
            self._join()
        for index, group in enumerate(self.param_groups):
            alike: dict[Any, list[Tensor]] = {}
            for param in group["params"]:
                if param.grad is not None:
                    numbers = (c.tolist() for c in self._counters(param).values())
                    kind = param in self._whole, param.device, param.dtype, *map(tuple, numbers)
                    alike.setdefault(kind, []).append(param)
            for (whole, *_), params in alike.items():
                self._step_alike(index, names[index, whole], params, whole=whole)
        return loss

    def _step_alike(
        self, index: int, names: Sequence[Names], params: Sequence[Tensor], *, whole: bool
    ) -> None:
        """Step parameters of one group, kind of rule, device and type with equal counters."""
        groups = [member.param_groups[index] for member in self.members]
        counters = self._counters(params[0])
        spans = self._spans()
        self._count(groups, counters, spans)
        for param in params[1:]:
            for name, values in self._counters(param).items():
                values.copy_(counters[name])
        numbers = {name: values.tolist() for name, values in counters.items()}
        for span in spans:
            moves = [
                Move.of(
                    names[k],
                    self.members[k].motion(
                        groups[k], {n: own[k] for n, own in numbers.items()}, whole=whole
                    ),
                )
                for k in span
            ]
            begin = span.start
            for _, run in groupby(moves, _form_of):
                own = list(run)
                rows = slice(begin, begin + len(own))
                self._step_rows(rows, own, params, whole=whole)
                begin = rows.stop

    def _step_rows(
        self, rows: slice, moves: Sequence[Move], params: Sequence[Tensor], *, whole: bool
    ) -> None:
        """Step `rows` of parameters of one device and type by `moves` of one form."""
        like, first = params[0], moves[0]
        places = first.places
        numbers = [[move.values[place] for place in places] for move in moves]
        table = torch.tensor(numbers, dtype=torch.float64, device="cpu")
        scalars = pairs(table, like.dtype.to_real()).to(like.device)
        of_all_rows = cache(partial(_with_columns, first, scalars))  # by number of dimensions
        for param in params:
            entries = self.state.get(param, {})
            state = [None if name is None else entries[name] for name in first.names]
            found = (param.detach(), laid_out_gradient(param), *state)
            if whole:
                step_one_by_one(moves, [None if each is None else each[rows] for each in found])
                continue
            tensors = [None if each is None else as_real(each)[rows] for each in found]
            if like.dtype.to_real().itemsize < 4:  # a float has more digits than a column would
                step_one_by_one(moves, tensors)
                continue
            for (x, g, *own), part in pieces(tensors, scalars):
                assert x is not None
                assert g is not None
                motion = of_all_rows if part is scalars else partial(_with_columns, first, part)
                motion(x.ndim)(x, g, tuple(own))

    def _count(self, groups: Sequence[Group], counters: State, spans: Sequence[range]) -> None:
        """Advance the counters, (K,), of the members in `spans`."""
        if not counters:
            return
        together = type(self.members[0]).count is PaperOptimizer.count  # no hyperparameter in it
        for span in spans:
            if together:
                self.members[0].count(groups[0], {n: c[_rows(span)] for n, c in counters.items()})
                continue
            for k in span:
                self.members[k].count(groups[k], {n: c[k] for n, c in counters.items()})

    def _spans(self) -> list[range]:
        """Return the members that move, as ranges without a frozen one between."""
        ends = [-1, *sorted(self._frozen), len(self.members)]
        spans = (range(a + 1, b) for a, b in pairwise(ends))
        return [span for span in spans if span]

    def _counters(self, param: Tensor) -> State:
        entries = self.state.get(param, {})
        return {name: entries[name] for name in self._counters_of(param)}

    def _counters_of(self, param: Tensor) -> Sequence[str]:
        return () if param in self._whole else self.members[0].counters

    def _is_joined(self, names: NamesByKind) -> bool:
        """Return whether rows and state are still those that the stack was made of."""
        return (
            self._look() == self._looks
            and all(map(is_, map(_state_of, self.members), self._states))
            and names == self._joined_names
        )

    def _look(self) -> list[int]:
        return [param.data_ptr() for group in self.param_groups for param in group["params"]]

    def _names(self) -> NamesByKind:
        """Return the names of each member's state entries, by group and whether they are whole."""
        kinds = [
            (index, param in self._whole)
            for index, group in enumerate(self.param_groups)
            for param in group["params"]
        ]
        return {
            (index, whole): [
                tuple(member.state_names(member.param_groups[index], whole=whole))
                for member in self.members
            ]
            for index, whole in dict.fromkeys(kinds)
        }

    @torch.no_grad()
    def _join(self) -> None:
        """Make the members' parameters and state views of stacked ones."""
        for index, group in enumerate(self.param_groups):
            for place, param in enumerate(group["params"]):
                self._join_param(param, index, place)
        self._looks, self._joined_names = self._look(), self._names()
        self._states = list(map(_state_of, self.members))

    def _join_param(self, param: Tensor, index: int, place: int) -> None:
        copies = [member.param_groups[index]["params"][place] for member in self.members]
        states = []
        for k, (member, copy) in enumerate(zip(self.members, copies, strict=True)):
            copy.data = param.detach()[k]
            states.append(member.begin(copy, member.param_groups[index]))
        whole = self.members[0].is_whole(copies[0])
        (self._whole.add if whole else self._whole.discard)(param)
        counters = self._counters_of(param)
        groups = [member.param_groups[index] for member in self.members]
        named = [
            m.state_names(group, whole=whole) for m, group in zip(self.members, groups, strict=True)
        ]
        for name in dict.fromkeys([*counters, *(n for own in named for n in own if n is not None)]):
            found = [own.get(name) for own in states]
            first = next(each for each in found if each is not None)
            if name in counters:
                stacked = first.new_zeros(len(found))
            else:
                stacked = torch.zeros_like(param.detach(), dtype=first.dtype)
            for row, own, value in zip(stacked, states, found, strict=True):
                if value is not None:
                    row.copy_(value)
                    own[name] = row
            self.state[param][name] = stacked

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "members": self.members, "_frozen": self._frozen}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._whole = set()
        self._join()


def _with_columns(move: Move, scalars: Tensor, ndim: int) -> Motion:
    return move.with_columns(columns(scalars, ndim))


def _rows(span: range) -> slice:
    return slice(span.start, span.stop)


def _value_of(member: int, size: int, name: str, value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_value_of(member, size, name, each) for each in value)
    if not isinstance(value, Tensor):
        return value
    if value.shape != (size,):
        raise ValueError(
            f"{name}: expected a number or a tensor of shape ({size},) with one value for each "
            f"member, got shape {tuple(value.shape)}"
        )
    return value[member].item()


def _check(members: Sequence[PaperOptimizer]) -> None:
    if not members:
        raise ValueError("expected at least one optimizer to stack, got none")
    for k, member in enumerate(members):
        if not isinstance(member, PaperOptimizer):
            raise ValueError(
                f"only optimizers of this package can be stacked; member {k} is a "
                f"{type(member).__name__}, which must step its own copy"
            )
        _check_like(members[0], member, k)
    params = [param for member in members for param in _params(member)]
    if len(set(map(id, params))) < len(params):
        raise ValueError("each optimizer needs parameters of its own; two share a parameter")


def _check_like(first: PaperOptimizer, member: PaperOptimizer, k: int) -> None:
    if type(member) is not type(first):
        raise ValueError(
            f"expected optimizers of one class, got {type(first).__name__} and, as member {k}, "
            f"{type(member).__name__}"
        )
    if _looks(member) != _looks(first):
        raise ValueError(
            f"expected parameters of equal shapes, types and devices in equal groups; member {k} "
            f"differs from member 0"
        )
    if is_compiled(member.execution):
        raise ValueError(
            f"member {k} has execution {member.execution!r}, which a stack cannot keep"
        )
    for group in member.param_groups:
        for name in member.bounds:
            value = group[name]
            if any(isinstance(v, Tensor) for v in (value if isinstance(value, tuple) else [value])):
                raise ValueError(f"member {k}: expected {name} as a number, got a tensor")


def _params(optimizer: PaperOptimizer) -> list[Tensor]:
    return [param for group in optimizer.param_groups for param in group["params"]]


def _looks(optimizer: PaperOptimizer) -> list[Any]:
    return [
        [(param.shape, param.dtype, param.device) for param in group["params"]]
        for group in optimizer.param_groups
    ]
