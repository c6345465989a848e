import math
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.callbacks.divergence import Divergence
from benchmark.record import Progress
from benchmark.tasks.base import multiplies, rises
from benchmark.tasks.classification import Classification

POSITIVE = st.floats(min_value=0, exclude_min=True, allow_infinity=True)
ANY = st.floats(-1e300, 1e300)


@given(POSITIVE, POSITIVE)
def test_a_positive_loss_of_classes_has_diverged_above_100_times_its_start(loss, initial):
    assert Classification(2).is_diverged(loss, initial) is (loss > 100.0 * initial)


@given(ANY, st.floats(0, 99))
def test_no_loss_has_diverged_that_falls_or_rises_little(initial, rise):
    assert not rises(initial - rise, initial)
    assert not rises(initial, initial)
    assert initial + rise - initial > 99 or not rises(initial + rise, initial)


@given(st.floats(-1e6, 1e6))
def test_a_rise_of_a_hundred_times_the_distance_from_zero_is_divergence(initial):
    assert rises(initial + 100 * max(abs(initial), 1), initial)


@given(st.floats(1, 1e100), st.floats(0, 1e4))
def test_for_a_start_of_one_or_more_both_rules_are_one(initial, factor):
    if not math.isclose(factor, 100, rel_tol=1e-9):
        assert rises(factor * initial, initial) is multiplies(factor * initial, initial)


@pytest.mark.parametrize("rule", [multiplies, rises])
def test_what_is_no_number_is_for_the_callback_to_stop(rule):
    assert not rule(math.nan, 1.0)
    assert not rule(1.0, math.nan)


@pytest.mark.parametrize(
    ("losses", "reason"),
    [
        ([2.0, 1.0, 199.0], ""),
        ([2.0, 460.0], "train/loss was 230 times its start at step 7"),
        ([0.0, 1.0], ""),
        ([0.0, 460.0], "train/loss was 460, from 0 at its start, at step 7"),
        ([2.0, math.nan], "train/loss was nan at step 7"),
        ([2.0, -math.inf], "train/loss was -inf at step 7"),
    ],
)
def test_the_callback_says_what_the_loss_did(losses, reason):
    curves = SimpleNamespace(progress=Progress(epoch=1.0))
    divergence, trainer = Divergence(curves), SimpleNamespace(should_stop=False)
    model = _Stub.of(Classification(2))
    for place, loss in enumerate(losses):
        model.steps = 7 * min(place, 1)
        curves.evaluated = {"train/loss": loss}
        divergence.on_validation_end(trainer, model)
    assert divergence.reason == reason
    assert trainer.should_stop is bool(reason)


class _Stub:
    @staticmethod
    def of(task):
        from torch import nn

        from benchmark.models.base import Model

        return Model(nn.Linear(1, 1), task, optimizer=lambda params: None)
