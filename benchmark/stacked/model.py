"""The LightningModule of a pack: K networks as one, with a loss and an optimizer for each."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, Self, cast

import torch
from lightning.pytorch import LightningModule
from torch import Tensor, nn
from torch.optim import Optimizer

from benchmark.metrics import SPLITS
from benchmark.models.watching import StepWatcher, Watchers
from benchmark.runner import Loaders
from benchmark.stacked.layout import Gradients, Rows
from benchmark.stacked.members import Member
from benchmark.stacked.steppers import Alone, Stepper, Together
from benchmark.stacked.totals import Totals
from benchmark.tasks.base import Batch
from optimizers.base import PaperOptimizer


class Seed:
    """The members of one seed: they share batches and dropout masks.

    Args:
        first: A member of the seed, whose network draws the masks of all.

    Attributes:
        loaders: The loaders of the seed, to be set before training.
        members: The members, in the order of the stack.
    """

    loaders: Loaders

    def __init__(self, first: Member) -> None:
        self.network: Any = first.model.network
        self.task: Any = first.model.task
        self.value, self.l2 = first.trial.seed, first.model.l2
        self.members: list[Member] = []
        self.places: list[int] = []
        self.rows: Tensor | None = None
        self._totals = Totals()

    def choose(self, members: Sequence[Member], device: torch.device) -> None:
        """Take the members of this seed among those of the stack, in its order."""
        self.places = [k for k, each in enumerate(members) if each.trial.seed == self.value]
        self.members = [members[k] for k in self.places]
        is_all = len(self.places) == len(members)
        self.rows = None if is_all else torch.tensor(self.places, device=device)

    def loss(self, params: Sequence[Tensor], batch: Batch) -> tuple[Tensor, Tensor]:
        """Return the sum of the training losses, and each of them, (n,)."""
        total, values = self.task.stacked_loss(
            self.network.forward_stacked(params, batch[0]), batch
        )
        if self.l2:
            penalties = _penalties(params, self.l2)
            total = total + penalties.sum()
            values = values + penalties.detach()
        return total, values

    def meter(self, params: Sequence[Tensor], batch: Batch, split: int) -> None:
        """Add a batch to the totals of a split, an index of `metrics.SPLITS`."""
        self.network.eval()
        self._totals.add(tuple(SPLITS)[split], self.values(params, batch))

    def values(self, params: Sequence[Tensor], batch: Batch) -> dict[str, Tensor]:
        """Return what each example adds to each metric, (n, batch) by name."""
        outputs = self.network.forward_stacked(params, batch[0])
        found: dict[str, Tensor] = self.task.stacked_values(outputs, batch)
        return found

    def read(self) -> list[tuple[Member, dict[str, float]]]:
        """Return each member and its metrics of all splits evaluated since the last call."""
        totals, self._totals = self._totals, Totals()
        return list(zip(self.members, totals.means(), strict=True))


class StackedModel(LightningModule):
    """A LightningModule that trains the networks of K members, and drops those that diverge.

    Args:
        members: The members, in any order.
        seeds: Their seeds.
        members_last: See `Rows`.
        device: Device of the members' networks.

    Attributes:
        steps: Number of steps taken.
        members: The members in the order of their rows.
        watchers: Observers of the optimizers' steps.
    """

    def __init__(
        self,
        members: Sequence[Member],
        seeds: Sequence[Seed],
        *,
        members_last: bool,
        device: torch.device,
    ) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.steps = 0
        self.watchers: list[StepWatcher] = []
        self.members: list[Member] = []
        self._seeds, self._members_last, self._at = tuple(seeds), members_last, device
        self._steppers: list[Stepper] = []
        self.stack(sorted(members, key=lambda m: (m.kind, m.form, m.trial.seed)))

    def stack(self, members: Sequence[Member]) -> None:
        """Stack the networks and optimizers of these members, which may have taken steps."""
        self.members = list(members)
        networks = [each.model.network for each in members]
        self._rows = Rows(networks, members_last=self._members_last)
        self.params = nn.ParameterList(_as_parameters(self._rows))
        self._gradients = Gradients(self._rows.params)
        self._steppers = list(_steppers(members, self._rows.params))
        for seed in self._seeds:
            seed.choose(members, self._at)

    def configure_optimizers(self) -> list[Optimizer]:
        """Return the members' optimizers; `take_step` steps them together."""
        return [each.optimizer for each in self.members]

    def training_step(self, chunk: Any, batch_idx: int) -> dict[str, Tensor]:
        """Take one step for each item of a chunk, which has a batch for each seed.

        Returns:
            ``losses`` of the members before each step, (steps, K), and ``loss``, the last ones.
        """
        self._switch(training=True)
        losses = torch.stack([self.take_step(batches) for batches in chunk])
        return {"losses": losses, "loss": losses[-1]}

    def take_step(self, batches: Sequence[Batch]) -> Tensor:
        """Take one step with a batch for each seed, and return the losses before it, (K,)."""
        self.steps += 1
        losses: Tensor | None = None
        for seed, batch in zip(self._seeds, batches, strict=True):
            if not seed.members:
                continue
            params = self._rows.chosen(seed.rows)
            with torch.enable_grad():
                total, values = seed.loss(params, batch)
            self._gradients.put(seed.rows, torch.autograd.grad(total, params))
            if seed.rows is None:
                losses = values
            else:
                losses = values.new_zeros(len(self.members)) if losses is None else losses
                losses.index_copy_(0, seed.rows, values)
        assert losses is not None
        watchers = Watchers(self.watchers, self.steps)
        watchers.step_starts()
        self._step_optimizers(losses)
        watchers.step_ends()
        return losses

    def _step_optimizers(self, losses: Tensor) -> None:
        for member in self._scheduled:
            member.model.steps = self.steps
            member.model.schedule(member.optimizer)
        for stepper in self._steppers:
            stepper.step(self._gradients.whole, losses)

    @property
    def _scheduled(self) -> Iterator[Member]:
        return (each for each in self.members if each.model.is_scheduled)

    def on_train_end(self) -> None:
        """Leave the networks with the weights at which the optimizers are to be evaluated."""
        self._switch(training=False)

    def on_validation_start(self) -> None:
        """Put the weights to evaluate into the networks."""
        self._switch(training=False)

    def validation_step(
        self, batches: Sequence[Batch], batch_idx: int, dataloader_idx: int = 1
    ) -> None:
        """Add one batch for each seed to the meters of its members."""
        for seed, batch in zip(self._seeds, batches, strict=True):
            if seed.members:
                seed.meter(self._rows.chosen(seed.rows), batch, dataloader_idx)

    def read_metrics(self) -> Iterator[tuple[Member, dict[str, float]]]:
        """Yield each member that trains, and its metrics of the evaluation that ends now."""
        for seed in self._seeds:
            if seed.members:
                yield from (found for found in seed.read() if not found[0].has_ended)

    @torch.no_grad()
    def evaluate(self, member: Member) -> dict[str, float]:
        """Return a member's metrics now, on what its trial would be evaluated on at this step."""
        row = self.members.index(member)
        self._switch(training=False, rows=range(row, row + 1))  # twice would move the others' bits
        [seed] = [each for each in self._seeds if each.value == member.trial.seed]
        params = self._rows.chosen(torch.tensor([row], device=self._at))
        seed.network.eval()
        totals = Totals()
        for split, loader in zip(SPLITS, seed.loaders.evaluation, strict=True):
            for batch in loader:
                totals.add(split, seed.values(params, batch))
        [found] = totals.means()
        return found

    def drop_ended(self) -> None:
        """Freeze the members that have ended, and stack the others anew if they are few."""
        ended = [k for k, each in enumerate(self.members) if each.has_ended]
        if 4 * len(ended) < len(self.members) or len(ended) == len(self.members):
            for stepper in self._steppers:
                for row in filter(stepper.rows.__contains__, ended):
                    stepper.freeze(row)
            return
        self.stack([each for each in self.members if not each.has_ended])
        self.trainer.optimizers = self.configure_optimizers()

    def _switch(self, training: bool, rows: range | None = None) -> None:
        """Switch networks, and the optimizers of some rows or of all, to training or evaluation."""
        for seed in self._seeds:
            seed.network.train(training)
        for stepper in self._steppers:
            if isinstance(stepper, Alone) and rows in (None, stepper.rows):
                stepper.switch(training)

    def _apply(self, fn: Any, recurse: bool = True) -> Self:
        """Stay on the device: the parameters of the networks are views, which cannot be moved."""
        return self


def _steppers(members: Sequence[Member], params: Sequence[Tensor]) -> Iterator[Stepper]:
    first = 0
    for _, same in groupby(members, key=lambda member: member.kind):
        own = list(same)
        if own[0].is_stackable:
            optimizers = [cast(PaperOptimizer, each.optimizer) for each in own]
            yield Together(optimizers, params, own[0].places, first)
        else:
            for row, each in enumerate(own, start=first):
                mine = list(each.model.network.parameters())
                yield Alone(each.optimizer, mine, params, row, each.random)
        first += len(own)


def _penalties(params: Sequence[Tensor], l2: float) -> Tensor:
    """Return λ/2·‖w‖² of each member, (n,); the sum of each has the bits of a single trial's."""
    squares = (param.square().flatten(1).sum(1) for param in params if param.ndim > 2)
    return 0.5 * l2 * cast(Tensor, sum(squares))


def _as_parameters(rows: Rows) -> list[nn.Parameter]:
    return [nn.Parameter(param.detach()) for param in rows.params]
