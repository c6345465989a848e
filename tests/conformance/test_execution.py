"""Every way of executing a rule against the loop over parameters, which is the ground truth."""

import contextlib
import copy
import pickle
import sys

import numpy
import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

import optimizers
from optimizers import compiling, packing
from optimizers.errors import CompilerError
from optimizers.registry import OPTIMIZERS
from tests.conformance import course
from tests.conformance.cases import (
    CASES,
    KINDS,
    VARIANTS,
    class_of,
    every_kind_of_state,
    every_row,
    needs_compiler,
)
from tests.grids import taking_turns

TOLERANCE = 1e-12


TOGETHER = ["auto", "packed"]
together = pytest.mark.parametrize("execution", TOGETHER)


@taking_turns(("case", "execution"), list(CASES.values()), TOGETHER)
def test_together_goes_as_the_loop(case, execution):
    ours, loop = both(case, execution)
    seen = []
    for step in course.walk(ours, loop):
        course.assert_same(ours, loop, 0, step)
        seen.append(is_packed(ours))
    assert any(seen)
    assert not is_packed(loop)


@pytest.mark.one_in(3)
@taking_turns(("case", "execution"), list(CASES.values()), TOGETHER[::-1])
def test_a_mix_of_together_alone_and_in_slices_goes_as_the_loop(case, execution, monkeypatch):
    monkeypatch.setattr(packing, "SMALL_ON_CPU", 100)
    monkeypatch.setattr(packing, "GATHERED_ON_CPU", 100)
    monkeypatch.setattr(packing, "SLICE", 50)
    ours, loop = both(case, execution, **VARIANTS["decay and maximize"])
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
    "parameters are cut": lambda o: cut(o),
    "a state tensor is replaced": lambda o: replace_state(o),
    "data of a state tensor are replaced": lambda o: replace_data_of_state(o),
    "state is forgotten": lambda o: o.state.clear() or o,
    "a group is added": lambda o: o.add_param_group({"params": matrices(3)}) or o,
    "a parameter is dropped": lambda o: o.param_groups[0]["params"].pop(1) is not None and o,
    "the order is turned round": lambda o: o.param_groups[0]["params"].reverse() or o,
    "an older state is restored": lambda o: o.load_state_dict(o.older) or o,
}


@pytest.mark.one_in(5)
@taking_turns(("row", "event", "execution"), KINDS, EVENTS, TOGETHER)
def test_together_goes_as_the_loop_whatever_happens_in_between(row, event, execution):
    assert_same_after(row, EVENTS[event], execution)


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


@every_kind_of_state
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


def replace_data_of_state(optimizer):
    for state in optimizer.state.values():
        for value in state.values():
            value.data = value * 0.5
    return optimizer


def cut(optimizer):
    for param in course.flat(optimizer):
        param.grad, param.data = None, param.data[:3]
        optimizer.state.pop(param, None)
    return optimizer


def matrices(seed):
    draw = torch.Generator().manual_seed(seed)
    shapes = [(5, 3), (4, 9), (1, 1), (33, 2), (4, 4)]
    return [torch.nn.Parameter(torch.randn(s, generator=draw, dtype=torch.float64)) for s in shapes]


def feed(optimizer, steps, without=()):
    for step in steps:
        draw = torch.Generator().manual_seed(step)
        for index, param in enumerate(course.flat(optimizer)):
            grad = torch.randn(param.shape, generator=draw, dtype=torch.float64).to(param.dtype)
            param.grad = None if index in without else grad
        optimizer.step()


SIZES = [(7, 5), (33,), (), (1,), (0,), (3, 4, 5), (1003,), (20_000,), (70_001,), (150_001,)]


@pytest.mark.one_in(5)
@taking_turns(
    ("row", "dtype", "execution"), list(OPTIMIZERS), [torch.bfloat16, torch.float32], TOGETHER
)
def test_bits_are_those_of_the_loop_in_every_type(row, execution, dtype):
    ends = []
    for mode in (execution, "loop"):
        draw = torch.Generator().manual_seed(0)
        params = [torch.nn.Parameter(torch.randn(s, generator=draw).to(dtype)) for s in SIZES]
        params.append(torch.nn.Parameter(torch.randn(300, 401, generator=draw).to(dtype).t()))
        optimizer = class_of(row)(params, execution=mode)
        feed(optimizer, steps=range(4))
        ends.append(optimizer)
    assert is_packed(ends[0]) is (dtype is torch.float32)  # 16 bits round by place
    course.assert_same(*ends, 0)


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


kernels = pytest.mark.parametrize("execution", ["compiled", "packed-compiled"])


@pytest.mark.slow
@needs_compiler
@every_compiled_case
@kernels
def test_compiled_goes_as_the_loop(case, execution):
    compiled, loop = both(case, execution, **VARIANTS["decay and maximize"])
    stepped_together = False
    for step in course.walk(compiled, loop):
        course.assert_same(compiled, loop, TOLERANCE, step)
        stepped_together |= is_packed(compiled)  # later gradients part what was joined
    assert stepped_together


@pytest.mark.slow
@needs_compiler
@every_compiled_case
def test_a_kernel_for_many_large_parameters_goes_as_the_loop(case, monkeypatch):
    monkeypatch.setattr(packing, "GATHERED_ON_CPU", 1)
    monkeypatch.setattr(packing, "TOGETHER_ON_CPU", 3)
    compiled, loop = both(case, "compiled", **VARIANTS["decay and maximize"])
    for step in course.walk(compiled, loop):
        course.assert_same(compiled, loop, TOLERANCE, step)


@pytest.mark.slow
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


def is_packed(optimizer):
    """Return whether there is a plan by which some parameters step together."""
    plans = [plan for memory in optimizer._memory.values() for plan in memory.plans or ()]
    return any(plan._together for plan in plans)


def ones(number, size=5, **like):
    return [torch.nn.Parameter(torch.ones(size, **like)) for _ in range(number)]


def test_gradients_that_flicker_put_off_the_next_plan():
    optimizer = optimizers.Adam(ones(4), execution="packed")
    planned = []
    for step in range(40):
        feed(optimizer, [step], without=(0,) if step // 2 % 2 else ())
        planned.append(is_packed(optimizer))
    assert any(planned[:4])
    assert not any(planned[-30:])


def test_memory_of_numpy_is_stepped_where_numpy_sees_it():
    array = numpy.ones(5)
    params = [torch.nn.Parameter(torch.from_numpy(array)) for _ in range(1)]
    params += [torch.nn.Parameter(torch.ones(5, dtype=torch.float64)) for _ in range(2)]
    optimizer = optimizers.SGD(params, lr=0.1, execution="packed")
    for _ in range(4):
        for param in params:
            param.grad = torch.ones(5, dtype=torch.float64)
        optimizer.step()
    assert array == pytest.approx(0.6)
    assert is_packed(optimizer)


def test_buffers_stay_small_enough_for_whoever_saves_one_layer(monkeypatch):
    monkeypatch.setattr(packing, "PACK_ON_CPU", 100)
    params = [torch.nn.Parameter(torch.ones(40)) for _ in range(5)]
    optimizer = optimizers.Adam(params, execution="packed")
    feed(optimizer, steps=range(3))
    assert is_packed(optimizer)
    assert max(p.untyped_storage().nbytes() for p in params) <= 4 * 100


@contextlib.contextmanager
def counting_calls(found):
    """Append to `found` how many calls of functions were made inside, C's included."""
    num = 0

    def count(frame, event, argument):
        nonlocal num
        num += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        yield
    finally:
        sys.setprofile(before)
        found.append(num)


@together
def test_work_grows_as_the_number_of_parameters_does(execution):
    calls = []
    for size in (100, 200, 400):
        params = [torch.nn.Parameter(torch.ones(3)) for _ in range(size)]
        optimizer = optimizers.Adam(params, execution=execution)
        for param in params:
            param.grad = torch.ones(3)
        with counting_calls(calls):
            for _ in range(3):
                optimizer.step()
        assert is_packed(optimizer)
    assert calls[2] - calls[1] == pytest.approx(2 * (calls[1] - calls[0]), rel=0.02)


@pytest.mark.slow
def test_work_grows_as_the_number_of_groups_does():
    calls = []
    for size in (100, 200, 400):
        groups = [{"params": [torch.nn.Parameter(torch.ones(3))]} for _ in range(size)]
        optimizer = optimizers.Adam(groups, execution="packed")
        for param in course.flat(optimizer):
            param.grad = torch.ones(3)
        with counting_calls(calls):
            for _ in range(3):
                optimizer.step()
    assert calls[2] - calls[1] == pytest.approx(2 * (calls[1] - calls[0]), rel=0.02)


@pytest.mark.slow
@together
def test_40_000_parameters_step(execution):
    params = [torch.nn.Parameter(torch.ones(3)) for _ in range(40_000)]
    optimizer = optimizers.SGD(params, lr=0.5, execution=execution)
    for param in params:
        param.grad = torch.ones(3)
    for _ in range(4):
        optimizer.step()
    assert is_packed(optimizer)
    assert all(torch.equal(param, -torch.ones(3)) for param in params[::997])


def test_weights_in_the_same_memory_each_step():
    ends = []
    for mode in ("auto", "packed", "loop"):
        memory = torch.ones(6)
        params = [torch.nn.Parameter(part) for part in (memory[:4], memory[2:], torch.ones(3))]
        optimizer = optimizers.Momentum(params, lr=0.1, execution=mode)
        feed(optimizer, steps=range(4))
        ends.append(memory)
    assert torch.equal(ends[0], ends[2])
    assert torch.equal(ends[1], ends[2])


@together
def test_state_in_the_same_memory_each_steps(execution):
    ends = []
    for mode in (execution, "loop"):
        params = [torch.nn.Parameter(torch.ones(5)) for _ in range(4)]
        optimizer = optimizers.Momentum(params, lr=0.1, execution=mode)
        velocity = torch.zeros(5)
        for param in params[:2]:
            optimizer.state[param]["momentum_buffer"] = velocity
        feed(optimizer, steps=range(2 if mode == "packed" else 5))
        ends.append(params)
    if execution == "auto":
        assert all(map(torch.equal, *ends))


every_way = pytest.mark.parametrize("execution", ["auto", "packed", "loop"])


@every_kind_of_state
@every_way
def test_state_entries_of_others_are_left_alone(row, execution):
    optimizer = class_of(row)(matrices(0), execution=execution)
    others = {"name": "w", "count": 3, "nothing": None, "many": [torch.ones(2)]}
    feed(optimizer, steps=range(3))
    for param in course.flat(optimizer)[1:]:
        optimizer.state[param].update(others)
    feed(optimizer, steps=range(3, 6))
    for param in course.flat(optimizer)[1:]:
        assert {name: optimizer.state[param][name] for name in others} == others
    params = [torch.nn.Parameter(param.detach().clone()) for param in course.flat(optimizer)]
    again = class_of(row)(params, execution=execution)
    again.load_state_dict(optimizer.state_dict())
    assert again.state[params[1]]["name"] == "w"
    for each in (optimizer, again):
        feed(each, steps=range(6, 9))
    assert all(map(torch.equal, *map(course.flat, (optimizer, again))))


@every_row
@pytest.mark.parametrize(
    ("execution", "shape"), [("loop", (1,)), ("auto", ()), ("packed", (1, 1, 1))]
)
def test_tensors_of_one_element_are_hyperparameters(row, execution, shape):
    def tensors(value):
        if isinstance(value, tuple):
            return tuple(map(tensors, value))
        is_number = isinstance(value, float)
        return torch.full(shape, value, dtype=torch.float64) if is_number else value

    cls = class_of(row)
    given = {name: tensors(cls([torch.ones(1)]).defaults[name]) for name in cls.bounds}
    pair = [cls(matrices(0), **values, execution=execution) for values in (given, {})]
    for optimizer in pair:
        feed(optimizer, steps=range(4))
    course.assert_same(*pair, 1e-9)
    for name, value in given.items():  # what schedules write into
        assert pair[0].param_groups[0][name] is value


def test_tensors_set_between_steps_are_hyperparameters():
    pair = [optimizers.Adam(matrices(0), execution=mode) for mode in ("auto", "loop")]
    for optimizer, lr in zip(pair, (torch.tensor([0.25], dtype=torch.float64), 0.25), strict=True):
        feed(optimizer, steps=range(3))
        optimizer.param_groups[0]["lr"] = lr
        feed(optimizer, steps=range(3, 6))
    course.assert_same(*pair, 1e-12)


@pytest.mark.one_in(5)
@taking_turns(("row", "execution"), list(OPTIMIZERS), TOGETHER)
def test_tensors_without_numbers_step(row, execution):
    with FakeTensorMode():
        model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Linear(3, 2))
        optimizer = class_of(row)(model.parameters(), execution=execution)
        for _ in range(4):
            optimizer.zero_grad()
            model(torch.ones(2, 4)).sum().backward()
            optimizer.step()
    for param in model.parameters():
        shapes = [each.shape for each in optimizer.state[param].values() if each.ndim]
        assert shapes == [param.shape] * len(shapes)


@every_kind_of_state
@every_way
def test_a_loaded_state_is_a_copy(row, execution):
    first, second = (class_of(row)(matrices(0), execution=execution) for _ in range(2))
    feed(first, steps=range(3))
    saved = first.state_dict()
    before = copy.deepcopy(saved["state"])
    second.load_state_dict(saved)
    feed(second, steps=range(3, 7))
    for key, entries in before.items():
        for name, value in entries.items():
            assert torch.equal(first.state_dict()["state"][key][name], value)


@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_centered_rmsprop_takes_no_root_of_a_negative_number(momentum):
    draw = torch.Generator().manual_seed(0)
    params = [torch.nn.Parameter(torch.zeros(1000)) for _ in range(2)]
    optimizer = optimizers.RMSprop(
        params, centered=True, momentum=momentum, alpha=0.5, execution="loop"
    )
    rates = torch.rand(1000, generator=draw) * 1e-3 + 1
    for _ in range(60):  # of a constant gradient the mean of squares is the square of the mean
        for param in params:
            param.grad = rates.clone()
        optimizer.step()
    state = optimizer.state[params[0]]
    assert (state["square_avg"] - state["grad_avg"] ** 2 < 0).any()
    assert all(param.isfinite().all() for param in params)


@together
@pytest.mark.parametrize("copied", [copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))])
def test_a_copy_shares_nothing_with_the_original(execution, copied):
    optimizer = optimizers.Adam(matrices(0), execution=execution)
    feed(optimizer, steps=range(4))
    twin = copied(optimizer)
    assert twin.execution == optimizer.execution
    before = copy.deepcopy([course.flat(twin), twin.state_dict()["state"]])
    feed(optimizer, steps=range(4, 8))
    after = [course.flat(twin), twin.state_dict()["state"]]
    torch.testing.assert_close(after, before, rtol=0, atol=0)


def test_memory_that_others_look_at_is_left_where_it_is():
    base = torch.randn(10, dtype=torch.float64)
    halves = [torch.nn.Parameter(base[:5]), torch.nn.Parameter(base[5:])]
    watched = torch.nn.Parameter(torch.randn(6, dtype=torch.float64))
    watcher = watched.detach()
    own = [torch.nn.Parameter(torch.randn(6, dtype=torch.float64)) for _ in range(2)]
    optimizer = optimizers.Adam([*halves, watched, *own], execution="packed")
    pointers = [p.data_ptr() for p in (*halves, watched)]
    feed(optimizer, steps=range(4))
    assert [p.data_ptr() for p in (*halves, watched)] == pointers
    assert torch.equal(watcher, watched)
    assert torch.equal(base, torch.cat([h.detach() for h in halves]))
    assert is_packed(optimizer)


@pytest.mark.parametrize("sizes", [(6, 6, 6), (6, 1, 40_000, 6), (6, 0, 6)])
def test_parameters_in_watched_memory_step_together_where_they_are(sizes):
    ends = []
    for execution in ("packed", "loop"):
        generator = torch.Generator().manual_seed(0)
        base = torch.randn(sum(sizes), generator=generator)  # which is also looked at
        params = [torch.nn.Parameter(piece) for piece in base.split(sizes)]
        optimizer = optimizers.Adam(params, execution=execution)
        feed(optimizer, steps=range(4))
        assert is_packed(optimizer) == (execution == "packed")
        ends.append(base)
    assert torch.equal(*ends)


def test_memory_that_someone_looks_at_after_packing_is_left_where_it_is():
    params = [torch.nn.Parameter(torch.randn(6)) for _ in range(3)]
    optimizer = optimizers.Adam(params, execution="packed")
    feed(optimizer, steps=range(4))
    watcher = params[0].detach()
    params[2].data = torch.zeros(6)  # so that the pack is dropped and made again
    feed(optimizer, steps=range(4))
    assert torch.equal(watcher, params[0])


def test_a_backward_pass_through_what_a_step_has_changed_is_refused():
    params = [torch.nn.Parameter(torch.ones(5)) for _ in range(3)]
    optimizer = optimizers.Adam(params, execution="packed")
    feed(optimizer, steps=range(3))
    assert is_packed(optimizer)
    for param in params:
        loss = param.square().sum()
        optimizer.step()
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            loss.backward()


def test_a_model_that_changes_its_type_in_place_goes_on():
    model = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Linear(4, 2))
    optimizer = optimizers.Momentum(model.parameters(), lr=0.1, execution="packed")
    for dtype in (torch.float32, torch.float64):
        model.to(dtype)
        for state in optimizer.state.values():
            for name, value in state.items():
                state[name] = value.to(dtype)
        for _ in range(4):
            optimizer.zero_grad()
            before = [p.detach().clone() for p in model.parameters()]
            model(torch.ones(3, 4, dtype=dtype)).square().sum().backward()
            optimizer.step()
            assert all(
                not torch.equal(p, b) for p, b in zip(model.parameters(), before, strict=True)
            )
    assert all(p.dtype == torch.float64 for p in model.parameters())


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_state_of_another_type_is_the_error_of_packed_with_a_kernel_too(dtype, monkeypatch):
    def kernel(*_):
        raise AssertionError("a kernel was asked for")

    errors = []
    for execution in ("packed", "packed-compiled", "compiled"):
        params = ones(3, 20, dtype=torch.float64)
        optimizer = optimizers.Adam(params, execution="packed")
        feed(optimizer, range(4))
        torch.nn.ParameterList(params).to(dtype)
        optimizer.execution = execution
        monkeypatch.setattr(compiling, "_kernel", lambda variant: kernel)
        with pytest.raises(RuntimeError, match="dtype") as caught:
            feed(optimizer, [4])
        errors.append(str(caught.value))
    assert len(set(errors)) == 1


@kernels
def test_without_a_compiler_it_says_what_is_missing_and_changes_nothing(execution, monkeypatch):
    def broken(*_):
        raise FileNotFoundError("no g++")

    monkeypatch.setattr(compiling, "_compiled", set())  # other tests have compiled the same
    monkeypatch.setattr(compiling, "_kernel", lambda variant: broken)
    optimizer = optimizers.Adam(ones(2, 20), execution=execution)
    with pytest.raises(CompilerError, match=f"^Adam: execution '{execution}' needs .* no g\\+\\+$"):
        feed(optimizer, steps=[0])
    assert optimizer.execution == execution
    assert all(torch.equal(param, torch.ones(20)) for param in course.flat(optimizer))


def test_an_error_of_a_kernel_that_has_worked_is_no_compilers_error(monkeypatch):
    def works(*_):
        pass

    def fails(*_):
        raise ValueError("later")

    monkeypatch.setattr(compiling, "_compiled", set())
    optimizer = optimizers.Lion([torch.nn.Parameter(torch.ones(20))], execution="compiled")
    for kernel, error in ((works, None), (fails, ValueError)):
        monkeypatch.setattr(compiling, "_kernel", lambda variant, kernel=kernel: kernel)
        if error is None:
            feed(optimizer, [0])
        else:
            with pytest.raises(error, match="later"):
                feed(optimizer, [0])
    assert optimizer.execution == "compiled"
    compiling._compiled.clear()
