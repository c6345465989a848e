import gc

import pytest

from benchmark.workbench.step_cost import windows
from benchmark.workbench.step_cost.windows import time_in_turn


class Clock:
    """A clock that only steps move."""

    def __init__(self):
        self.now = 0.0
        self.log = []

    def perf_counter(self):
        return self.now

    def step(self, name, seconds):
        def work():
            self.now += seconds
            self.log.append(name)

        return work


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(windows, "time", clock)
    return clock


def test_each_gets_the_seconds_of_its_own_step_in_every_round(clock):
    fast, slow = time_in_turn(
        [clock.step("fast", 0.001), clock.step("slow", 0.25)], 20, lambda: None
    )
    assert fast == pytest.approx([0.001] * len(fast))
    assert slow == pytest.approx([0.25] * len(slow))
    assert len(fast) == len(slow) > 30


def test_all_take_turns_in_one_order_and_its_reverse(clock):
    time_in_turn([clock.step(name, 1.0) for name in "abc"], 0, lambda: None)
    in_rounds = clock.log[-7 * 3 * 2 :]  # a slow step: one call to warm up, one that is timed
    turns = "".join(in_rounds[::2])
    assert turns == "abccbaabccbaabccbaabc"


def test_what_a_synchronization_waits_for_is_timed(clock):
    def synchronize():
        clock.now += 5.0

    [seconds] = time_in_turn([clock.step("a", 1.0)], 0, synchronize)
    assert seconds == pytest.approx([6.0] * 7)


def test_garbage_collection_is_as_before_afterwards():
    states = []
    time_in_turn([lambda: states.append(gc.isenabled())], 0, lambda: None)
    assert not any(states)
    assert gc.isenabled()
