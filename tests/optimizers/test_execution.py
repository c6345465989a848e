"""The ways of executing a rule: the same numbers, the same parameters, whatever happens between."""

import copy
import gc
import io
import pickle
import shutil
import warnings

import numpy
import pytest
import torch

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


def step_both(pair, seeds, without=()):
    for seed in seeds:
        for optimizer in pair:
            feed(params_of(optimizer), seed, without)
            optimizer.step()
    assert_same(*pair)


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
