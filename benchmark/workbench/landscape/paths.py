"""Paths of real optimizers, computed together as far as the results keep the same bits.

A path is the sequence of positions of one parameter of shape (1, 2), the weight of a layer with two
inputs and one output. Thousands of paths take minutes one by one, so they are computed together if
that changes nothing: as rows of one tensor per learning rate, otherwise as separate parameters of
one optimizer. An optimizer's class does not tell whether that is possible. A few routes are
therefore computed alone as well, and joint results are accepted only if they agree with these bit
by bit. At the first difference the computation starts again with the next way, and finally with
each path alone.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from benchmark.errors import UsageError
from benchmark.workbench.landscape.surfaces import Surface
from optimizers.contract import (
    has_two_points,
    switch_to_evaluation,
    switch_to_training,
    takes_closure,
)
from optimizers.schedules import BaseRates
from optimizers.spec import OptimizerSpec

Told = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Routes:
    """The inputs of R paths; R is the first axis of every tensor.

    Args:
        surfaces: The surfaces to which `surface` refers.
        surface: Index of each route's surface, shape (R,).
        start: Start positions x and y, shape (R, 2), float64.
        lr: Learning rate of each route; None for the optimizer's own.
        tilt: Noise added to the gradient at each step, shape (R, steps, 2). Its product with the
            position is added to the loss, so that a closure gets the gradient of its loss.
    """

    surfaces: Sequence[Surface]
    surface: Tensor
    start: Tensor
    lr: Sequence[float | None]
    tilt: Tensor

    def __len__(self) -> int:
        return len(self.lr)

    @property
    def steps(self) -> int:
        """The number of steps of each path."""
        return self.tilt.shape[1]


Parameters = list[list[int]]  # for each parameter of one optimizer, the routes in its rows


def walk(spec: OptimizerSpec, routes: Routes, told: Told = lambda words: None) -> Tensor:
    """Return the positions before each step and after the last, shape (R, steps + 1, 2), float64.

    A path is NaN from its first position that is not finite.

    Args:
        spec: The optimizer.
        routes: The starts, surfaces, learning rates and noise.
        told: Called with the progress if every path has to be computed alone.

    Raises:
        UsageError: the optimizer cannot be built for such a parameter, or its step raises.
    """
    with torch.no_grad():
        positions = _walk_surely(spec, routes, told)
    lost = ~positions.isfinite().all(dim=-1, keepdim=True)
    return positions.masked_fill(lost.cummax(dim=1).values, torch.nan)


def _walk_surely(spec: OptimizerSpec, routes: Routes, told: Told) -> Tensor:
    probe = _probe(routes)
    for parameters in (_rows(routes), [[row] for row in range(len(routes))]):
        try:
            return _walk(spec, routes, [parameters], probe)
        except (_DiffersError, UsageError):  # some classes accept only one group or parameter
            continue
    each = [[[row]] for row in range(len(routes))]
    return _walk(spec, routes, each, [], told)


class _DiffersError(Exception):
    """A path computed with others differs from the same path computed alone."""


def _probe(routes: Routes) -> list[int]:
    """Return one route per surface, spread over starts, noise and learning rates."""
    found = []
    for place in range(len(routes.surfaces)):
        rows = (routes.surface == place).nonzero().flatten().tolist()
        found.append(rows[place * len(rows) // len(routes.surfaces)])
    return found


def _rows(routes: Routes) -> Parameters:
    by_lr: dict[float | None, list[int]] = {}
    for row, lr in enumerate(routes.lr):
        by_lr.setdefault(lr, []).append(row)
    return list(by_lr.values())


def _walk(
    spec: OptimizerSpec,
    routes: Routes,
    optimizers: Sequence[Parameters],
    probe: Sequence[int],
    told: Told = lambda words: None,
) -> Tensor:
    """Return the paths of `optimizers`, checked against the routes of `probe` computed alone.

    Raises:
        _DiffersError: a route of `probe` differs when computed with others.
        UsageError: as for `walk`.
    """
    alone = [[[row]] for row in probe]
    parties = [_Party(spec, routes, parameters) for parameters in (*alone, *optimizers)]
    field = _Field(routes, [row for party in parties for row in party.rows])
    ends = torch.tensor([0, *(len(party.rows) for party in parties)]).cumsum(0).tolist()
    here = torch.cat([party.position() for party in parties])
    positions = torch.empty(len(routes), routes.steps + 1, 2, dtype=torch.float64)
    for step in range(routes.steps + 1):
        judged = torch.cat([party.judged() for party in parties]) if step else here
        positions[field.rows[len(probe) :], step] = judged[len(probe) :]
        if not _same(judged[: len(probe)], positions[list(probe), step]):
            raise _DiffersError
        if step == routes.steps:
            break
        gradient, loss = field(here, step)
        moves = here.isfinite().all(dim=1).tolist()
        for party, (begin, end) in zip(parties, pairwise(ends), strict=True):
            if any(moves[begin:end]):
                party.step(step, here[begin:end], gradient[begin:end], loss[begin:end])
        here = torch.cat([party.position() for party in parties])
        if not probe:
            told(f"every path by itself, step {step + 1} of {routes.steps}")
    return positions


def _same(alone: Tensor, among: Tensor) -> bool:
    both_lost = ~(alone.isfinite() | among.isfinite()).all(dim=1)
    return bool(((alone == among).all(dim=1) | both_lost).all())


class _Field:
    """The gradient and loss at the positions of some routes.

    Args:
        rows: Indices of the routes, in any order; an index may occur twice.
    """

    def __init__(self, routes: Routes, rows: Sequence[int]) -> None:
        self.rows = torch.tensor(rows)
        self._tilt = routes.tilt[self.rows]
        place = routes.surface[self.rows]
        self._surfaces = [
            (routes.surfaces[i].function, (place == i).nonzero().flatten())
            for i in sorted(set(place.tolist()))
        ]

    def __call__(self, here: Tensor, step: int) -> tuple[Tensor, Tensor]:
        """Return gradients (rows, 2) and losses (rows,) at positions `here`, including the tilt."""
        gradient = self._tilt[:, step].clone()
        loss = (gradient * here).sum(dim=1)
        for function, at in self._surfaces:
            # The coordinates are separate contiguous tensors, so that torch's vectorised
            # functions treat one point in the same way alone and among others.
            x, y = (here[at, i].contiguous().requires_grad_() for i in (0, 1))
            with torch.enable_grad():
                value = function(x, y)
                slopes = torch.autograd.grad(value.sum(), (x, y))
            gradient[at] += torch.stack(slopes, dim=1)
            loss[at] += value.detach()
        return gradient, loss


class _Party:
    """One optimizer and the routes that it computes together.

    Args:
        parameters: The routes in the rows of each of its parameters.
    """

    def __init__(self, spec: OptimizerSpec, routes: Routes, parameters: Parameters) -> None:
        self.rows = [row for rows in parameters for row in rows]
        self._spec, self._routes = spec, routes
        self._params = [torch.nn.Parameter(routes.start[rows]) for rows in parameters]
        self._sizes = [len(rows) for rows in parameters]
        with _one_line(spec):
            groups = self._groups([routes.lr[rows[0]] for rows in parameters])
            self._optimizer = spec.build(groups, execution="packed")
            switch_to_training(self._optimizer)
        self._has_two_points = has_two_points(self._optimizer)
        self._takes_closure = takes_closure(self._optimizer)
        self._base_rates = BaseRates(self._optimizer.param_groups)

    def position(self) -> Tensor:
        """Return a copy of the positions at which gradients are taken, shape (rows, 2)."""
        return torch.cat([param.detach() for param in self._params])

    def judged(self) -> Tensor:
        """Return a copy of the positions to evaluate after a step, shape (rows, 2)."""
        if not self._has_two_points:
            return self.position()
        with _one_line(self._spec):
            switch_to_evaluation(self._optimizer)
            found = self.position()
            switch_to_training(self._optimizer)
        return found

    def step(self, step: int, here: Tensor, gradient: Tensor, loss: Tensor) -> None:
        """Take one step.

        Args:
            step: Index of the step, from 0.
            here: Current positions, shape (rows, 2).
            gradient: Gradients at `here`, shape (rows, 2).
            loss: Losses at `here`, shape (rows,).
        """
        self._schedule(step + 1)
        self._set_gradients(gradient)
        with _one_line(self._spec):
            if self._takes_closure:
                closure = self._closure(step, here, gradient, loss)
                self._optimizer.step(closure)  # type: ignore[arg-type]  # torch wants floats
            else:
                self._optimizer.step()

    def _closure(
        self, step: int, here: Tensor, gradient: Tensor, loss: Tensor
    ) -> Callable[[], Tensor]:
        def closure() -> Tensor:
            now = self.position()
            found, value = gradient, loss
            if not torch.equal(now, here):  # a line search, or a point nearby
                found, value = self._field(now, step)
            self._set_gradients(found)
            return value.sum()

        return closure

    @cached_property
    def _field(self) -> _Field:
        return _Field(self._routes, self.rows)

    def _groups(self, lrs: Sequence[float | None]) -> list[dict[str, Any]]:
        """Return one parameter group per learning rate, in order of first appearance."""
        by_lr: dict[float | None, list[Tensor]] = {}
        for param, lr in zip(self._params, lrs, strict=True):
            by_lr.setdefault(lr, []).append(param)
        takes_lr = "lr" in self._spec.hyperparameters
        return [
            {"params": params} | ({"lr": lr} if takes_lr and lr is not None else {})
            for lr, params in by_lr.items()
        ]

    def _schedule(self, t: int) -> None:
        if self._spec.schedule.constant:
            return
        # A surface has no minibatches: each step sees all of it, as an epoch does.
        factor = self._spec.schedule.factor(t, self._routes.steps, epoch_steps=1)
        with _one_line(self._spec):
            self._base_rates.scale(self._optimizer.param_groups, factor)

    def _set_gradients(self, gradient: Tensor) -> None:
        for param, grad in zip(self._params, torch.split(gradient, self._sizes), strict=True):
            param.grad = grad.clone()


@contextmanager
def _one_line(spec: OptimizerSpec) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # a user's class may raise anything
        words = " ".join(str(error).split()) or type(error).__name__
        raise UsageError(f"{spec.label} cannot run on surfaces: {words}") from error
