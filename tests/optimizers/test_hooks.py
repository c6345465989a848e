"""Steps without torch's wrapper, and with it where somebody watches."""

import copy
import pickle

import pytest
import torch
from torch.optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)

import optimizers
from optimizers.hooks import step_of


def adam(cls=optimizers.Adam):
    param = torch.nn.Parameter(torch.ones(3))
    param.grad = torch.ones(3)
    return cls([param])


class Own(optimizers.Adam):
    """A user's subclass with a step of its own."""

    def step(self, closure=None):
        return super().step(closure)


REGISTER = {
    "before": lambda optimizer, hook: optimizer.register_step_pre_hook(hook),
    "after": lambda optimizer, hook: optimizer.register_step_post_hook(hook),
    "before all": lambda optimizer, hook: register_optimizer_step_pre_hook(hook),
    "after all": lambda optimizer, hook: register_optimizer_step_post_hook(hook),
}
COPIES = {
    "itself": lambda optimizer: optimizer,
    "a copy": copy.deepcopy,
    "pickled": lambda optimizer: pickle.loads(pickle.dumps(optimizer)),
}


@pytest.mark.parametrize("register", REGISTER.values(), ids=REGISTER)
@pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)
@pytest.mark.parametrize("cls", [optimizers.Adam, Own])
def test_hooks_run_once_a_step_until_they_are_removed(register, copied, cls):
    adam()  # a first instance must not change what later classes do
    optimizer, seen = copied(adam(cls)), []
    optimizer.step()
    handle = register(optimizer, lambda *given: seen.append(given))
    try:
        optimizer.step()
        optimizer.step(lambda: 0.0)
        assert [(each, len(args)) for each, args, _ in seen] == [(optimizer, 1), (optimizer, 2)]
    finally:
        handle.remove()
    optimizer.step()
    assert len(seen) == 2


def test_a_hook_replaces_the_arguments():
    optimizer = adam()
    optimizer.register_step_pre_hook(lambda own, args, given: ((own, lambda: 7.0), {}))
    assert optimizer.step() == 7.0


def test_a_schedule_counts_steps():
    optimizer = adam()
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.5)
    optimizer.step()
    schedule.step()  # would warn, had it seen no step
    assert optimizer.param_groups[0]["lr"] == 0.0005


def test_a_profiler_sees_the_step():
    optimizer = adam()
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        optimizer.step()
    assert "Optimizer.step#Adam.step" in {each.key for each in profile.key_averages()}


def test_hooks_change_no_bit():
    ends = []
    for hooked in (False, True):
        optimizer = adam()
        if hooked:
            optimizer.register_step_post_hook(lambda *_: None)
        for _ in range(5):
            optimizer.step()
        ends.append(optimizer.param_groups[0]["params"][0])
    assert torch.equal(*ends)


class Foreign(torch.optim.Optimizer):
    """An optimizer whose `step` has torch's wrapper."""

    def __init__(self, params):
        super().__init__(params, {})

    def step(self, closure=None):
        return 5.0 if closure is None else closure()


def test_a_foreign_step_runs_without_torchs_wrapper_where_nobody_watches():
    optimizer = adam(Foreign)
    assert step_of(optimizer).func is Foreign.step.__wrapped__
    assert (step_of(optimizer)(), step_of(optimizer)(lambda: 7.0)) == (5.0, 7.0)


@pytest.mark.parametrize("register", REGISTER.values(), ids=REGISTER)
def test_hooks_of_a_foreign_optimizer_run(register):
    optimizer, seen = adam(Foreign), []
    handle = register(optimizer, lambda *given: seen.append(given))
    try:
        step_of(optimizer)()
    finally:
        handle.remove()
    assert len(seen) == 1


def test_a_step_that_something_else_has_replaced_stays_so():
    optimizer = adam(Foreign)
    optimizer.step = lambda: 9.0
    assert step_of(optimizer)() == 9.0


def test_a_step_of_ours_keeps_its_own_wrapper():
    optimizer = adam()
    assert step_of(optimizer) == optimizer.step
