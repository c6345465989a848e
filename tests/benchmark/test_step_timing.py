"""The timing of steps, on the real network and data of a problem."""

import pytest

from benchmark import step_timing
from benchmark.context import Context
from benchmark.launchers import StepTimer
from benchmark.launchers.local import LocalLauncher
from benchmark.plugins import prepare_data
from benchmark.record import Environment
from benchmark.spec import Cell, Workload
from benchmark.step_costs import FEWEST_ROUNDS
from benchmark.step_timing import StepClock, time_steps
from optimizers.grammar import parse

_WORKLOAD = Workload(
    problem="logreg/digits", model="logreg", dataset="digits", epochs=1, batch_size=32
)


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    monkeypatch.setattr(step_timing, "SECONDS", 0.0)
    monkeypatch.setattr(step_timing, "_WINDOW_SECONDS", 0.0)


@pytest.fixture
def context(tmp_path):
    prepare_data("digits", None, tmp_path)
    return Context(cache_dir=tmp_path, environment=Environment(cpu="a processor"))


def trials(opts, **others):
    cell = Cell(workload=_WORKLOAD, **others)
    return [cell.trial(spec, 0) for spec in parse(opts)]


def test_each_optimizer_has_a_cost_beside_the_reference(context):
    reference, *others = trials("adam,sgd,sgd@again:lr=0.5")
    found = time_steps([reference, *others], context)
    assert [each.trial for each in found] == [each.key for each in others]
    for each in found:
        assert (each.reference, each.cpu, each.failure) == (reference.key, "a processor", "")
        assert each.rounds >= FEWEST_ROUNDS
        assert each.own.low <= each.own.median <= each.own.high
        assert 0 < each.own_seconds < each.training_seconds
        assert 0 < each.share < 1
        assert each.gradients == each.reference_gradients == 1


def test_an_optimizer_that_takes_several_gradients_in_a_step_is_timed_with_them(context):
    [found] = time_steps(trials("sgd,torch.optim.LBFGS:max_iter=4"), context)
    assert found.failure == ""
    assert (found.gradients > 1, found.reference_gradients) == (True, 1)
    assert found.own_seconds < found.training_seconds


@pytest.mark.parametrize("module", ["Raises", "RaisesLater:", "Buggy"])
def test_what_fails_says_why_and_leaves_the_others_their_costs(module, context):
    opts = f"adam,tests.plugins.optimizers.{module.rstrip(':')},sgd"
    failed, other = time_steps(trials(opts), context)
    assert failed.own is None
    assert "mistake" in failed.failure or "went wrong" in failed.failure
    assert "\n" not in failed.failure
    assert other.failure == ""
    assert other.own is not None


def test_without_the_reference_nothing_is_compared(context):
    [found] = time_steps(trials("tests.plugins.optimizers.Raises,sgd"), context)
    assert found.own is None
    assert "went wrong" in found.failure


def test_other_precisions_are_not_timed(context):
    [found] = time_steps(trials("adam,sgd", precision="bf16-mixed"), context)
    assert found.failure == "steps are not timed in bf16-mixed"


def test_the_clock_leaves_out_the_gradients_of_a_step(monkeypatch):
    times = iter([0.0, 1.0, 11.0, 13.0, 23.0, 27.0])
    monkeypatch.setattr(step_timing.time, "perf_counter", lambda: next(times))
    clock = StepClock(lambda: None)
    clock.step_starts()
    for _ in range(2):
        clock.closure_starts()
        clock.closure_ends()
    clock.step_ends()
    assert (clock.seconds, clock.gradients) == (7.0, 2)


@pytest.mark.forks
def test_the_launcher_of_this_machine_times_in_a_worker_and_outlives_its_death(context):
    launcher = LocalLauncher()
    assert isinstance(launcher, StepTimer)
    reference, *others = trials("adam,tests.plugins.optimizers.KilledAlways,sgd")
    found = launcher.time_steps([reference, *others], context)
    assert [each.trial for each in found] == [each.key for each in others]
    assert {each.failure for each in found} == {"the process that timed it was killed by signal 9"}
