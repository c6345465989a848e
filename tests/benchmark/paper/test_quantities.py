"""Costs by epoch, from the rows of a trial's log."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.paper.quantities import epoch_costs


def _rows(losses, log_every):
    """Return the rows that a trial writes whose steps have these losses, an epoch in each list."""
    steps = len(losses[0])
    for epoch, some in enumerate(losses):
        pending = []
        for place, loss in enumerate(some, 1):
            pending.append(loss)
            step = epoch * steps + place
            if place % log_every and place < steps:
                continue
            mean = sum(pending) / len(pending)
            yield {"step": step, "epoch": step / steps, "train/running_loss": mean, "lr": 0.1}
            pending.clear()


@given(
    steps=st.integers(1, 9),
    epochs=st.integers(1, 4),
    log_every=st.integers(1, 12),
    data=st.data(),
)
def test_the_cost_of_an_epoch_is_the_mean_over_its_steps(steps, epochs, log_every, data):
    loss = st.floats(0, 10)
    losses = data.draw(
        st.lists(st.lists(loss, min_size=steps, max_size=steps), min_size=epochs, max_size=epochs)
    )
    found = epoch_costs(_rows(losses, log_every))
    assert found == pytest.approx([sum(some) / steps for some in losses])


def test_rows_of_evaluations_do_not_count():
    rows = list(_rows([[1.0, 2.0], [3.0, 4.0]], 1))
    evaluation = {"step": 1, "epoch": 0.5, "val/loss": 9.0}
    assert epoch_costs([rows[0], evaluation, *rows[1:]]) == (1.5, 3.5)


def test_an_epoch_that_was_cut_off_or_diverged_has_no_cost():
    rows = list(_rows([[1.0, 2.0], [3.0, 4.0]], 1))
    assert epoch_costs(rows[:-1]) == (1.5,)
    lost = {key: value for key, value in rows[2].items() if key != "train/running_loss"}
    assert epoch_costs([*rows[:2], lost, rows[3]]) == (1.5,)
