import copy
import pickle

import pytest
import torch

from optimizers.errors import SpecError
from optimizers.grammar import describe_tunables, parse
from optimizers.rules.adamw import AdamW
from optimizers.spec import OptimizerSpec
from optimizers.split import SplitOptimizer

INPUTS = torch.linspace(-1, 1, 15).reshape(5, 3)


def network():
    return torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2))


def train(optimizer, model, steps=4):
    def closure():
        optimizer.zero_grad()
        loss = model(INPUTS).square().sum()
        loss.backward()
        return loss

    return [optimizer.step(closure).item() for _ in range(steps)]


def test_matrices_and_the_rest_move_as_each_with_its_own_optimizer():
    model = network()
    twin = copy.deepcopy(model)
    (spec,) = parse("torch.optim.Muon:lr=0.02:rest.lr=0.01")
    losses = train(spec.build(model.parameters()), model)
    muon = torch.optim.Muon([p for p in twin.parameters() if p.ndim == 2], lr=0.02)
    adamw = AdamW([p for p in twin.parameters() if p.ndim == 1], lr=0.01)
    for expected in losses:
        for optimizer in (muon, adamw):
            optimizer.zero_grad()
        loss = twin(INPUTS).square().sum()
        loss.backward()
        muon.step()
        adamw.step()
        assert loss.item() == expected
    for param, other in zip(model.parameters(), twin.parameters(), strict=True):
        assert torch.equal(param, other)


def test_what_takes_the_rest_is_recorded_and_can_be_chosen():
    default, chosen = parse("torch.optim.Muon,torch.optim.Muon@m:rest=sgd:rest.lr=0.5")
    assert (default.rest.name, chosen.rest.name) == ("adamw", "sgd")
    assert chosen.to_json()["rest"]["hyperparameters"]["lr"] == 0.5
    assert "rest" not in chosen.hyperparameters
    assert OptimizerSpec.from_json(chosen.to_json()) == chosen
    assert "rest" not in parse("adam")[0].to_json()


@pytest.mark.parametrize(
    "rest",
    [
        "torch.optim.Muon",
        "torch.optim.Muon:rest.lr=0.1",
        "torch.optim.Muon:rest.rest=sgd",
        "tests.plugins.contracts.Wrapper:rest.optimizer=torch.optim.Muon",
    ],
)
@pytest.mark.parametrize("describe", [parse, describe_tunables])
def test_the_rest_accepts_vectors(rest, describe):
    name = rest.partition(":")[0]
    with pytest.raises(SpecError) as caught:
        describe(f"torch.optim.Muon:rest={rest}:schedule=constant|cosine")
    assert str(caught.value) == (
        f"torch.optim.Muon: the rest must accept vectors, and {name} accepts only matrices: leave "
        "rest out for adamw, or give another, such as rest=sgd"
    )


@pytest.mark.parametrize("setting", ["schedule=cosine", "warmup=0.1", "create_graph=true"])
def test_what_holds_for_the_whole_network_is_not_set_for_the_rest(setting):
    key, _, value = setting.partition("=")
    with pytest.raises(SpecError) as caught:
        parse(f"torch.optim.Muon:rest.{setting}")
    told = str(caught.value)
    assert told.startswith(f"torch.optim.Muon: {key} is set for matrices and the rest together")
    assert f"give {key}={'True' if value == 'true' else value} in place of rest.{key}" in told


def test_an_optimizer_that_takes_vectors_has_no_rest():
    with pytest.raises(SpecError, match="adam has no hyperparameter 'rest'"):
        parse("adam:rest=sgd")


def test_schedules_reach_both_and_state_is_that_of_both():
    model = network()
    optimizer = parse("torch.optim.Muon")[0].build(model.parameters())
    assert [len(group["params"]) for group in optimizer.param_groups] == [2, 2]
    train(optimizer, model)
    assert set(map(id, optimizer.state)) == set(map(id, model.parameters()))


def test_a_state_dict_goes_on_in_a_copy():
    model = network()
    (spec,) = parse("torch.optim.Muon")
    optimizer = spec.build(model.parameters())
    train(optimizer, model)
    twin = copy.deepcopy(model)
    resumed = spec.build(twin.parameters())
    resumed.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    assert train(resumed, twin) == train(optimizer, model)


def test_a_network_of_matrices_alone_needs_no_second_optimizer():
    optimizer = parse("torch.optim.Muon")[0].build([torch.nn.Parameter(torch.zeros(2, 2))])
    assert isinstance(optimizer, SplitOptimizer)
    assert len(optimizer._parts) == 1


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_a_copy_goes_on_as_the_original(copied):
    model = network()
    optimizer = parse("torch.optim.Muon")[0].build(model.parameters())
    train(optimizer, model)
    twin, twin_model = copied((optimizer, model))
    assert train(twin, twin_model) == train(optimizer, model)


def test_a_group_added_later_is_split_too():
    first, matrix, vector = (torch.nn.Parameter(torch.ones(s)) for s in ((2, 2), (3, 3), (4,)))
    optimizer = parse("torch.optim.Muon")[0].build([{"params": first}])
    optimizer.add_param_group({"params": iter([matrix, vector]), "lr": 0.25})
    assert [group["lr"] for group in optimizer.param_groups] == [1e-3, 0.25, 0.25]
    for param in (first, matrix, vector):
        param.grad = torch.ones_like(param)
    optimizer.step()
    assert all(not torch.equal(p, torch.ones_like(p)) for p in (first, matrix, vector))


def test_named_parameters_are_taken():
    model = network()
    optimizer = parse("torch.optim.Muon")[0].build(model.named_parameters())
    train(optimizer, model)
    assert len(optimizer.state) == 4


def test_both_parts_are_switched():
    (spec,) = parse(
        "tests.plugins.contracts.MatrixAveraging:rest=tests.plugins.contracts.Averaging"
    )
    optimizer = spec.build(network().parameters())
    optimizer.train()
    optimizer.eval()
    assert [part.switches for part in optimizer._parts.values()] == [["train", "eval"]] * 2
