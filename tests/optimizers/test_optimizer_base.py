"""What every optimizer promises besides its rule, for every row of the table."""

import copy
import io
import math
import pickle
from pkgutil import resolve_name

import numpy
import pytest
import torch

import optimizers
from optimizers.registry import OPTIMIZERS

CLASSES = {name: resolve_name(row.target) for name, row in OPTIMIZERS.items()}
every = pytest.mark.parametrize("cls", CLASSES.values(), ids=CLASSES)


def parameter(*values, dtype=torch.float32):
    return torch.nn.Parameter(torch.tensor(values or (1.0, -2.0, 3.0), dtype=dtype))


def stepped(cls, steps=3, **values):
    param = parameter()
    optimizer = cls([param], **values)
    for step in range(steps):
        param.grad = torch.tensor([0.5, -1.0, step + 0.25])
        optimizer.step()
    return optimizer, param


def values_of(optimizer):
    return [param.tolist() for group in optimizer.param_groups for param in group["params"]]


@every
@pytest.mark.parametrize("values", [{}, {"weight_decay": 0.1, "maximize": True}])
@pytest.mark.parametrize("dtype", [torch.float32, torch.complex64])
def test_the_gradient_is_left_as_it_was(cls, values, dtype):
    param = parameter(dtype=dtype)
    optimizer = cls([param], **values)
    param.grad = grad = torch.tensor([0.5, -1.0, 2.0], dtype=dtype)
    before, version = grad.clone(), grad._version
    for _ in range(3):
        optimizer.step()
    assert param.grad is grad
    assert torch.equal(grad, before)
    assert grad._version == version


@every
def test_a_closure_runs_with_gradients_and_its_loss_is_returned(cls):
    param = parameter()
    optimizer = cls([param])
    modes = []

    def closure():
        modes.append(torch.is_grad_enabled())
        optimizer.zero_grad()
        loss = (param**2).sum()
        loss.backward()
        return loss

    before = param.detach().clone()
    with torch.no_grad():
        loss = optimizer.step(closure)
    assert modes == [True]
    assert loss.item() == 14.0
    assert not torch.equal(param, before)
    assert optimizer.step() is None


@every
def test_a_parameter_without_gradient_rests_and_gets_no_moments(cls):
    moving, resting = parameter(), parameter()
    optimizer = cls([moving, resting], weight_decay=0.1)
    moving.grad = torch.ones(3)
    optimizer.step()
    assert torch.equal(resting, parameter())
    assert not torch.equal(moving, parameter())
    if cls is optimizers.Adagrad:
        assert optimizer.state[resting]["step"] == 0
    else:
        assert resting not in optimizer.state


@every
@pytest.mark.parametrize("again", [copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))])
def test_a_copy_goes_on_as_the_original(cls, again):
    optimizer, param = stepped(cls, lr=0.1)
    twin = again(optimizer)
    twin_param = twin.param_groups[0]["params"][0]
    assert twin_param is not param
    for each, each_param in ((optimizer, param), (twin, twin_param)):
        each_param.grad = torch.tensor([1.0, 2.0, -3.0])
        each.step()
    assert values_of(twin) == values_of(optimizer)
    assert repr(twin) == repr(optimizer)


@every
def test_a_resumed_optimizer_goes_on_as_one_that_never_stopped(cls):
    optimizer, param = stepped(cls, lr=0.1)
    resumed = cls([torch.nn.Parameter(param.detach().clone())])
    file = io.BytesIO()
    torch.save(optimizer.state_dict(), file)
    file.seek(0)
    resumed.load_state_dict(torch.load(file, weights_only=True))
    assert resumed.param_groups[0]["lr"] == 0.1
    for each in (optimizer, resumed):
        each.param_groups[0]["params"][0].grad = torch.tensor([1.0, 2.0, -3.0])
        each.step()
    assert values_of(resumed) == values_of(optimizer)


@every
def test_a_state_saved_before_a_hyperparameter_existed_takes_its_default(cls):
    optimizer, _ = stepped(cls)
    saved = optimizer.state_dict()
    for group in saved["param_groups"]:
        del group["maximize"], group["weight_decay"]
    other = cls([parameter()])
    other.load_state_dict(saved)
    assert other.param_groups[0]["maximize"] is False
    assert other.param_groups[0]["weight_decay"] == other.defaults["weight_decay"]
    del optimizer.defaults["maximize"], optimizer.param_groups[0]["maximize"]
    assert pickle.loads(pickle.dumps(optimizer)).param_groups[0]["maximize"] is False


@every
def test_repr_names_the_class_and_every_hyperparameter(cls):
    optimizer = cls([parameter()], lr=0.125)
    text = repr(optimizer)
    assert text.startswith(cls.__name__)
    assert "lr: 0.125" in text
    assert all(f"{name}: " in text for name in (*cls.bounds, *cls.flags) if name != "params")


@every
def test_hooks_run_around_the_step(cls):
    optimizer, param = stepped(cls)
    seen = []
    optimizer.register_step_pre_hook(lambda *_: seen.append(("before", param.tolist())))
    optimizer.register_step_post_hook(lambda *_: seen.append(("after", param.tolist())))
    optimizer.step()
    assert [when for when, _ in seen] == ["before", "after"]
    assert seen[0][1] != seen[1][1]


@every
def test_sparse_gradients_are_refused_with_advice(cls):
    if cls.takes_sparse:
        pytest.skip("it takes them")
    param = parameter()
    optimizer = cls([param])
    param.grad = torch.ones(3).to_sparse()
    with pytest.raises(RuntimeError, match=f"^{cls.__name__} does not take sparse .*sparse=False"):
        optimizer.step()


@pytest.mark.parametrize("name", ["SGD", "Adagrad"])
@pytest.mark.parametrize("maximize", [False, True])
def test_a_sparse_gradient_moves_as_its_dense_form(name, maximize):
    sparse, dense = (torch.nn.Parameter(torch.arange(12.0).reshape(6, 2)) for _ in range(2))
    make = getattr(optimizers, name)
    both = make([sparse], lr=0.1, maximize=maximize), make([dense], lr=0.1, maximize=maximize)
    for step in range(4):
        rows = torch.tensor([[step, 5, 5]])  # row 5 twice: its values add up
        grad = torch.sparse_coo_tensor(rows, torch.randn(3, 2), (6, 2), check_invariants=True)
        sparse.grad, dense.grad = grad, grad.to_dense()
        for optimizer in both:
            optimizer.step()
        torch.testing.assert_close(sparse, dense)
    with pytest.raises(RuntimeError, match="weight_decay does not go with sparse gradients"):
        make([sparse], weight_decay=0.1).step()


@every
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_complex_parameters_move_as_their_real_and_imaginary_parts(cls, decay):
    start = torch.tensor([1 + 2j, -3 + 0.5j], dtype=torch.complex128)
    whole = torch.nn.Parameter(start.clone())
    parts = torch.nn.Parameter(torch.view_as_real(start).clone())
    both = cls([whole], lr=0.1, weight_decay=decay), cls([parts], lr=0.1, weight_decay=decay)
    for step in range(4):
        grad = (start * (step + 1)).conj()  # lazily conjugated: view_as_real would refuse it
        whole.grad, parts.grad = grad, torch.view_as_real(grad.resolve_conj())
        for optimizer in both:
            optimizer.step()
        torch.testing.assert_close(torch.view_as_real(whole), parts, rtol=1e-14, atol=0)


@every
@pytest.mark.parametrize("shape", [(), (1,), (1, 1), (1, 1, 1)])
def test_a_tensor_of_one_element_is_a_learning_rate(cls, shape):
    plain, scalar = parameter(), torch.nn.Parameter(torch.tensor(2.0))
    twins = parameter(), torch.nn.Parameter(torch.tensor(2.0))
    with_tensor = cls([plain, scalar], lr=torch.full(shape, 0.125))
    with_float = cls(twins, lr=0.125)
    for _ in range(3):
        for param in (plain, scalar, *twins):
            param.grad = torch.full_like(param, 0.75)
        with_tensor.step()
        with_float.step()
    torch.testing.assert_close([plain, scalar], list(twins), rtol=1e-6, atol=0)
    pairs = []
    for lr in (torch.full(shape, 0.25), 0.25):
        params = [parameter(), torch.nn.Parameter(torch.tensor(2.0))]
        again = cls(params)
        saved = with_tensor.state_dict()
        saved["param_groups"][0]["lr"] = lr  # a tensor as torch would write it
        again.load_state_dict(saved)
        for param in params:
            param.grad = torch.full_like(param, 0.75)
        again.step()
        pairs.append(params)
    torch.testing.assert_close(*pairs, rtol=1e-6, atol=0)


@every
def test_state_lies_in_memory_as_the_parameter_does(cls):
    param = torch.nn.Parameter(
        torch.zeros(2, 3, 4, 5).contiguous(memory_format=torch.channels_last)
    )
    optimizer = cls([param])
    param.grad = torch.ones_like(param)
    optimizer.step()
    for name, tensor in optimizer.state[param].items():
        assert name in cls.counters or tensor.stride() == param.stride()


@every
@pytest.mark.parametrize("default", [torch.float32, torch.float64])
def test_steps_are_counted_per_parameter_in_a_0d_tensor_of_the_default_type(cls, default):
    before = torch.get_default_dtype()
    torch.set_default_dtype(default)
    try:
        param = torch.nn.Parameter(torch.zeros(2, dtype=torch.bfloat16))
        optimizer = cls([param])
        param.grad = torch.ones_like(param)
        optimizer.step()
        optimizer.step()
    finally:
        torch.set_default_dtype(before)
    if "step" in cls.counters:
        step = optimizer.state[param]["step"]
        assert (step.shape, step.dtype, step.device.type, step.item()) == ((), default, "cpu", 2)
    else:
        assert "step" not in optimizer.state[param]


@every
def test_a_parameter_unfrozen_late_starts_its_own_count(cls):
    early, late = parameter(), parameter()
    optimizer = cls([early, late])
    for step in range(5):
        early.grad = torch.ones(3)
        if step == 3:
            late.grad = torch.ones(3)
        optimizer.step()
    if "step" in cls.counters:
        assert [optimizer.state[p]["step"].item() for p in (early, late)] == [5, 2]
    fresh, param = cls([alone := parameter()]), alone
    for _ in range(2):
        param.grad = torch.ones(3)
        fresh.step()
    assert torch.equal(late, param)


@every
def test_one_optimizer_with_two_groups_is_two_optimizers(cls):
    a, b, c, d = (parameter() for _ in range(4))
    together = cls([{"params": [a], "lr": 0.1}], weight_decay=0.2)
    together.add_param_group({"params": [b], "weight_decay": 0.0})
    apart = cls([c], lr=0.1, weight_decay=0.2), cls([d], weight_decay=0.0)
    for step in range(4):
        for param in (a, b, c, d):
            param.grad = torch.tensor([1.0, -1.0, float(step)])
        for optimizer in (together, *apart):
            optimizer.step()
    assert torch.equal(a, c)
    assert torch.equal(b, d)
    assert not torch.equal(a, b)


@every
@pytest.mark.parametrize("name", ["lr", "weight_decay"])
@pytest.mark.parametrize("value", [-0.1, math.nan, math.inf, "abc", None, True, torch.ones(2)])
def test_what_is_no_number_in_bounds_is_refused_in_one_line(cls, name, value):
    with pytest.raises(
        ValueError, match=rf"^{cls.__name__}: expected {name} to be a number >= 0, got "
    ):
        cls([parameter()], **{name: value})
    with pytest.raises(ValueError, match=name):
        cls([{"params": [parameter()], name: value}])


@every
def test_every_bound_and_flag_is_checked(cls):
    for name, bound in cls.bounds.items():
        beyond = -1e-9 if bound.high == math.inf else bound.high
        value = (beyond,) * bound.count if bound.count > 1 else beyond
        with pytest.raises(ValueError, match=f"expected {name} to be .* got "):
            cls([parameter()], **{name: value})
    for name in cls.flags:
        with pytest.raises(ValueError, match=f"expected {name} to be a bool, got 1"):
            cls([parameter()], **{name: 1})


@pytest.mark.parametrize("betas", [0.9, (0.9,), (0.9, 0.9, 0.9), (0.9, "b"), (0.9, 1.0), None])
def test_betas_are_two_numbers_below_one(betas):
    expected = "^Adam: expected betas to be 2 numbers >= 0 and < 1, got "
    with pytest.raises(ValueError, match=expected):
        optimizers.Adam([parameter()], betas=betas)


@every
def test_an_unknown_argument_is_refused(cls):
    with pytest.raises(TypeError, match="lrr"):
        cls([parameter()], lrr=0.1)


@pytest.mark.parametrize("name", ["sgd", "momentum", "adam", "rmsprop"])
def test_a_scheduler_moves_the_learning_rate(name):
    optimizer, param = stepped(CLASSES[name], lr=0.5)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.0)
    optimizer.step()
    scheduler.step()
    before = param.tolist()
    optimizer.step()
    assert optimizer.param_groups[0]["lr"] == 0.0
    assert param.tolist() == before
    torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer).step(1.0)


@pytest.mark.parametrize("name", ["momentum", "nesterov", "rmsprop", "adam"])
def test_one_cycle_turns_the_momentum_too(name):
    optimizer, _ = stepped(CLASSES[name], steps=0)
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=5)
    group = optimizer.param_groups[0]
    seen = []
    for _ in range(4):
        seen.append(group["momentum"] if "momentum" in group else group["betas"][0])
        optimizer.step()
        cycle.step()
    assert len(set(seen)) > 1


@pytest.mark.parametrize("built_after", [0, 3])
@pytest.mark.parametrize(
    "schedule",
    [
        lambda o: torch.optim.lr_scheduler.OneCycleLR(o, max_lr=0.1, total_steps=9),
        lambda o: torch.optim.lr_scheduler.CyclicLR(o, 0.01, 0.1, step_size_up=2),
    ],
    ids=["OneCycleLR", "CyclicLR"],
)
def test_cycles_turn_the_momentum_of_sgd_as_of_torchs(schedule, built_after):
    ends = []
    for cls in (optimizers.SGD, torch.optim.SGD):
        params = [torch.nn.Parameter(torch.ones(n, dtype=torch.float64)) for n in (3, 4, 5)]
        optimizer = cls(params, lr=0.05)
        cycle = None
        for step in range(8):
            if step == built_after:
                cycle = schedule(optimizer)
            for param in params:
                param.grad = param.detach().cos()
            optimizer.step()
            if cycle is not None:
                cycle.step()
        ends.append((params, optimizer.state_dict()))
    (ours, saved), (theirs, torchs) = ends
    assert all(map(torch.equal, ours, theirs))
    assert saved["param_groups"][0]["momentum"] == torchs["param_groups"][0]["momentum"] != 0
    resumed = optimizers.SGD(ours)
    resumed.load_state_dict(saved)
    assert resumed.param_groups[0]["momentum"] == torchs["param_groups"][0]["momentum"]


def test_sgd_with_momentum_refuses_sparse_gradients():
    param = torch.nn.Parameter(torch.ones(4, 2))
    optimizer = optimizers.SGD([param])
    optimizer.param_groups[0]["momentum"] = 0.9
    param.grad = torch.ones(4, 2).to_sparse(1)
    with pytest.raises(RuntimeError, match="SGD: momentum does not go with sparse gradients"):
        optimizer.step()


@pytest.mark.parametrize(
    ("theirs", "values", "ours", "word"),
    [
        ("SGD", {"momentum": 0.9, "dampening": 0.5}, "SGD", "dampening"),
        ("SGD", {"momentum": 0.9, "nesterov": True}, "Momentum", "nesterov"),
        ("SGD", {"momentum": 0.9, "dampening": 0.5}, "Momentum", "dampening"),
        ("SGD", {"momentum": 0.9}, "Nesterov", "nesterov"),
        ("AdamW", {}, "Adam", "decoupled_weight_decay"),
    ],
)
def test_the_state_of_another_rule_is_refused(theirs, values, ours, word):
    saved = getattr(torch.optim, theirs)([parameter()], **values).state_dict()
    optimizer = getattr(optimizers, ours)([parameter()])
    before = copy.deepcopy(optimizer.state_dict())
    with pytest.raises(ValueError, match=f"^{ours}: {word} is always "):
        optimizer.load_state_dict(saved)
    assert optimizer.state_dict() == before


def test_sgd_keeps_no_state():
    optimizer, _ = stepped(optimizers.SGD)
    assert optimizer.state_dict()["state"] == {}


def test_adagrad_has_its_state_before_the_first_step():
    param = parameter()
    optimizer = optimizers.Adagrad([param], initial_accumulator_value=0.5)
    assert optimizer.state[param]["step"] == 0
    assert optimizer.state[param]["sum"].tolist() == [0.5, 0.5, 0.5]


def test_named_parameters_keep_their_names():
    model = torch.nn.Linear(2, 1)
    optimizer = optimizers.Adam(model.named_parameters())
    assert optimizer.state_dict()["param_groups"][0]["param_names"] == ["weight", "bias"]


def test_a_gradient_scaler_skips_the_step_that_overflowed():
    optimizer, param = stepped(optimizers.Momentum)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0)
    before, buffer = param.tolist(), optimizer.state[param]["momentum_buffer"].tolist()
    scaler.scale(torch.tensor(1.0, requires_grad=True))
    param.grad = torch.tensor([1.0, math.inf, 1.0])
    scaler.step(optimizer)
    scaler.update()
    assert param.tolist() == before
    assert optimizer.state[param]["momentum_buffer"].tolist() == buffer


def test_a_huge_gradient_of_a_small_type_does_not_make_radam_stand_for_nothing():
    param = torch.nn.Parameter(torch.ones(3, dtype=torch.float16))
    optimizer = optimizers.RAdam([param], lr=1e-3)
    param.grad = torch.full_like(param, 1e4)
    optimizer.step()
    assert torch.isfinite(param).all()


@every
def test_counters_that_were_numbers_in_an_old_checkpoint_go_on_as_tensors(cls):
    optimizer, _ = stepped(cls)
    twin, _ = stepped(cls)
    saved = copy.deepcopy(optimizer.state_dict())
    for state in saved["state"].values():
        for name in cls.counters:
            state[name] = state[name].item()
    twin.load_state_dict(saved)
    for each in (optimizer, twin):
        each.param_groups[0]["params"][0].grad = torch.ones(3)
        each.step()
    assert values_of(twin) == values_of(optimizer)


def test_a_misspelt_hyperparameter_of_a_group_is_refused_and_other_keys_are_kept():
    with pytest.raises(ValueError, match="Adam: a group has 'weight_decy'. Did you mean 'weight_d"):
        optimizers.Adam([{"params": [parameter()], "weight_decy": 0.1}])
    optimizer = optimizers.Adam([{"params": [parameter()], "layer": "head"}])
    assert optimizer.param_groups[0]["layer"] == "head"


def test_what_torchs_class_does_not_know_keeps_our_own_value_on_load():
    saved = torch.optim.Adam([parameter()]).state_dict()
    optimizer = optimizers.Adam([parameter()], bias_correction=False)
    optimizer.load_state_dict(saved)
    assert optimizer.param_groups[0]["bias_correction"] is False


def test_numbers_of_numpy_are_numbers():
    group = optimizers.Adam([parameter()], lr=numpy.float32(0.5)).param_groups[0]
    assert group["lr"] == 0.5


def test_a_parameter_that_cannot_be_written_in_place_is_refused():
    param = torch.nn.Parameter(torch.ones(3, dtype=torch.cfloat).conj())
    optimizer = optimizers.SGD([param], lr=0.1)
    param.grad = torch.ones_like(param)
    with pytest.raises(RuntimeError, match="conj"):
        optimizer.step()
