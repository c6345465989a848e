"""The base class of all optimizers in this package: everything except the update rule.

A subclass gives its hyperparameters with their `Bound`s, its pure rule, and the state and scalars
of a step under the names of the rule's arguments. This module, `packing` and `compiling` do the
rest: parameter groups, closures, `maximize`, weight decay, complex and sparse gradients, checks,
state dicts that torch's own classes read and write, and the ways to execute the rule. A rule works
on each element by itself; one that needs a parameter whole, such as a matrix, is a `whole_rule`.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any, ClassVar, get_args

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor
from torch.optim import Optimizer

from optimizers.bounds import Bound, check_choice
from optimizers.compiling import run_compiled
from optimizers.errors import CompilerError
from optimizers.execution import Execution, is_compiled
from optimizers.hooks import with_hooks_on_demand
from optimizers.layout import Names, as_real
from optimizers.motion import Motion, Rule, RuleArguments, Scalar
from optimizers.packing import Plan, movable
from optimizers.pick import near
from optimizers.planning import Memory
from optimizers.registry import OPTIMIZERS
from optimizers.sparse import move_rows
from optimizers.state import copied

__all__ = ["Bound", "Execution", "Group", "PaperOptimizer", "Scalar", "State", "zeros"]

State = dict[str, Tensor]
Group = dict[str, Any]


_is_sparse = attrgetter("is_sparse")
# Without the decorator that keeps torch.compile out, whose first call takes seconds to import the
# compiler. Nothing but torch's own class comes after `PaperOptimizer` in the order of classes.
_add_param_group = inspect.unwrap(Optimizer.add_param_group)


class PaperOptimizer(Optimizer):
    """Base class of the optimizers; subclasses give `bounds`, `rule`, `entries` and `scalars`.

    A subclass may also set `flags`, the names of its boolean arguments, `choices`, the values of
    those that are one of a few, and `fixed`: the hyperparameters that torch's class has and ours
    does not vary, such as `nesterov=False`. These are stored in every parameter group so that torch
    can load our state dicts; a group or state dict with any other value is refused.

    A subclass whose `is_whole` holds for some parameters has a second rule for these, `whole_rule`,
    with `whole_entries` and `whole_scalars`. It has no counters, and steps one parameter after the
    other, each in its own shape and type, in every `execution` and in every stack.

    Args:
        params: Parameters or groups of them, as `torch.optim.Optimizer` takes them.
        hyperparameters: Values for every group that does not give its own.
        execution: ``auto`` runs the rule on small parameters together and leaves all memory where
            it is, see `gathering`; ``packed`` moves small parameters and their state into few flat
            tensors, which is faster, see `packing`; ``compiled`` and ``packed-compiled`` are these
            two through one compiled kernel, see `compiling`; ``loop`` steps one parameter after
            the other and is the reference that the other ways are tested against.

    Raises:
        ValueError: a hyperparameter is out of its bounds.
    """

    bounds: ClassVar[dict[str, Bound]] = {}
    flags: ClassVar[tuple[str, ...]] = ("maximize",)
    choices: ClassVar[dict[str, tuple[str | None, ...]]] = {}
    fixed: ClassVar[dict[str, Any]] = {}
    counters: ClassVar[tuple[str, ...]] = ("step",)  # state entries that are one number each
    rule: ClassVar[Rule]
    rule_arguments: ClassVar[RuleArguments]
    whole_rule: ClassVar[Rule]
    whole_arguments: ClassVar[RuleArguments]
    decoupled: ClassVar[bool] = False  # weight decay shrinks θ instead of adding to the gradient
    takes_sparse: ClassVar[bool] = False  # the rule changes nothing where a gradient is zero

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if hasattr(cls, "rule"):
            cls.rule_arguments = RuleArguments.of(cls.rule)
        if hasattr(cls, "whole_rule"):
            cls.whole_arguments = RuleArguments.of(cls.whole_rule)

    def __init__(
        self, params: Iterable[Any], hyperparameters: Group, execution: Execution = "auto"
    ) -> None:
        if execution not in get_args(Execution):
            known = ", ".join(get_args(Execution))
            raise ValueError(
                f"{type(self).__name__}: expected execution to be one of {known}, got {execution!r}"
            )
        self.execution: Execution = execution
        self._memory: dict[int, Memory] = {}
        super().__init__(params, hyperparameters)

    def add_param_group(self, param_group: Group) -> None:
        """Check the hyperparameters of a group and add it.

        Raises:
            ValueError: a value is out of bounds, or a name looks like a misspelt hyperparameter.
        """
        for name in param_group.keys() - self.defaults.keys() - self.fixed.keys() - {"params"}:
            if hint := near(name, self.defaults):
                raise ValueError(f"{type(self).__name__}: a group has {name!r}.{hint}")
        self._check(self.defaults | param_group)
        _add_param_group(self, self.fixed | param_group)

    def entries(self, group: Group) -> Mapping[str, str | None]:
        """Map each state argument of the rule to a state entry; None passes None to the rule.

        The arguments of a rule are its parameter, its gradient, its state and its scalars, in this
        order. State and scalars are given by name, so only the rule itself fixes their order.
        """
        return {}

    def is_whole(self, param: Tensor) -> bool:
        """Return whether `whole_rule` steps `param`, which it sees in its own shape and type."""
        return False

    def whole_entries(self, group: Group) -> Mapping[str, str | None]:
        """Map each state argument of the whole rule to a state entry, as `entries` does."""
        return {}

    def whole_scalars(self, group: Group) -> Mapping[str, Scalar]:
        """Return the scalars of the whole rule by argument name."""
        raise NotImplementedError

    def state_names(self, group: Group, *, whole: bool = False) -> Names:
        """Return the state entries in the order of the rule's, or the whole rule's, arguments."""
        if whole:
            return self.whole_arguments.order_state(self.whole_entries(group))
        return self.rule_arguments.order_state(self.entries(group))

    def initial(self, name: str, param: Tensor, group: Group) -> Tensor:
        """Return the initial value of state entry `name`, with the shape and layout of `param`."""
        return zeros(param)

    def scalars(self, group: Group, counters: Mapping[str, float]) -> Mapping[str, Scalar]:
        """Return the scalars of the rule by argument name, for a step with these counters."""
        raise NotImplementedError

    def count(self, group: Group, counters: State) -> None:
        """Advance counters in place by one step; they are tensors of one common shape."""
        counters["step"] += 1

    def motion(self, group: Group, counters: Mapping[str, float], *, whole: bool = False) -> Motion:
        """Return one step of the rule, or of the whole rule; counters are advanced for it."""
        if whole:
            scalars = self.whole_arguments.order_scalars(self.whole_scalars(group))
        else:
            scalars = self.rule_arguments.order_scalars(self.scalars(group, counters))
        decay = group["weight_decay"]
        decays = isinstance(decay, Tensor) or decay != 0
        return Motion(
            rule=self.whole_rule if whole else self.rule,
            scalars=scalars,
            maximize=group["maximize"],
            l2=decay if decays and not self.decoupled else None,
            keep=1 - group["lr"] * decay if decays and self.decoupled else None,
        )

    @with_hooks_on_demand
    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one step.

        Args:
            closure: Reevaluates the model and returns the loss, which is returned.

        Raises:
            RuntimeError: a gradient is sparse and the rule does not support it.
            CompilerError: a kernel was asked for, and there is no compiler that works.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for index, group in enumerate(self.param_groups):
            found = [(p, p.grad) for p in group["params"] if p.grad is not None]
            if found:
                params, grads = zip(*found, strict=True)
                self._step_group(index, group, params, any(map(_is_sparse, grads)))
        return loss

    def _step_group(
        self, index: int, group: Group, params: Sequence[Tensor], has_sparse: bool
    ) -> None:
        group = _with_scalars_0d(group)
        if hasattr(self, "whole_rule"):
            self._loop(group, filter(self.is_whole, params))
            params = [param for param in params if not self.is_whole(param)]
        loops = self.execution == "loop" or has_sparse or torch.compiler.is_compiling()
        if loops or not _have_addresses(params):
            self._loop(group, params)
            return
        memory = self._memory.setdefault(index, Memory())
        names = tuple(self.state_names(group))
        memory.look(params, names, self.state)
        # A kernel may round differently from the loop, so in compiled mode it takes every step.
        if memory.plans is None and (memory.steady or is_compiled(self.execution)):
            memory.plans = self._plan(group, params, names)
        if memory.plans is None:
            self._loop(group, params)
        else:
            self._step_plans(group, memory.plans)

    def _loop(self, group: Group, params: Iterable[Tensor]) -> None:
        for param in params:
            self._step_one(param, group)

    def _step_one(self, param: Tensor, group: Group) -> None:
        whole = self.is_whole(param)
        seen = _as_it_is if whole else as_real
        state = self.begin(param, group)
        counters = {} if whole else {name: state[name] for name in self.counters}
        if counters:
            self.count(group, counters)
        numbers = {name: value.item() for name, value in counters.items()}
        motion = self.motion(group, numbers, whole=whole)
        names = self.state_names(group, whole=whole)
        entries = tuple(None if name is None else seen(state[name]) for name in names)
        grad = param.grad
        assert grad is not None
        if grad.is_sparse:
            self._check_sparse(group)
            move_rows(motion, param, grad, entries)
        else:
            motion(seen(param), seen(grad.resolve_conj()), entries)

    def _step_plans(self, group: Group, plans: Sequence[Plan]) -> None:
        run = run_compiled if is_compiled(self.execution) else None
        for plan in plans:
            counters = plan.counters.values
            if counters:
                self.count(group, counters)
                plan.counters.spread()
            motion = self.motion(group, {k: v[0].item() for k, v in counters.items()})
            try:
                plan.step(motion, run)
            except CompilerError as error:
                raise CompilerError(
                    f"{type(self).__name__}: execution {self.execution!r} needs a compiler that "
                    f"works: g++ or clang, and Triton too on a GPU. Install it, or leave execution "
                    f"out. {error}"
                ) from error

    def _plan(self, group: Group, params: Iterable[Tensor], names: Names) -> list[Plan]:
        alike: dict[Any, list[Tensor]] = {}
        for param in params:
            state = self.begin(param, group)
            numbers = tuple((state[name].item(), state[name].dtype) for name in self.counters)
            alike.setdefault((param.device, param.dtype, numbers), []).append(param)
        free = movable(group["params"]) if self.execution.startswith("packed") else None
        return [Plan(each, free, self.state, names, self.counters) for each in alike.values()]

    def begin(self, param: Tensor, group: Group) -> State:
        """Return the state of `param` after initialising the entries that it lacks."""
        whole = self.is_whole(param)
        counters = () if whole else self.counters
        names = [name for name in self.state_names(group, whole=whole) if name is not None]
        if not names and not counters:  # torch keeps no entry for a stateless parameter
            return {}
        state: State = self.state[param]
        for name in counters:
            if state.get(name) is None:
                state[name] = self.initial_counter(name)
        for name in names:
            if state.get(name) is None:
                state[name] = self.initial(name, param, group)
        return state

    def initial_counter(self, name: str) -> Tensor:
        """Return the initial value of counter `name`, a 0-d tensor."""
        # Under FakeTensorMode only tensors made from constants have a value.
        return torch.tensor(0.0, dtype=_counter_dtype(), device="cpu")

    def _check_sparse(self, group: Group) -> None:
        name = type(self).__name__
        if not self.takes_sparse:
            others = ", ".join(row.class_name for row in OPTIMIZERS.values() if row.takes_sparse)
            raise RuntimeError(
                f"{name} does not take sparse gradients; give the embedding sparse=False, or use "
                f"{others} or torch.optim.SparseAdam"
            )
        for setting in ("weight_decay", "momentum"):
            if setting in group and bool(group[setting] != 0):
                raise RuntimeError(
                    f"{name}: {setting} does not go with sparse gradients; set it to 0"
                )

    def _check(self, group: Group) -> None:
        owner = type(self).__name__
        for name, bound in self.bounds.items():
            bound.check(owner, name, group[name])
        for name in self.flags:
            if not isinstance(group[name], bool):
                raise ValueError(f"{owner}: expected {name} to be a bool, got {group[name]!r}")
        self._check_fixed(group)

    def _check_fixed(self, group: Group) -> None:
        owner = type(self).__name__
        for name, known in self.choices.items():
            check_choice(owner, name, known, group.get(name, known[0]))
        for name, value in self.fixed.items():
            if group.get(name, value) != value:
                raise ValueError(f"{owner}: {name} is always {value!r}, got {group[name]!r}")

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load a copy of the state of this class, or of torch's class of the same rule.

        Raises:
            ValueError: the state dict belongs to a variant with another rule, or to other
                parameters.
        """
        for group in state_dict["param_groups"]:
            self._check_fixed(group)
        super().load_state_dict(self._completed(state_dict))
        self._keep_types(state_dict)
        for key, entries in self.state.items():  # torch keeps the loaded tensors themselves
            self.state[key] = copied(entries)

    def _completed(self, state_dict: dict[str, Any]) -> dict[str, Any]:
        """Add our values of hyperparameters that torch's class lacks to `state_dict`."""
        own = (*self.bounds, *self.flags, *self.choices)
        groups = [
            {**{name: mine[name] for name in own if name in mine}, **saved}
            for mine, saved in zip(self.param_groups, state_dict["param_groups"], strict=False)
        ]
        rest = state_dict["param_groups"][len(groups) :]  # torch refuses a wrong number of groups
        return {**state_dict, "param_groups": [*groups, *rest]}

    def _keep_types(self, state_dict: dict[str, Any]) -> None:
        # torch casts every entry except `step` to the parameter's type, which would spoil a product
        # in 16 bits, and it treats a string as a list.
        saved = [key for group in state_dict["param_groups"] for key in group["params"]]
        ours = [param for group in self.param_groups for param in group["params"]]
        for key, param in zip(saved, ours, strict=True):
            for name, value in state_dict["state"].get(key, {}).items():
                if name in self.counters and isinstance(value, Tensor):
                    self.state[param][name] = self.state[param][name].to(value.dtype)
                elif isinstance(value, (str, bytes)):
                    self.state[param][name] = value

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "execution": self.execution}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self.__dict__.setdefault("execution", "auto")
        self._memory = {}
        # A state dict saved before a hyperparameter was added gets the present default.
        arguments = inspect.signature(type(self)).parameters
        own = (*self.bounds, *self.flags, *self.choices)
        known = [name for name in own if name in arguments]
        now = {name: arguments[name].default for name in known}
        for group in self.param_groups:
            for name, default in (now | self.fixed).items():
                group.setdefault(name, default)
        for each in self.state.values():  # older versions of torch kept counters as numbers
            for name in self.counters:
                if isinstance(each.get(name), (int, float)):
                    each[name] = self.initial_counter(name).fill_(each[name])


def zeros(param: Tensor) -> Tensor:
    """Return zeros with the memory layout of `param`."""
    return torch.zeros_like(param, memory_format=torch.preserve_format)


def _as_it_is(tensor: Tensor) -> Tensor:
    return tensor


def _with_scalars_0d(group: Group) -> Group:
    # A learning rate of shape [1] would not broadcast into a 0-d parameter.
    return {name: value if name == "params" else _as_0d(value) for name, value in group.items()}


def _as_0d(value: Any) -> Any:
    if isinstance(value, (tuple, list)):
        return type(value)(map(_as_0d, value))
    return value.reshape(()) if isinstance(value, Tensor) and value.numel() == 1 else value


def _have_addresses(params: Iterable[Tensor]) -> bool:
    """Return whether these are tensors with memory; a FakeTensor has none."""
    return not any(issubclass(kind, FakeTensor) for kind in set(map(type, params)))


def _counter_dtype() -> torch.dtype:
    # torch uses the same dtypes; 32 bits count exactly up to 16 million.
    is_double = torch.get_default_dtype() == torch.float64
    return torch.float64 if is_double else torch.float32
