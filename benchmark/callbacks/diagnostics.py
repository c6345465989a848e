"""Diagnostics of the optimizer: the update of each layer, compared with its gradient."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor, nn
from torch.optim import Optimizer

from benchmark.callbacks.curves import CurveWriter, Row
from benchmark.callbacks.inside import Sums, group_names, step_sums
from benchmark.metrics import INSIDE
from benchmark.models.base import Model

WHOLE = "all"  # the group of all parameters; names of other groups end in weights or biases


class Diagnostics(Callback):
    """A callback that writes a row of measurements for every n-th step, beginning with the first.

    A row has ``inside/<group>/<quantity>`` for every group of `group_names` and for ``all``; the
    quantities are those of `Sums.quantities`. g is the gradient at the parameters w before the
    step (that of the first evaluation, if the optimizer needs several); u is the change of the
    parameters, weight decay included. Values stay on the device until the chunk has ended.

    Args:
        curves: Callback that writes the rows; it must come later in the Trainer's list.
        every: Steps between two measured steps.
    """

    def __init__(self, curves: CurveWriter, every: int) -> None:
        self._curves = curves
        self._every = every
        self._module: Model
        self._optimizer: Optimizer
        self._params: list[nn.Parameter] = []
        self._groups: list[str] = []
        self._before: list[Tensor] = []
        self._gradients: list[Tensor] = []
        self._seen: list[tuple[int, Tensor]] = []

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Register as a watcher of steps."""
        self._module = cast(Model, pl_module)
        self._module.watchers.append(self)
        [self._optimizer] = trainer.optimizers
        named = [(n, p) for n, p in self._module.network.named_parameters() if p.requires_grad]
        self._params = [param for _, param in named]
        self._groups = group_names({name: param.ndim for name, param in named})

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Write a row for each measured step of the chunk."""
        for step, sums in self._seen:
            row = _row(self._groups, [Sums(*numbers) for numbers in sums.tolist()])
            self._curves.write(row, step=step, steps_ago=self._module.steps - step)
        self._seen.clear()

    def wants(self, step: int) -> bool:
        """Return whether to measure this step."""
        return (step - 1) % self._every == 0

    def step_starts(self) -> None:
        """Copy the parameters."""
        self._before = [param.detach().clone() for param in self._params]

    def closure_starts(self) -> None:
        """Do nothing."""

    def closure_ends(self) -> None:
        """Copy the gradients of the first evaluation."""
        if not self._gradients:
            # A gradient scaler unscales the gradients in place later, so a copy would stay scaled.
            keep = torch.Tensor.detach if self._module.scales_gradients else torch.Tensor.clone
            self._gradients = [
                torch.zeros_like(param) if param.grad is None else keep(param.grad)
                for param in self._params
            ]

    def _state(self, param: torch.Tensor) -> Mapping[str, Any]:
        """Return the optimizer's state for a parameter; empty if it keeps none in torch's way."""
        state = self._optimizer.state.get(param)
        return state if isinstance(state, Mapping) else {}

    @torch.no_grad()
    def step_ends(self) -> None:
        """Compute, on the device, the sums from which the quantities follow."""
        groups = {p: group for group in self._optimizer.param_groups for p in group["params"]}
        sums = [
            step_sums(before, gradient, param, self._state(param), groups.get(param, {}))
            for before, gradient, param in zip(
                self._before, self._gradients, self._params, strict=True
            )
        ]
        self._seen.append((self._module.steps, torch.stack(sums)))
        self._before, self._gradients = [], []


def _row(groups: Sequence[str], each: Sequence[Sums]) -> Row:
    by_group: dict[str, Sums] = {}
    for group, sums in zip(groups, each, strict=True):
        for name in (group, WHOLE):
            by_group[name] = by_group.get(name, Sums()) + sums
    return {
        f"{INSIDE}{group}/{quantity}": value
        for group, sums in by_group.items()
        for quantity, value in sums.quantities().items()
    }
