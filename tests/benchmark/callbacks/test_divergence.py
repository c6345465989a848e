from dataclasses import replace
from types import SimpleNamespace

import pytest

from benchmark.callbacks.divergence import Divergence
from benchmark.context import Context
from benchmark.runner import build_model, run, set_up_data

BAD = [float("nan"), float("inf"), -float("inf")]


@pytest.fixture
def evaluated(trials_of, digits):
    """Return a function that passes evaluations to the callback: pairs of a step and losses."""
    (trial,) = trials_of()
    model = build_model(trial, set_up_data(trial, Context()))

    def judge(*evaluations):
        curves = SimpleNamespace(evaluated={}, progress=SimpleNamespace(epoch=0.0))
        found, trainer = Divergence(curves), SimpleNamespace(should_stop=False)
        for step, losses in evaluations:
            model.steps, curves.progress.epoch = step, step / 10
            curves.evaluated = losses
            found.on_validation_end(trainer, model)
            if found.reason:
                assert trainer.should_stop
                return step
        assert not trainer.should_stop
        return None

    return judge


def losses(train=1.0, val=1.0, test=1.0):
    return {"train/loss": train, "val/loss": val, "test/loss": test, "val/accuracy": 0.5}


@pytest.mark.parametrize("bad", [*BAD, 1e9])
def test_test_data_decide_nothing(evaluated, bad):
    assert evaluated((0, losses()), (10, losses(test=bad)), (20, losses(test=bad))) is None
    assert evaluated((0, losses(test=bad)), (10, losses())) is None


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("split", ["train", "val"])
def test_a_loss_that_is_not_finite_ends_the_trial_once_a_step_was_taken(evaluated, split, bad):
    found = losses(**{split: bad})
    assert evaluated((0, losses()), (3, found), (6, losses())) == 3
    assert evaluated((0, found), (3, losses()), (20, losses())) is None  # no optimizer did this
    assert evaluated((0, found), (3, found)) == 3


@pytest.mark.parametrize("split", ["train", "val"])
def test_growth_counts_from_the_first_epoch_on(evaluated, split):
    grown = losses(**{split: 1e9})
    assert evaluated((0, losses()), (9, grown), (10, grown)) == 10


def test_a_trial_whose_test_loss_overflows_is_done_without_it(trials_of):
    data = "tests.plugins.data.HugeTest"
    trial = replace(trials_of("mlp/digits")[0], problem=f"mlp/{data}", dataset=data)
    record = run(trial, Context())
    assert record.status == "done"
    assert "val/loss" in record.metrics
    assert "test/loss" not in record.metrics
