"""What every optimizer promises besides its rule, for every row of the table."""

import copy
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


@pytest.mark.parametrize("shape", [(), (1,), (1, 1, 1)])
def test_a_learning_rate_in_a_tensor_can_be_loaded(shape):
    ends = []
    for lr in (torch.full(shape, 0.25), 0.25):
        params = [parameter(), torch.nn.Parameter(torch.tensor(2.0))]
        optimizer = optimizers.Adam(params)
        saved = optimizer.state_dict()
        saved["param_groups"][0]["lr"] = lr
        optimizer.load_state_dict(saved)
        for param in params:
            param.grad = torch.full_like(param, 0.75)
        optimizer.step()
        ends.append(params)
    torch.testing.assert_close(*ends, rtol=1e-6, atol=0)


@pytest.mark.parametrize("default", [torch.float32, torch.float64])
def test_steps_are_counted_per_parameter_in_a_0d_tensor_of_the_default_type(default):
    before = torch.get_default_dtype()
    torch.set_default_dtype(default)
    try:
        param = torch.nn.Parameter(torch.zeros(2, dtype=torch.bfloat16))
        optimizer = optimizers.Adam([param])
        for _ in range(2):
            param.grad = torch.ones_like(param)
            optimizer.step()
    finally:
        torch.set_default_dtype(before)
    step = optimizer.state[param]["step"]
    assert (step.shape, step.dtype, step.device.type, step.item()) == ((), default, "cpu", 2)


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


def test_named_parameters_keep_their_names():
    model = torch.nn.Linear(2, 1)
    optimizer = optimizers.Adam(model.named_parameters())
    assert optimizer.state_dict()["param_groups"][0]["param_names"] == ["weight", "bias"]


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
