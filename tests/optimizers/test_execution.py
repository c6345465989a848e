"""The ways of executing a rule: the same numbers, the same parameters, whatever happens between."""

import contextlib
import copy
import gc
import io
import pickle
import shutil
import sys
import warnings

import numpy
import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

import optimizers
from optimizers import compiling, packing
from optimizers.grammar import parse
from optimizers.registry import OPTIMIZERS

FORMS = [
    *OPTIMIZERS,
    "adam:amsgrad=true:weight_decay=0.1",
    "adam:bias_correction=false",
    "adamw:maximize=true",
    "rmsprop:centered=true:momentum=0.8:eps=0.1",
    "sgd:weight_decay=0.1:maximize=true",
]
forms = pytest.mark.parametrize("form", FORMS)
SHAPES = [(7, 5), (33,), (), (1,), (0,), (3, 4, 5), (16,), (129,)]


every_row = pytest.mark.parametrize("row", OPTIMIZERS)
together = pytest.mark.parametrize("execution", ["auto", "packed"])


def make(form, params, execution, **values):
    (spec,) = parse(form)
    cls = type(spec.build([torch.nn.Parameter(torch.zeros(1))]))
    return cls(params, **spec.hyperparameters | values, execution=execution)


def parameters(dtype=torch.float64, shapes=SHAPES):
    draw = torch.Generator().manual_seed(0)
    found = [torch.nn.Parameter(torch.randn(s, generator=draw, dtype=dtype)) for s in shapes]
    strided = torch.randn(9, 6, generator=draw, dtype=dtype)
    images = torch.randn(4, 3, 5, 5, generator=draw, dtype=dtype)
    found.append(torch.nn.Parameter(strided.t()))
    found.append(torch.nn.Parameter(strided[:, ::2].detach()))
    found.append(torch.nn.Parameter(images.to(memory_format=torch.channels_last)))
    return found


def feed(params, seed, without=()):
    draw = torch.Generator().manual_seed(seed)
    for index, param in enumerate(params):
        grad = torch.randn(param.shape, generator=draw, dtype=torch.float64).to(param.dtype)
        param.grad = None if index in without else grad.contiguous()


def assert_same(ours, theirs, rtol=1e-12):
    for param, twin in zip(params_of(ours), params_of(theirs), strict=True):
        torch.testing.assert_close(param, twin, rtol=rtol, atol=rtol)
        state, twin_state = ours.state.get(param, {}), theirs.state.get(twin, {})
        assert state.keys() == twin_state.keys()
        for name in state:
            torch.testing.assert_close(
                state[name], twin_state[name], rtol=rtol, atol=rtol, check_stride=True
            )


def params_of(optimizer):
    return [param for group in optimizer.param_groups for param in group["params"]]


def is_packed(optimizer):
    plans = [plan for memory in optimizer._memory.values() for plan in memory.plans or ()]
    return any(plan._together for plan in plans)


@forms
@together
def test_steps_together_are_those_of_the_loop(form, execution, monkeypatch):
    monkeypatch.setattr(packing, "SMALL_ON_CPU", 100)
    monkeypatch.setattr(packing, "GATHERED_ON_CPU", 100)
    monkeypatch.setattr(packing, "SLICE", 50)
    pair = [make(form, parameters(), mode) for mode in (execution, "loop")]
    seen_packed = False
    for step in range(1, 15):
        without = {3: (4,), 5: (3, 5), 6: (3, 5), 7: (3, 5)}.get(step, ())
        without = (*without, 0, 6) if step < 5 else without
        for optimizer in pair:
            if step == 9:
                optimizer.param_groups[0]["lr"] *= 0.5
            feed(params_of(optimizer), 100 + step, without)
            optimizer.step()
        seen_packed |= is_packed(pair[0])
        assert_same(*pair)
    assert seen_packed
    assert not is_packed(pair[1])


@forms
def test_parameters_stay_the_same_objects_and_gradients_as_they_were(form):
    params = parameters()
    optimizer = make(form, params, "packed")
    for step in range(4):
        feed(params, step)
        before = [p.grad.clone() for p in params]
        grads = [p.grad for p in params]
        optimizer.step()
        for param, found, grad, old in zip(
            params_of(optimizer), params, grads, before, strict=True
        ):
            assert found is param
            assert param.grad is grad
            assert torch.equal(grad, old)
    assert is_packed(optimizer)


@pytest.fixture(params=["auto", "packed"])
def adam_pair(request):
    return [optimizers.Adam(parameters(), execution=mode) for mode in (request.param, "loop")]


def step_both(pair, seeds, without=(), rtol=1e-12):
    for seed in seeds:
        for optimizer in pair:
            feed(params_of(optimizer), seed, without)
            optimizer.step()
    assert_same(*pair, rtol)


def test_data_that_someone_replaced_is_stepped_where_it_now_is(adam_pair):
    pair = adam_pair
    step_both(pair, range(4))
    for optimizer in pair:
        params_of(optimizer)[1].data = torch.full((33,), 2.0, dtype=torch.float64)
    step_both(pair, range(4, 8))
    assert is_packed(pair[0])


def test_state_that_someone_replaced_is_the_state_from_then_on(adam_pair):
    pair = adam_pair
    step_both(pair, range(4))
    for optimizer in pair:
        state = optimizer.state[params_of(optimizer)[1]]
        state["exp_avg"] = torch.ones_like(state["exp_avg"])
        state["step"] = torch.tensor(50.0)
    step_both(pair, range(4, 6))
    for optimizer in pair:
        optimizer.state.clear()
    step_both(pair, range(6, 10))


def test_data_of_state_that_someone_replaced_is_the_state_from_then_on(adam_pair):
    pair = adam_pair
    step_both(pair, range(4))
    for optimizer in pair:
        entry = optimizer.state[params_of(optimizer)[1]]["exp_avg"]
        entry.data = torch.full_like(entry, 100.0)
    step_both(pair, range(4, 8))
    assert is_packed(pair[0])


@pytest.mark.parametrize("name", ["SGD", "Adam"])
def test_a_parameter_that_was_cut_steps_in_its_new_shape(name):
    pair = []
    for mode in ("packed", "loop"):
        params = [torch.nn.Parameter(torch.ones(6, 3)) for _ in range(3)]
        pair.append(getattr(optimizers, name)(params, execution=mode))
    step_both(pair, range(4))
    for optimizer in pair:
        param = params_of(optimizer)[0]
        param.grad, param.data = None, param.data[:4]
        optimizer.state.pop(param, None)
    step_both(pair, range(4, 8))


def test_gradients_that_flicker_put_off_the_next_plan():
    params = [torch.nn.Parameter(torch.ones(5)) for _ in range(4)]
    optimizer = optimizers.Adam(params, execution="packed")
    planned = []
    for seed in range(40):
        feed(params, seed, without=(0,) if seed // 2 % 2 else ())
        optimizer.step()
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
    for seed in range(3):
        feed(params, seed)
        optimizer.step()
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
    for size in (500, 1000, 2000):
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


def test_work_grows_as_the_number_of_groups_does():
    calls = []
    for size in (100, 200, 400):
        groups = [{"params": [torch.nn.Parameter(torch.ones(3))]} for _ in range(size)]
        optimizer = optimizers.Adam(groups, execution="packed")
        for param in params_of(optimizer):
            param.grad = torch.ones(3)
        with counting_calls(calls):
            for _ in range(3):
                optimizer.step()
    assert calls[2] - calls[1] == pytest.approx(2 * (calls[1] - calls[0]), rel=0.02)


@forms
@together
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32], ids=str)
def test_bits_are_those_of_the_loop_in_every_type(form, execution, dtype):
    shapes = [*SHAPES, (1003,), (20_000,), (70_001,), (150_001,)]
    pair = [make(form, parameters(dtype, shapes), mode) for mode in (execution, "loop")]
    for seed in range(4):
        for optimizer in pair:
            feed(params_of(optimizer), seed)
            optimizer.step()
    assert is_packed(pair[0]) is (dtype is torch.float32)
    assert all(map(same_bits, *map(params_of, pair)))
    for param, twin in zip(*map(params_of, pair), strict=True):
        states = [
            optimizer.state.get(p, {}) for optimizer, p in zip(pair, (param, twin), strict=True)
        ]
        assert all(same_bits(states[0][name], states[1][name]) for name in states[1])


def same_bits(left, right):
    return (
        left.dtype == right.dtype
        and torch.equal(left.isnan(), right.isnan())
        and torch.equal(left.nan_to_num(), right.nan_to_num())
    )


def test_weights_in_the_same_memory_each_step():
    ends = []
    for mode in ("auto", "packed", "loop"):
        memory = torch.ones(6)
        params = [torch.nn.Parameter(part) for part in (memory[:4], memory[2:], torch.ones(3))]
        optimizer = optimizers.Momentum(params, lr=0.1, execution=mode)
        for seed in range(4):
            feed(params, seed)
            optimizer.step()
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
        for seed in range(2 if mode == "packed" else 5):
            feed(params, seed)
            optimizer.step()
        ends.append(params)
    if execution == "auto":
        assert all(map(torch.equal, *ends))


@every_row
@pytest.mark.parametrize("execution", ["auto", "packed", "loop"])
def test_state_entries_of_others_are_left_alone(row, execution):
    params = [torch.nn.Parameter(torch.ones(5)) for _ in range(3)]
    optimizer = make(row, params, execution)
    others = {"name": "w", "count": 3, "nothing": None, "many": [torch.ones(2)]}
    for step in range(6):
        feed(params, step)
        optimizer.step()
        if step == 2:
            for param in params[1:]:
                optimizer.state[param].update(others)
    for param in params[1:]:
        assert {name: optimizer.state[param][name] for name in others} == others
    again = make(row, [torch.nn.Parameter(p.detach().clone()) for p in params], execution)
    again.load_state_dict(optimizer.state_dict())
    assert again.state[params_of(again)[1]]["name"] == "w"
    for each in (optimizer, again):
        for seed in range(6, 9):
            feed(params_of(each), seed)
            each.step()
    assert all(map(torch.equal, params_of(optimizer), params_of(again)))


@every_row
@pytest.mark.parametrize("execution", ["auto", "packed", "loop"])
@pytest.mark.parametrize("shape", [(), (1,), (1, 1, 1)])
def test_tensors_of_one_element_are_hyperparameters(row, execution, shape):
    def tensors(value):
        if isinstance(value, tuple):
            return tuple(map(tensors, value))
        is_number = isinstance(value, float)
        return torch.full(shape, value, dtype=torch.float64) if is_number else value

    (spec,) = parse(row)
    given = {name: tensors(value) for name, value in spec.hyperparameters.items()}
    pair = []
    for values in (given, {}):
        params = parameters(shapes=[(), (3,), (4, 2, 5)])
        optimizer = make(row, params, execution, **values)
        pair.append(optimizer)
    step_both(pair, range(4), rtol=1e-9)
    for name, value in given.items():  # what schedules write into
        assert pair[0].param_groups[0][name] is value


def test_tensors_set_between_steps_are_hyperparameters():
    pair = [optimizers.Adam(parameters(), execution=mode) for mode in ("auto", "loop")]
    step_both(pair, range(3))
    for optimizer, lr in zip(pair, (torch.tensor([0.25], dtype=torch.float64), 0.25), strict=True):
        optimizer.param_groups[0]["lr"] = lr
    step_both(pair, range(3, 6))


@every_row
@pytest.mark.parametrize("execution", ["auto", "packed", "loop"])
def test_tensors_without_numbers_step(row, execution):
    with FakeTensorMode():
        model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Linear(3, 2))
        optimizer = make(row, model.parameters(), execution)
        for _ in range(4):
            optimizer.zero_grad()
            model(torch.ones(2, 4)).sum().backward()
            optimizer.step()
    shapes = [p.shape for p in model.parameters()]
    assert [s["exp_avg"].shape for s in optimizer.state.values() if "exp_avg" in s] in ([], shapes)


@every_row
@pytest.mark.parametrize("execution", ["auto", "packed", "loop"])
def test_a_loaded_state_is_a_copy(row, execution):
    first, second = (make(row, parameters(), execution) for _ in range(2))
    for seed in range(3):
        feed(params_of(first), seed)
        first.step()
    saved = first.state_dict()
    before = copy.deepcopy(saved["state"])
    second.load_state_dict(saved)
    for seed in range(3, 7):
        feed(params_of(second), seed)
        second.step()
    for key, entries in before.items():
        for name, value in entries.items():
            assert torch.equal(first.state_dict()["state"][key][name], value)


@pytest.mark.parametrize("execution", ["auto", "packed", "loop"])
@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_centered_rmsprop_takes_no_root_of_a_negative_number(execution, momentum):
    draw = torch.Generator().manual_seed(0)
    params = [torch.nn.Parameter(torch.zeros(1000)) for _ in range(2)]
    optimizer = optimizers.RMSprop(
        params, centered=True, momentum=momentum, alpha=0.5, execution=execution
    )
    rates = torch.rand(1000, generator=draw) * 1e-3 + 1
    for _ in range(60):  # of a constant gradient the mean of squares is the square of the mean
        for param in params:
            param.grad = rates.clone()
        optimizer.step()
    state = optimizer.state[params[0]]
    assert (state["square_avg"] - state["grad_avg"] ** 2 < 0).any()
    assert all(param.isfinite().all() for param in params)


def test_loaded_state_goes_on_from_there(adam_pair):
    pair = adam_pair
    step_both(pair, range(4))
    saved = copy.deepcopy(pair[1].state_dict())
    step_both(pair, range(4, 7))
    for optimizer in pair:
        optimizer.load_state_dict(copy.deepcopy(saved))
    step_both(pair, range(7, 11))
    assert is_packed(pair[0])


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_a_copy_of_a_packed_optimizer_shares_nothing_with_it(adam_pair, copied):
    pair = adam_pair
    step_both(pair, range(4))
    twin = copied(pair[0])
    assert twin.execution == pair[0].execution
    before = [p.detach().clone() for p in params_of(twin)]
    step_both(pair, range(4, 8))
    for param, old in zip(params_of(twin), before, strict=True):
        assert torch.equal(param, old)
    other = copied(pair[1])
    other.load_state_dict(pair[1].state_dict())


def test_a_saved_state_dict_has_the_shapes_of_the_loop(adam_pair):
    pair = adam_pair
    step_both(pair, range(4))
    file = io.BytesIO()
    torch.save(pair[0].state_dict(), file)
    file.seek(0)
    loaded = torch.load(file, weights_only=True)
    for key, state in pair[1].state_dict()["state"].items():
        for name, value in state.items():
            torch.testing.assert_close(loaded["state"][key][name], value)


def test_a_group_added_later_and_a_frozen_parameter_step_rightly(adam_pair):
    pair = adam_pair
    step_both(pair, range(3))
    for optimizer in pair:
        extra = [torch.nn.Parameter(torch.full((4,), 0.5 * i).double()) for i in range(3)]
        optimizer.add_param_group({"params": extra, "lr": 0.1})
    step_both(pair, range(3, 6))
    step_both(pair, range(6, 10), without=(2, 5))
    step_both(pair, range(10, 14))
    assert is_packed(pair[0])


def test_a_changing_set_of_gradients_steps_rightly(adam_pair):
    pair = adam_pair
    for seed in range(12):
        step_both(pair, [seed], without=(seed % 3, 5))


def test_memory_that_others_look_at_is_left_where_it_is():
    base = torch.randn(10, dtype=torch.float64)
    halves = [torch.nn.Parameter(base[:5]), torch.nn.Parameter(base[5:])]
    watched = torch.nn.Parameter(torch.randn(6, dtype=torch.float64))
    watcher = watched.detach()
    own = [torch.nn.Parameter(torch.randn(6, dtype=torch.float64)) for _ in range(2)]
    optimizer = optimizers.Adam([*halves, watched, *own], execution="packed")
    pointers = [p.data_ptr() for p in (*halves, watched)]
    for seed in range(4):
        feed(params_of(optimizer), seed)
        optimizer.step()
    assert [p.data_ptr() for p in (*halves, watched)] == pointers
    assert torch.equal(watcher, watched)
    assert torch.equal(base, torch.cat([h.detach() for h in halves]))
    assert is_packed(optimizer)


def test_memory_that_someone_looks_at_after_packing_is_left_where_it_is():
    params = [torch.nn.Parameter(torch.randn(6)) for _ in range(3)]
    optimizer = optimizers.Adam(params, execution="packed")
    for seed in range(4):
        feed(params, seed)
        optimizer.step()
    watcher = params[0].detach()
    params[2].data = torch.zeros(6)  # so that the pack is dropped and made again
    for seed in range(4):
        feed(params, seed)
        optimizer.step()
    assert torch.equal(watcher, params[0])


def test_a_backward_pass_through_what_a_step_has_changed_is_refused():
    params = [torch.nn.Parameter(torch.ones(5)) for _ in range(3)]
    optimizer = optimizers.Adam(params, execution="packed")
    for seed in range(3):
        feed(params, seed)
        optimizer.step()
    assert is_packed(optimizer)
    for param in params:
        loss = param.square().sum()
        optimizer.step()
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            loss.backward()


def test_tied_weights_step_once():
    layer = torch.nn.Linear(4, 4, bias=False)
    model = torch.nn.Sequential(layer, torch.nn.Tanh(), layer, torch.nn.Linear(4, 2))
    twin = copy.deepcopy(model)
    pair = [
        optimizers.Adam(model.parameters(), lr=0.1, execution="packed"),
        optimizers.Adam(twin.parameters(), lr=0.1, execution="loop"),
    ]
    for _ in range(5):
        for optimizer, network in zip(pair, (model, twin), strict=True):
            optimizer.zero_grad()
            network(torch.ones(3, 4)).square().sum().backward()
            optimizer.step()
    assert model[0].weight is model[2].weight
    for param, other in zip(model.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(param, other)


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


def test_a_parameter_can_be_dropped():
    params = [torch.nn.Parameter(torch.randn(6)) for _ in range(3)]
    optimizer = optimizers.Adam(params, execution="packed")
    for seed in range(3):
        feed(params, seed)
        optimizer.step()
    del optimizer.state[params[0]]
    optimizer.param_groups[0]["params"] = params[1:]
    before = params[0].detach().clone()
    for seed in range(3):
        feed(params, seed)
        optimizer.step()
    gc.collect()
    assert torch.equal(params[0], before)


@pytest.mark.parametrize("execution", ["fast", "", None, 1])
def test_an_unknown_execution_is_refused(execution):
    with pytest.raises(ValueError, match="^Adam: expected execution to be one of auto, loop, "):
        optimizers.Adam(parameters(), execution=execution)


def test_execution_is_no_part_of_the_groups_or_of_a_recorded_spec():
    optimizer = optimizers.Adam(parameters(), execution="loop")
    assert "execution" not in optimizer.param_groups[0]
    assert "execution" not in parse("adam")[0].hyperparameters


def test_without_a_compiler_it_says_so_and_goes_on(monkeypatch):
    def broken(*_):
        raise FileNotFoundError("no g++")

    monkeypatch.setattr(compiling, "_compiled", set())  # other tests have compiled the same
    monkeypatch.setattr(compiling, "_kernel", lambda variant: broken)
    pair = [optimizers.Adam(parameters(), execution=mode) for mode in ("compiled", "loop")]
    with pytest.warns(RuntimeWarning, match="torch.compile does not work here, .* no g\\+\\+"):
        step_both(pair, range(4))
    assert pair[0].execution == "auto"
    step_both(pair, range(4, 8))


def test_an_error_of_a_kernel_that_has_worked_is_no_compilers_error(monkeypatch):
    def works(*_):
        pass

    def fails(*_):
        raise ValueError("later")

    monkeypatch.setattr(compiling, "_compiled", set())
    optimizer = optimizers.Lion([torch.nn.Parameter(torch.ones(20))], execution="compiled")
    for kernel, error in ((works, None), (fails, ValueError)):
        monkeypatch.setattr(compiling, "_kernel", lambda variant, kernel=kernel: kernel)
        feed(params_of(optimizer), 0)
        if error is None:
            optimizer.step()
        else:
            with pytest.raises(error, match="later"):
                optimizer.step()
    assert optimizer.execution == "compiled"
    compiling._compiled.clear()


needs_compiler = pytest.mark.skipif(
    not (shutil.which("g++") or shutil.which("clang++")), reason="no C++ compiler here"
)


def compiled_pair(form):
    shapes = [(7, 5), (33,), (1,), (70_000,), (16,)]
    pair = []
    for mode in ("compiled", "loop"):
        draw = torch.Generator().manual_seed(0)
        params = [torch.randn(s, generator=draw, dtype=torch.float64) for s in shapes]
        pair.append(make(form, [torch.nn.Parameter(p) for p in params], mode))
    return pair


@needs_compiler
@pytest.mark.slow
@forms
def test_compiled_steps_are_those_of_the_loop(form):
    pair = compiled_pair(form)
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        step_both(pair, range(8))
        for optimizer in pair:
            optimizer.param_groups[0]["lr"] *= 0.5
        step_both(pair, range(8, 10))
    assert pair[0].execution == "compiled"


@needs_compiler
@pytest.mark.slow
def test_a_schedule_of_50_steps_compiles_nothing_again():
    from torch._dynamo.utils import counters

    optimizer = compiled_pair("nadam:weight_decay=0.1")[0]
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=60)
    for seed in range(3):
        feed(params_of(optimizer), seed)
        optimizer.step()
        scheduler.step()
    before = counters["stats"]["unique_graphs"]
    for seed in range(3, 53):
        feed(params_of(optimizer), seed)
        optimizer.step()
        scheduler.step()
    assert counters["stats"]["unique_graphs"] == before
    assert optimizer.execution == "compiled"
