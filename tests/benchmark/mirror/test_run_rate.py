from importlib.metadata import version

import pytest

from benchmark.mirror.run_rate import AT_ONCE, RunRate
from benchmark.mirror.wandb_private import TESTED_WITH


class Clock:
    now = 100.0

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


def test_runs_are_opened_at_once_and_then_one_by_one():
    clock = Clock()
    rate = RunRate(is_online=True, clock=clock)
    assert sum(rate.may_open() for _ in range(500)) == AT_ONCE == 30
    clock.now += 10
    assert sum(rate.may_open() for _ in range(500)) == 10
    clock.now += 1000
    assert sum(rate.may_open() for _ in range(500)) == AT_ONCE


@pytest.mark.parametrize(("is_online", "seconds"), [(True, 70.0), (False, 0.0)])
def test_a_wait_is_as_long_as_the_rate_asks(is_online, seconds):
    clock = Clock()
    rate = RunRate(is_online=is_online, clock=clock, sleep=clock.sleep)
    for _ in range(100):
        rate.wait()
    assert clock.now - 100 == pytest.approx(seconds)


@pytest.mark.parametrize("package", sorted(TESTED_WITH))
def test_private_names_are_tested_with_the_version_that_is_noted(package):
    found, noted = (text.split(".")[:2] for text in (version(package), TESTED_WITH[package]))
    assert found == noted
