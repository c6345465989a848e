import copy
import json
import pickle

import pytest
import torch

from optimizers import Adam
from optimizers.grammar import parse
from optimizers.schedules import Schedule
from optimizers.spec import OptimizerSpec

TEXTS = [
    "adam",
    "adam:betas=(0.5,0.9):schedule=cosine:warmup=0.05",
    "momentum@heavy ball:lr=0.1",
    "rmsprop:centered=true",
    "torch.optim.AdamW:weight_decay=0.05",
    "torch.optim.LBFGS",
    "torch.optim.Muon:ns_coefficients=(3.4,-4.7,2.0)",
]


@pytest.mark.parametrize("text", TEXTS)
def test_a_spec_survives_json_pickle_and_copy(text):
    (spec,) = parse(text)
    through_json = OptimizerSpec.from_json(json.loads(json.dumps(spec.to_json(), allow_nan=False)))
    for again in (through_json, pickle.loads(pickle.dumps(spec)), copy.deepcopy(spec)):
        assert again == spec
        assert hash(again) == hash(spec)
        assert again.to_json() == spec.to_json()


def test_json_holds_plain_types_alone():
    (spec,) = parse("adam:betas=(0.5,0.9)")
    assert spec.to_json() == {
        "name": "adam",
        "label": "adam betas=(0.5,0.9)",
        "target": "optimizers.adam:Adam",
        "hyperparameters": {
            "lr": 0.001,
            "betas": [0.5, 0.9],
            "eps": 1e-08,
            "weight_decay": 0.0,
            "amsgrad": False,
            "bias_correction": True,
            "maximize": False,
        },
        "schedule": {"kind": "constant", "warmup": 0.0},
    }


def test_build_gives_the_class_its_resolved_hyperparameters():
    (spec,) = parse("adam:lr=0.25:betas=0.5/0.75")
    optimizer = spec.build(torch.nn.Linear(2, 1).parameters())
    assert type(optimizer) is Adam
    group = optimizer.param_groups[0]
    assert (group["lr"], group["betas"], group["eps"]) == (0.25, (0.5, 0.75), 1e-8)
    assert len(group["params"]) == 2


def test_build_passes_parameter_groups_on():
    (spec,) = parse("adam")
    model = torch.nn.Linear(2, 1)
    groups = [{"params": [model.weight], "weight_decay": 0.5}, {"params": [model.bias]}]
    assert [g["weight_decay"] for g in spec.build(groups).param_groups] == [0.5, 0.0]


def test_an_optimizer_that_evaluates_the_model_itself_works():
    (spec,) = parse("torch.optim.LBFGS:lr=1:max_iter=10")
    theta = torch.nn.Parameter(torch.tensor([3.0, -2.0]))
    optimizer = spec.build([theta])

    def closure():
        optimizer.zero_grad()
        loss = ((theta - 1) ** 2).sum()
        loss.backward()
        return loss

    for _ in range(3):
        optimizer.step(closure)
    torch.testing.assert_close(theta.detach(), torch.ones(2))


def test_specs_differ_by_any_hyperparameter_and_by_schedule():
    base, *others = parse("adam@a,adam@b,adam@c:lr=0.1,adam@d:schedule=cosine")
    assert len({base, *others}) == 4
    relabelled = [OptimizerSpec(**{**vars(spec), "label": "a"}) for spec in others]
    assert [spec == base for spec in relabelled] == [True, False, False]
    assert others[2].schedule == Schedule(kind="cosine")


def test_whoever_owns_the_network_says_how_our_own_optimizers_run():
    def ran(text, execution):
        (spec,) = parse(text)
        built = spec.build(torch.nn.Linear(2, 2).parameters(), execution=execution)
        return getattr(built, "execution", None), "execution" in str(spec.to_json())

    assert ran("adam", None) == ("auto", False)
    assert ran("adam", "packed") == ("packed", False)
    assert ran("adam:execution=loop", "packed")[0] == "loop"
    assert ran("torch.optim.Adam", "packed") == (None, False)
