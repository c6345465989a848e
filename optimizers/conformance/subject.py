"""The optimizer under check: its construction, its inputs and its requirements."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor
from torch.nn import Parameter
from torch.optim import Optimizer

from optimizers.contract import switch_to_training

Factory = Callable[..., Optimizer]
Shape = tuple[int, ...]


class NotApplicable(Exception):  # noqa: N818  (it is a verdict, not an error of the program)
    """The property has no meaning for this optimizer; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """An optimizer under check.

    Args:
        factory: Function that builds it from parameters or groups.
        bare: Factory that accepts parameters in every form that torch.optim takes, or None.
        shapes: Shapes of parameters that it accepts.
        keywords: Hyperparameters that the factory takes by keyword; the checks vary others in the
            parameter group.
        defaults: Hyperparameters of its groups.
        takes_closure: The step takes a closure.
        needs_closure: The step requires a closure.
        gradients_first: Gradients must exist before the step calls the closure.
        needs_graph: Gradients need a graph, for second derivatives.
        needs_sparse: Only sparse gradients are accepted.
        dtype: Floating type of parameters in most checks.
        averages: ``train()`` and ``eval()`` switch between two sets of weights.
        start: Number of steps before every parameter that moves at all has moved.
        rounding: Effect of another order of operations, relative to values above 1.
        is_coupled: The step of one parameter depends on the gradients of others.
        is_elementwise: The step of one element depends only on its own gradients.
        is_random: Repeating a step gives another result.
    """

    factory: Factory
    bare: Factory | None
    shapes: tuple[Shape, ...]
    keywords: frozenset[str]
    defaults: dict[str, Any]
    takes_closure: bool
    needs_closure: bool
    gradients_first: bool = False
    needs_graph: bool = False
    needs_sparse: bool = False
    dtype: torch.dtype = torch.float64
    averages: bool = False
    start: int = 0
    rounding: float = 1e-12
    is_coupled: bool = False
    is_elementwise: bool = False
    is_random: bool = False
    _given: "WeakKeyDictionary[Optimizer, list[Parameter]]" = field(
        default_factory=WeakKeyDictionary, init=False, repr=False
    )

    def has(self, name: str) -> bool:
        """Return whether a hyperparameter of that name exists."""
        return name in self.keywords or name in self.defaults

    def only_known(self, **values: Any) -> dict[str, Any]:
        """Return those of `values` that name a hyperparameter."""
        return {name: value for name, value in values.items() if self.has(name)}

    def build(self, params: Iterable[Any], **values: Any) -> Optimizer:
        """Return the optimizer over `params` with these hyperparameters, ready to train.

        Raises:
            NotApplicable: it has no hyperparameter of this name.
        """
        missing = [name for name in values if not self.has(name)]
        if missing:
            raise NotApplicable(f"it has no {' and no '.join(missing)}")
        keywords = {name: values[name] for name in values if name in self.keywords}
        own = {name: values[name] for name in values if name not in keywords}
        listed = list(params)
        return self.ready([{"params": listed} | own] if own else listed, **keywords)

    def ready(
        self, params: Iterable[Any], *, by: Factory | None = None, **keywords: Any
    ) -> Optimizer:
        """Return the optimizer that the factory or `by` builds, ready to train.

        Args:
            params: Parameters or groups, passed on unchanged.
            by: Factory to use instead.
            keywords: Hyperparameters, passed on unchanged.
        """
        given = list(params)
        form = iter(given) if isinstance(params, Iterator) else given
        optimizer = (by or self.factory)(form, **keywords)
        self._given[optimizer] = _flat(given)
        switch_to_training(optimizer)
        return optimizer

    def params_of(self, optimizer: Optimizer) -> list[Parameter]:
        """Return its parameters in the order in which they were given, later additions last.

        Its groups may have another order: some optimizers sort parameters by their kind.
        """
        places = {id(param): i for i, param in enumerate(self._given.get(optimizer, []))}
        return sorted(params_of(optimizer), key=lambda p: places.get(id(p), len(places)))

    def follow(self, copy: Optimizer, original: Optimizer) -> None:
        """Give the parameters of `copy` the order of those of `original`."""
        twins = dict(zip(map(id, params_of(original)), params_of(copy), strict=True))
        self._given[copy] = [twins[id(param)] for param in self.params_of(original)]

    def span(self, steps: int) -> range:
        """Return the indices of this many steps, after those in which it does not move yet."""
        return range(self.start + steps)

    def parameters(self, dtype: torch.dtype | None = None) -> list[Parameter]:
        """Return random parameters, equal in every call."""
        return [Parameter(t) for t in draw(self.shapes, seed=-1, dtype=dtype or self.dtype)]

    def drawn(self, shapes: Iterable[Shape], *, seed: int) -> list[Tensor]:
        """Return standard normal tensors of these shapes, of the type of its parameters."""
        return draw(shapes, seed=seed, dtype=self.dtype)

    def gradients(self, step: int, dtype: torch.dtype | None = None) -> list[Tensor]:
        """Return random gradients for `parameters`, equal in every call with the same `step`."""
        return draw(self.shapes, seed=step, dtype=dtype or self.dtype)

    def put(self, params: Sequence[Tensor], grads: Sequence[Tensor | None]) -> None:
        """Give each parameter a copy of its gradient in the form that the optimizer needs."""
        for param, grad in zip(params, grads, strict=True):
            param.grad = None
            if grad is not None:
                param.grad = self._formed(param, grad)

    def backward(self, loss: Tensor, params: Sequence[Tensor]) -> None:
        """Do what ``loss.backward()`` does, in the form that the optimizer needs."""
        loss.backward(create_graph=self.needs_graph)  # type: ignore[no-untyped-call]
        if self.needs_sparse:
            self.put(params, [param.grad for param in params])

    def step(self, optimizer: Optimizer, grads: Sequence[Tensor | None]) -> None:
        """Take one step with copies of these gradients; None leaves a parameter without one."""
        params = self.params_of(optimizer)

        def closure() -> Tensor:
            with torch.enable_grad():
                self.put(params, grads)
            products = [_inner(p, g) for p, g in zip(params, grads, strict=True) if g is not None]
            return torch.stack(products).sum()

        self.step_with(optimizer, closure)

    def step_with(self, optimizer: Optimizer, closure: Callable[[], Tensor]) -> None:
        """Take one step with a `closure` that computes gradients and returns a loss."""
        if not self.needs_closure:
            closure()
            optimizer.step()
            return
        for param in params_of(optimizer):
            param.grad = None
        if self.gradients_first:
            closure()
        optimizer.step(closure)  # type: ignore[arg-type]  # torch wants floats

    def run(
        self, params: Iterable[Any], steps: Iterable[int] | None = None, **values: Any
    ) -> Optimizer:
        """Return the optimizer after these steps on `params`, which are like `parameters()`."""
        optimizer = self.build(params, **values)
        for step in self.span(4) if steps is None else steps:
            self.step(optimizer, self.gradients(step))
        return optimizer

    def _formed(self, param: Tensor, grad: Tensor) -> Tensor:
        if self.needs_graph:
            loss = (param * grad).sum().real + ((param - param.detach()) ** 2).sum().real / 2
            return torch.autograd.grad(loss, param, create_graph=True)[0]
        if self.needs_sparse and not grad.is_sparse and grad.dim():
            return grad.detach().to_sparse(1)
        return grad.detach().clone()


def params_of(optimizer: Optimizer) -> list[Parameter]:
    """Return the parameters of all groups."""
    return [param for group in optimizer.param_groups for param in group["params"]]


def _flat(given: Iterable[Any]) -> list[Parameter]:
    """Return the parameters in a list of them, of groups, or of pairs of name and parameter."""
    found = []
    for each in given:
        if isinstance(each, dict):
            inner = each["params"]
            found += _flat([inner] if isinstance(inner, Tensor) else inner)
        else:
            found.append(each[1] if isinstance(each, tuple) else each)
    return found


def draw(shapes: Iterable[Shape], *, seed: int, dtype: torch.dtype = torch.float64) -> list[Tensor]:
    """Return standard normal tensors of these shapes, drawn with a separate generator."""
    generator = torch.Generator().manual_seed(seed + 1000)
    wide = torch.complex128 if dtype.is_complex else torch.float64
    return [torch.randn(shape, generator=generator, dtype=wide).to(dtype) for shape in shapes]


def _inner(param: Tensor, grad: Tensor) -> Tensor:
    return (param.detach().conj() * grad.to_dense()).sum().real.double()
