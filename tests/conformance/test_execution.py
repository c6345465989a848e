"""Every way of executing a rule against the loop over parameters, which is the ground truth."""

import copy
import pickle

import pytest
import torch

from optimizers.registry import OPTIMIZERS
from tests.conformance import course
from tests.conformance.cases import (
    CASES,
    VARIANTS,
    class_of,
    every_case,
    every_row,
    every_variant,
    needs_compiler,
)

TOLERANCE = 1e-12


together = pytest.mark.parametrize("execution", ["auto", "packed"])


@every_case
@every_variant
@together
def test_together_goes_as_the_loop(case, variant, execution):
    ours, loop = both(case, execution, **variant)
    for step in course.walk(ours, loop):
        course.assert_same(ours, loop, 0, step)


# Each is done to both optimizers in the middle of training; it returns the one that goes on.
EVENTS = {
    "nothing": lambda o: o,
    "its own state is loaded": lambda o: o.load_state_dict(copy.deepcopy(o.state_dict())) or o,
    "it is copied": copy.deepcopy,
    "it is pickled": lambda o: pickle.loads(pickle.dumps(o)),
    "state dicts are taken": lambda o: copy.deepcopy(o.state_dict()) and o,
    "parameters get other memory": lambda o: each(o, lambda p: p.data.clone()),
    "parameters get other strides": lambda o: each(o, lambda p: p.data.t().contiguous().t()),
    "parameters are shared": lambda o: each(o, lambda p: p.data.share_memory_()),
    "parameters are written": lambda o: write(o),
    "gradients are cleared to None": lambda o: o.zero_grad(set_to_none=True) or o,
    "gradients are cleared to zero": lambda o: o.zero_grad(set_to_none=False) or o,
    "a state tensor is replaced": lambda o: replace_state(o),
    "state is forgotten": lambda o: o.state.clear() or o,
    "a group is added": lambda o: o.add_param_group({"params": matrices(3)}) or o,
    "a parameter is dropped": lambda o: o.param_groups[0]["params"].pop(1) is not None and o,
    "the order is turned round": lambda o: o.param_groups[0]["params"].reverse() or o,
    "an older state is restored": lambda o: o.load_state_dict(o.older) or o,
}


@every_row
@pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS)
@together
def test_together_goes_as_the_loop_whatever_happens_in_between(row, event, execution):
    assert_same_after(row, event, execution)


def assert_same_after(row, event, execution):
    """Let something happen to an optimizer of either kind in the middle of training."""
    ends = []
    for mode in (execution, "loop"):
        optimizer = class_of(row)(matrices(0), lr=0.05, execution=mode)
        feed(optimizer, steps=range(2))
        optimizer.older = copy.deepcopy(optimizer.state_dict())
        feed(optimizer, steps=range(2, 4))
        optimizer = event(optimizer)
        feed(optimizer, steps=range(4, 8))
        ends.append(optimizer)
    course.assert_same(*ends, 0)


NEW_STATE = [
    ("rmsprop", {"momentum": 0.5}),  # as OneCycleLR does, if it is built after the first steps
    ("rmsprop", {"centered": True}),
    ("adam", {"amsgrad": True}),
    ("adamw", {"amsgrad": True}),
]


@pytest.mark.parametrize(("row", "changes"), NEW_STATE)
@together
def test_together_goes_as_the_loop_when_a_setting_asks_for_more_state(row, changes, execution):
    assert_same_after(row, lambda o: o.param_groups[0].update(changes) or o, execution)


@every_row
@together
def test_together_goes_as_the_loop_when_a_parameter_is_transposed_in_place(row, execution):
    def event(optimizer):
        param = optimizer.param_groups[0]["params"][-1]
        param.data = param.data.t()
        return optimizer

    assert_same_after(row, event, execution)


@pytest.mark.parametrize("row", ["adam", "adamw", "adamax", "nadam", "radam"])
@together
def test_together_goes_as_the_loop_when_one_count_is_set_in_place(row, execution):
    def event(optimizer):
        optimizer.state[optimizer.param_groups[0]["params"][0]]["step"].fill_(1.0)
        return optimizer

    assert_same_after(row, event, execution)


def each(optimizer, change):
    for param in course.flat(optimizer):
        param.data = change(param)
    return optimizer


def write(optimizer):
    with torch.no_grad():
        for param in course.flat(optimizer):
            param.mul_(0.5)
    return optimizer


def replace_state(optimizer):
    for state in optimizer.state.values():
        for name, value in state.items():
            state[name] = value * 0.5
    return optimizer


def matrices(seed):
    draw = torch.Generator().manual_seed(seed)
    shapes = [(5, 3), (4, 9), (1, 1), (33, 2), (4, 4)]
    return [torch.nn.Parameter(torch.randn(s, generator=draw, dtype=torch.float64)) for s in shapes]


def feed(optimizer, steps):
    for step in steps:
        draw = torch.Generator().manual_seed(step)
        for param in course.flat(optimizer):
            param.grad = torch.randn(param.shape, generator=draw, dtype=param.dtype)
        optimizer.step()


@every_row
@together
def test_together_goes_as_the_loop_on_large_parameters_too(row, execution):
    ends = []
    for mode in (execution, "loop"):
        draw = torch.Generator().manual_seed(0)
        shapes = [(300_007,), (400, 401), (3, 5), (65_537,)]
        params = [torch.nn.Parameter(torch.randn(shape, generator=draw)) for shape in shapes]
        params.append(torch.nn.Parameter(torch.randn(300, 401, generator=draw).t()))
        optimizer = class_of(row)(params, execution=mode)
        for _ in range(3):
            for param in params:
                param.grad = torch.randn(param.shape, generator=draw)
            optimizer.step()
        ends.append(params)
    for param, twin in zip(*ends, strict=True):
        assert torch.equal(param, twin)


@every_row
def test_together_keeps_a_tied_weight_one_parameter(row):
    for execution in ("auto", "packed", "loop"):
        tied = torch.nn.Linear(4, 4, bias=False, dtype=torch.float64)
        model = torch.nn.Sequential(tied, torch.nn.Tanh(), tied)
        before = [id(param) for param in model.parameters()]
        optimizer = class_of(row)(model.parameters(), execution=execution)
        for _ in range(3):
            optimizer.zero_grad()
            model(torch.ones(2, 4, dtype=torch.float64)).sum().backward()
            optimizer.step()
        assert [id(param) for param in model.parameters()] == before
        assert model[0].weight is model[2].weight
        assert model[0].weight.data_ptr() == model[2].weight.data_ptr()


@every_row
@together
def test_state_is_saved_in_torchs_shapes(row, execution):
    optimizer = class_of(row)(matrices(0), execution=execution)
    feed(optimizer, steps=range(3))
    for index, state in optimizer.state_dict()["state"].items():
        for name, value in state.items():
            is_number = name in ("step", "mu_product")
            assert value.shape == (() if is_number else course.flat(optimizer)[index].shape)


@every_row
def test_execution_is_an_attribute_and_no_hyperparameter(row):
    cls = class_of(row)
    optimizer = cls(matrices(0), execution="loop")
    assert optimizer.execution == "loop"
    assert "execution" not in optimizer.param_groups[0]
    assert "execution" not in optimizer.state_dict()["param_groups"][0]
    for again in (copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))):
        assert again.execution == "loop"
    assert cls(matrices(0)).execution == "auto"


# Slow, but for the smallest kernel.
every_compiled_case = pytest.mark.parametrize(
    "case",
    [
        pytest.param(
            case, id=name, marks=() if case.row == next(iter(OPTIMIZERS)) else pytest.mark.slow
        )
        for name, case in CASES.items()
    ],
)


@needs_compiler
@every_compiled_case
def test_compiled_goes_as_the_loop(case):
    compiled, loop = both(case, "compiled", **VARIANTS["decay and maximize"])
    for step in course.walk(compiled, loop):
        course.assert_same(compiled, loop, TOLERANCE, step)
    assert compiled.execution == "compiled"


@needs_compiler
@every_compiled_case
def test_a_schedule_compiles_nothing_again(case):
    optimizer = case.build(matrices(0), execution="compiled")
    turns = {"momentum", "betas"} & optimizer.defaults.keys()
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=0.1, total_steps=51, cycle_momentum=bool(turns)
    )
    graphs = []
    for step in range(50):
        feed(optimizer, steps=[step])
        schedule.step()
        graphs.append(torch._dynamo.utils.counters["stats"]["unique_graphs"])
    assert optimizer.execution == "compiled"
    first_rectified = 7  # RAdam is another rule before
    assert graphs[first_rectified] == graphs[-1]


def both(case, execution, **variant):
    """Return the case executed one way and by the loop, counting in 64 bits."""
    return (
        case.build(course.groups(), **variant, execution=execution),
        case.build(course.groups(), **variant, execution="loop"),
    )
