"""The callbacks of all members of a pack, called in turn."""

from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

from benchmark.callbacks.optimizer_cost import OptimizerCost
from benchmark.stacked.members import Member
from benchmark.stacked.model import StackedModel


class Members(Callback):
    """A callback that writes the curves of the members, and ends those that diverge.

    It comes after the clock in the Trainer's list. A member that diverges is evaluated once more,
    as Lightning does for a trial that stops, and then ended; the Trainer stops with the last.
    """

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Pass each member its losses."""
        assert isinstance(pl_module, StackedModel)
        each = outputs["losses"].t().contiguous().cpu()  # (K, steps)
        for member, losses in zip(pl_module.members, each, strict=True):
            if member.has_ended:
                continue
            member.chunk_ends(pl_module.steps, losses)
            if member.turn.should_stop:
                _evaluation_ends(member, pl_module, pl_module.evaluate(member))
        _drop(trainer, pl_module)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Pass each member its evaluation."""
        assert isinstance(pl_module, StackedModel)
        for member, values in pl_module.read_metrics():
            _evaluation_ends(member, pl_module, values)
        if pl_module.steps:
            _drop(trainer, pl_module)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """End all members."""
        assert isinstance(pl_module, StackedModel)
        for member in pl_module.members:
            if not member.has_ended:
                member.end()


class StackedOptimizerCost(OptimizerCost):
    """A clock of the members' optimizers together; members measure their state themselves."""

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Measure nothing."""


def _evaluation_ends(member: Member, module: StackedModel, values: dict[str, float]) -> None:
    member.evaluation_ends(module.steps, values)
    if member.turn.should_stop:
        member.end()


def _drop(trainer: Trainer, module: StackedModel) -> None:
    if any(member.has_ended for member in module.members):
        module.drop_ended()
    if all(member.has_ended for member in module.members):
        trainer.should_stop = True
