"""What a study can run can be examined: classes are built for the checks as for a trial."""

from functools import partial

import pytest
import torch

from optimizers.conformance import CHECKS, examine, look_at
from optimizers.conformance.outcome import apply
from optimizers.construct import construct
from optimizers.grammar import parse
from tests.plugins import contracts
from tests.plugins.muon import SingleDeviceMuonWithAuxAdam

PLUGINS = "tests.plugins"
# Each asks for its parameters in a form of its own; tests/benchmark/test_contract.py trains them.
FORMS = [
    f"{PLUGINS}.contracts.Listed",
    f"{PLUGINS}.contracts.Named",
    f"{PLUGINS}.contracts.Flagged",
    f"{PLUGINS}.contracts.FlaggedBelow",
    f"{PLUGINS}.contracts.Hessian",
    f"{PLUGINS}.contracts.OfModel",
    f"{PLUGINS}.contracts.OfModelAndParams:base_optimizer=torch.optim.SGD",
    f"{PLUGINS}.contracts.Sharpness:base_optimizer=torch.optim.SGD:strict=true:lr=0.1",
    f"{PLUGINS}.contracts.Wrapper:optimizer=torch.optim.SGD:optimizer.lr=0.1",
    pytest.param(f"{PLUGINS}.contracts.Wrapper:optimizer=adam", marks=pytest.mark.slow),
    f"{PLUGINS}.contracts.Stale",
    pytest.param(f"{PLUGINS}.muon.SingleDeviceMuon", marks=pytest.mark.slow),
    f"{PLUGINS}.muon.SingleDeviceMuonWithAuxAdam",
    "torch.optim.Muon",
    pytest.param("torch.optim.SGD:lr=0.5", marks=pytest.mark.slow),
    "adam",
]
# What passes for each of them, whatever its rule.
SURE = {
    "takes plain steps",
    "every parameter moves",
    "a deep copy goes on",
    "the order of parameters does not matter",
    "two optimizers keep to themselves",
}


def named(*names):
    return [check for check in CHECKS if check.name in names]


@pytest.mark.one_in(5)
@pytest.mark.parametrize("text", FORMS)
def test_a_class_is_examined_in_the_form_that_it_asks_for(text):
    [spec] = parse(text)
    outcomes = examine(spec, named(*SURE))
    bad = {o.check.name: o.reason for o in outcomes if o.status in ("failed", "not judged")}
    assert bad == {}
    assert outcomes[0].status == "passed"


@pytest.mark.one_in(3)
@pytest.mark.parametrize("name", ["Listed", "Named", "Flagged", "OfModel"])
def test_a_class_itself_is_built_as_its_description_is(name):
    assert look_at(getattr(contracts, name)).shapes == look_at(torch.optim.SGD).shapes


def test_gradients_come_in_the_order_in_which_parameters_were_given():
    subject = look_at(partial(contracts.Flagged))
    params, twins = subject.parameters(), subject.parameters()
    by_groups, plain = subject.build(params), torch.optim.SGD(twins, lr=0.1)
    assert [id(p) for g in by_groups.param_groups for p in g["params"]] != list(map(id, params))
    subject.step(by_groups, subject.gradients(0))
    for param, grad in zip(twins, subject.gradients(0), strict=True):
        param.grad = grad
    plain.step()
    assert all(map(torch.equal, params, twins))


def test_settings_of_a_group_reach_both_of_its_halves():
    params = [torch.nn.Parameter(torch.ones(shape)) for shape in ((2,), (2, 2))]
    made = construct(SingleDeviceMuonWithAuxAdam, [{"params": params, "lr": 0.5}], {})
    halves = [(g["use_muon"], g["lr"], [p.ndim for p in g["params"]]) for g in made.param_groups]
    assert halves == [(True, 0.5, [2]), (False, 0.5, [1])]


def test_what_takes_no_groups_is_told_so_and_not_blamed():
    [outcome] = [
        apply(check, look_at(contracts.OfModel)) for check in named("two groups are two optimizers")
    ]
    assert outcome.status == "not applicable"
    assert outcome.reason.endswith("it takes a model, which has no groups of parameters")


def test_gradients_first_is_followed_where_it_is_asked_for():
    text = f"{PLUGINS}.contracts.Sharpness:base_optimizer=torch.optim.SGD:lr=0.1"
    [asked], [left] = parse(f"{text}:gradients=first"), parse(text)
    assert look_at(asked).gradients_first
    assert not look_at(left).gradients_first


def test_the_mean_is_judged_within_a_wrapper_too():
    text = f"{PLUGINS}.contracts.Wrapper:optimizer={PLUGINS}.contracts.Averaging"
    assert look_at(parse(text)[0]).averages
