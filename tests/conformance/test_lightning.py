"""Under Lightning's Trainer, automatic and manual, every optimizer ends where a plain loop ends."""

import warnings

import lightning
import pytest
import torch

from optimizers.registry import OPTIMIZERS
from tests.conformance.cases import class_of, every_row
from tests.grids import taking_turns

STEPS = 5  # an odd number, for steps of one size ±lr


class Automatic(lightning.LightningModule):
    """A network whose optimizer Lightning steps, with a closure."""

    def __init__(self, build):
        super().__init__()
        self.network = torch.nn.Sequential(
            torch.nn.Linear(5, 7), torch.nn.Tanh(), torch.nn.Linear(7, 3)
        ).double()
        draw = torch.Generator().manual_seed(0)
        with torch.no_grad():
            for param in self.network.parameters():
                param.copy_(torch.randn(param.shape, generator=draw, dtype=torch.float64))
        self.build = build

    def loss(self, batch):
        return torch.nn.functional.cross_entropy(self.network(batch[0]), batch[1])

    def training_step(self, batch, index):
        return self.loss(batch)

    def configure_optimizers(self):
        return self.build(self.parameters())


class Scheduled(Automatic):
    """The same with a schedule that changes the rate at every step."""

    def configure_optimizers(self):
        optimizer = self.build(self.parameters())
        schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
        return [optimizer], [{"scheduler": schedule, "interval": "step"}]


class Manual(Automatic):
    """The same with the loop written out in the module, and a schedule of its own."""

    def __init__(self, build):
        super().__init__(build)
        self.automatic_optimization = False

    def training_step(self, batch, index):
        optimizer = self.optimizers()
        optimizer.zero_grad()
        self.manual_backward(self.loss(batch))
        optimizer.step()


class Accumulating(Manual):
    """Two backward passes to a step."""

    def training_step(self, batch, index):
        optimizer = self.optimizers()
        optimizer.zero_grad()
        for half in (slice(None, None, 2), slice(1, None, 2)):
            self.manual_backward(self.loss([each[half] for each in batch]) / 2)
        optimizer.step()


def batches():
    draw = torch.Generator().manual_seed(1)
    inputs = torch.randn(STEPS * 6, 5, generator=draw, dtype=torch.float64)
    classes = torch.randint(3, (STEPS * 6,), generator=draw)
    return torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(inputs, classes), batch_size=6
    )


def fit(module):
    trainer = lightning.Trainer(
        max_epochs=1,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(module, batches())
    return list(module.network.parameters())


def loop(module, gamma=1.0):
    """Train as a plain loop does."""
    optimizer = module.build(module.parameters())
    for batch in batches():
        optimizer.zero_grad()
        module.loss(batch).backward()
        optimizer.step()
        for group in optimizer.param_groups:
            group["lr"] *= gamma
    return list(module.network.parameters())


@pytest.fixture(autouse=True)
def _few_workers_are_meant():
    """Data of 30 rows need no workers; Lightning would advise more."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*does not have many workers.*")
        yield


@taking_turns(("row", "kind"), list(OPTIMIZERS), [Automatic, Scheduled, Manual])
def test_it_ends_where_a_plain_loop_ends(row, kind):
    build = class_of(row)
    gamma = 0.5 if kind is Scheduled else 1.0
    start = [param.detach().clone() for param in Automatic(build).network.parameters()]
    found, expected = fit(kind(build)), loop(Automatic(build), gamma)
    for param, twin, before in zip(found, expected, start, strict=True):
        assert torch.equal(param, twin)
        assert not torch.equal(param, before)


@every_row
def test_two_halves_of_a_batch_make_one_step(row):
    build = class_of(row)
    found, expected = fit(Accumulating(build)), loop(Automatic(build))
    for param, twin in zip(found, expected, strict=True):
        torch.testing.assert_close(param, twin, rtol=1e-6, atol=1e-9)
