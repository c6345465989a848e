from types import SimpleNamespace

import pytest
import torch

from benchmark.callbacks import optimizer_cost
from benchmark.context import Context
from benchmark.models.base import Model
from benchmark.runner import run

NOW = SimpleNamespace(seconds=0.0)


@pytest.fixture(autouse=True)
def _digits_are_prepared(digits):
    pass


@pytest.fixture
def loss_takes_100_seconds(monkeypatch):
    """Replace the clock of the optimizer by one that only moves when it is told to."""
    loss = Model.loss

    def slow(self, *batch):
        NOW.seconds += 100
        return loss(self, *batch)

    monkeypatch.setattr(Model, "loss", slow)
    clock = SimpleNamespace(perf_counter=lambda: NOW.seconds)
    monkeypatch.setattr(optimizer_cost, "time", clock)


class Takes3Seconds(torch.optim.SGD):
    """Works before and after its closure."""

    def step(self, closure):
        NOW.seconds += 1
        with torch.enable_grad():
            loss = closure()
        NOW.seconds += 2
        return loss


class Takes4Seconds(torch.optim.SGD):
    """Takes no closure."""

    def step(self):
        NOW.seconds += 4


class Takes7Seconds(Takes3Seconds):
    """Evaluates its closure twice."""

    def step(self, closure):
        super().step(closure)
        NOW.seconds += 4
        with torch.enable_grad():
            return closure()


@pytest.mark.parametrize("seconds", [3, 4, 7])
def test_forward_and_backward_pass_are_not_the_optimizers(
    trials_of, loss_takes_100_seconds, seconds
):
    (trial,) = trials_of(opts=f"{__name__}.Takes{seconds}Seconds")
    assert run(trial, Context()).clocks.optimizer_step == seconds


def test_the_optimizers_part_is_less_than_the_step(trials_of):
    clocks = run(trials_of("mlp/digits", epochs=2)[0], Context()).clocks
    assert 0 < clocks.optimizer_step < clocks.per_step


def test_a_trial_with_too_few_steps_for_a_sample_says_nothing(trials_of):
    (trial,) = trials_of(batch_size=1000, epochs=2)
    record = run(trial, Context())
    assert record.progress.step == 4
    assert record.clocks.optimizer_step is None


@pytest.mark.parametrize(
    ("opts", "num_bytes"),
    [("sgd", 0), ("momentum", 4 * 650), ("adam", 8 * 650 + 2 * 4), ("torch.optim.Adam", 5208)],
)
def test_the_state_is_weighed_to_the_byte(trials_of, opts, num_bytes):
    cost = run(trials_of(opts=opts)[0], Context()).cost
    assert (cost.state_bytes, cost.parameters) == (num_bytes, 650)
