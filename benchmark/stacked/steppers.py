"""Steps of the optimizers of a stack: those of one class together, all others row by row."""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import Parameter
from torch.optim import Optimizer

from benchmark.errors import UsageError
from optimizers.base import PaperOptimizer
from optimizers.contract import switch_to_evaluation, switch_to_training, takes_closure
from optimizers.hooks import step_of
from optimizers.stacking import Stacked


class Stepper(Protocol):
    """Optimizers of some rows of a stack."""

    @property
    def rows(self) -> range:
        """The rows."""
        ...

    def step(self, gradients: Sequence[Tensor], losses: Tensor) -> None:
        """Take one step, with the gradients of all stacked parameters and the losses, (K,)."""
        ...

    def freeze(self, row: int) -> None:
        """Let a row of the stack keep its parameters from now on."""
        ...


class Together:
    """Optimizers of one of our classes, as one that steps neighbouring rows.

    Args:
        members: The optimizers; their parameters are views of the rows.
        params: All stacked parameters.
        places: For each of the optimizers' groups, the places of its parameters in `params`.
        first: The row of the first member.
    """

    def __init__(
        self,
        members: Sequence[PaperOptimizer],
        params: Sequence[Tensor],
        places: Sequence[Sequence[int]],
        first: int,
    ) -> None:
        self.rows = range(first, first + len(members))
        self._own = slice(self.rows.start, self.rows.stop)
        rows = [Parameter(param.detach()[self._own]) for param in params]
        self._params = [(place, rows[place]) for group in places for place in group]
        self._stacked = Stacked(members, [[rows[place] for place in group] for group in places])

    def step(self, gradients: Sequence[Tensor], losses: Tensor) -> None:
        """Take one step with all members that are not frozen."""
        for place, param in self._params:
            param.grad = gradients[place][self._own]
        self._stacked.step()

    def freeze(self, row: int) -> None:
        """Freeze the member of a row."""
        self._stacked.freeze(row - self.rows.start)


class Alone:
    """Any optimizer, which steps its own row.

    Its parameters are contiguous, and views of the row if the row is. It draws the same random
    numbers as it would alone.

    Args:
        optimizer: The optimizer.
        own: The parameters of its network, in their order.
        params: All stacked parameters.
        row: Its row.
        random: State of torch's generators at its next step.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        own: Sequence[Parameter],
        params: Sequence[Tensor],
        row: int,
        random: "RandomState",
    ) -> None:
        self.rows = range(row, row + 1)
        self._optimizer, self._own, self._row, self._random = optimizer, own, row, random
        self._takes_closure = takes_closure(optimizer)
        self._rows = [param.detach()[row] for param in params]
        self._is_frozen = False
        for param, view in zip(own, self._rows, strict=True):
            param.data = view.contiguous()

    def step(self, gradients: Sequence[Tensor], losses: Tensor) -> None:
        """Take one step, unless the row is frozen."""
        if self._is_frozen:
            return
        for param, gradient in zip(self._own, gradients, strict=True):
            param.grad = gradient[self._row].contiguous()
        with self._random:
            if self._takes_closure:
                closure = _Closure(self._own, losses[self._row])
                step_of(self._optimizer)(closure)
                closure.check(self._optimizer)
            else:
                step_of(self._optimizer)()
        self._write_back()

    def freeze(self, row: int) -> None:
        """Take no more steps."""
        self._is_frozen = True

    def switch(self, training: bool) -> None:
        """Put the weights at which the optimizer trains, or is evaluated, into the row."""
        if self._is_frozen:
            return
        (switch_to_training if training else switch_to_evaluation)(self._optimizer)
        self._write_back()

    @torch.no_grad()
    def _write_back(self) -> None:
        for param, view in zip(self._own, self._rows, strict=True):
            if param.data_ptr() != view.data_ptr():  # a class may also replace its memory
                view.copy_(param)


class _Closure:
    """The closure of one step; the loss and the gradients that it gives are computed already."""

    def __init__(self, params: Sequence[Tensor], loss: Tensor) -> None:
        self._params, self._loss = params, loss
        self._before = [param.detach().clone() for param in params]
        self._calls: list[bool] = []

    def __call__(self) -> Tensor:
        """Return the loss."""
        self._calls.append(all(_are_equal(p, b) for p, b in self._pairs()))
        return self._loss

    def check(self, optimizer: Optimizer) -> None:
        """Raise an error unless there was one call, at the weights before the step.

        Raises:
            UsageError: the optimizer evaluates the loss elsewhere, or never.
        """
        if self._calls != [True]:
            raise UsageError(
                f"{type(optimizer).__name__} does not evaluate its closure just once and at the "
                "weights before the step, so its trials cannot be stacked; use --stack off"
            )

    @torch.no_grad()
    def _pairs(self) -> list[tuple[Tensor, Tensor]]:
        return [(p.detach(), b) for p, b in zip(self._params, self._before, strict=True)]


def _are_equal(one: Tensor, other: Tensor) -> bool:
    """Return whether two tensors are equal; NaN equals NaN: a diverged row ends with its chunk."""
    return torch.equal(one, other) or torch.equal(one.nan_to_num(), other.nan_to_num())


class RandomState:
    """A state of torch's random generators, set in a block, which advances it; others wait.

    Args:
        device: The device on which the trial runs.
    """

    def __init__(self, device: torch.device) -> None:
        self._on_gpu = device.type == "cuda"
        self._own = self._now()
        self._others = self._own

    def __enter__(self) -> None:
        self._others = self._now()
        self._set(self._own)

    def __exit__(self, *error: object) -> None:
        self._own = self._now()
        self._set(self._others)

    def _now(self) -> tuple[Tensor, Tensor | None]:
        return torch.get_rng_state(), torch.cuda.get_rng_state() if self._on_gpu else None

    def _set(self, states: tuple[Tensor, Tensor | None]) -> None:
        torch.set_rng_state(states[0])
        if states[1] is not None:
            torch.cuda.set_rng_state(states[1])
