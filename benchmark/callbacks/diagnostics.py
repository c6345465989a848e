"""Inside the optimizer: what a step does to each layer, next to the gradient it was given."""

from collections.abc import Sequence
from typing import Any, cast

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor, nn
from torch.optim import Optimizer

from benchmark.callbacks.curves import CurveWriter, Row
from benchmark.callbacks.inside import Sums, group_names, step_sums
from benchmark.metrics import INSIDE
from benchmark.models.base import Model

WHOLE = "all"  # the group of all parameters; those of layers end in weights or biases


class Diagnostics(Callback):
    """Looks into every n-th step, the first included, and has `CurveWriter` write a row for each.

    A row has ``inside/<group>/<quantity>`` for every group of `group_names` and for ``all``; the
    quantities are those of `Sums.quantities`. g is the gradient at the parameters w before the
    step (of the first evaluation, where the optimizer asks for several), u what the step added to
    them, weight decay included. Nothing leaves the device before the chunk has ended.

    Args:
        curves: Writes the rows; comes after this callback in the Trainer's list.
        every: Steps between two looks.
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
        """Begin to watch."""
        self._module = cast(Model, pl_module)
        self._module.watchers.append(self)
        [self._optimizer] = trainer.optimizers
        named = [(n, p) for n, p in self._module.network.named_parameters() if p.requires_grad]
        self._params = [param for _, param in named]
        self._groups = group_names({name: param.ndim for name, param in named})

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Write a row for each step of the chunk that was looked into."""
        for step, sums in self._seen:
            row = _row(self._groups, [Sums(*numbers) for numbers in sums.tolist()])
            self._curves.write(row, step=step, steps_ago=self._module.steps - step)
        self._seen.clear()

    def wants(self, step: int) -> bool:
        """Return whether to look into this step."""
        return (step - 1) % self._every == 0

    def step_starts(self) -> None:
        """Keep the parameters."""
        self._before = [param.detach().clone() for param in self._params]

    def closure_starts(self) -> None:
        """Do nothing."""

    def closure_ends(self) -> None:
        """Keep the gradients of the first evaluation."""
        if not self._gradients:
            # A scaler has yet to unscale its gradients, and does so in place.
            keep = torch.Tensor.detach if self._module.scales_gradients else torch.Tensor.clone
            self._gradients = [
                torch.zeros_like(param) if param.grad is None else keep(param.grad)
                for param in self._params
            ]

    @torch.no_grad()
    def step_ends(self) -> None:
        """Add up, on the device, what the quantities are made of."""
        groups = {p: group for group in self._optimizer.param_groups for p in group["params"]}
        sums = [
            step_sums(before, gradient, param, self._optimizer.state.get(param, {}), groups[param])
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
