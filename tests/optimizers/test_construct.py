"""Parameters reach the argument that is meant for them, wherever a class has it."""

import re
import sys

import pytest
import torch

from optimizers.conformance.making import making_of
from optimizers.construct import construct, supplied_arguments, takes_torchs_forms
from optimizers.errors import SpecError
from optimizers.grammar import describe, describe_tunables, parse

# The arguments of a class, and those of them that the suite fills.
FORMS = {
    "params, lr=0.1": "params",
    "lr=0.1, *, params": "params",
    "lr=0.1, params=None": "params",
    "lr, params": "params",
    "*, params, lr=0.1": "params",
    "*, lr=0.1, params": "params",
    "lr=0.1, beta=0.9, *, params, k=3": "params",
    "weights, lr=0.1": "weights",
    "weights, lr=0.1, model=None": "weights",
    "weights, /, lr=0.1": "weights",
    "*weights, lr=0.1": "weights",
    "lr=0.1, *, model": "model",
    "lr=0.1, model=None": "model",
    "lr, model": "model",
    "model, lr=0.1": "model",
    "model, params, lr=0.1": "model params",
    "lr=0.1, *, model, params": "model params",
    "weights, lr=0.1, *, model": "model weights",
    "params, model=None, lr=0.1": "params",
    "named_parameters, lr=0.1": "named_parameters",
    "lr=0.1, *, named_parameters": "named_parameters",
    "lr=0.1, *, named_params, k=3": "named_params",
}
CLASS = """
import torch

class Made(torch.optim.SGD):
    def __init__(self, {arguments}):
        self.found = dict(vars())
        super().__init__(*as_torch(self.found), lr=lr)

def as_torch(found):
    names = ("params", "weights", "named_parameters", "named_params", "model")
    given = next(found[name] for name in names if found.get(name) is not None)
    if isinstance(given, torch.nn.Module):
        return [given.parameters()]
    return given if isinstance(given, tuple) else [given]
"""


def made_class(arguments):
    scope = {}
    exec(CLASS.format(arguments=arguments), scope)
    return scope["Made"]


@pytest.mark.parametrize(("arguments", "supplied"), FORMS.items(), ids=[*FORMS])
@pytest.mark.parametrize("is_named", [False, True])
def test_parameters_reach_the_argument_that_is_for_them(arguments, supplied, is_named):
    cls = made_class(arguments)
    assert supplied_arguments(cls) == set(supplied.split())
    net = torch.nn.Linear(2, 2)
    given = net.named_parameters() if is_named else net.parameters()
    made = construct(cls, given, {"lr": 0.25})
    held = [param for group in made.param_groups for param in group["params"]]
    assert all(p is q for p, q in zip(held, net.parameters(), strict=True))
    assert made.param_groups[0]["lr"] == made.found["lr"] == 0.25
    for name in ("named_parameters", "named_params"):
        assert all(isinstance(key, str) for key, _ in made.found.get(name, ()))


@pytest.mark.parametrize("arguments", FORMS)
def test_whatever_is_supplied_is_no_hyperparameter(arguments, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "constructed.py").write_text(CLASS.format(arguments=arguments))
    monkeypatch.delitem(sys.modules, "constructed", raising=False)
    (spec,) = parse("constructed.Made:lr=0.5")
    assert spec.hyperparameters["lr"] == 0.5
    assert spec.hyperparameters.keys() <= {"lr", "beta", "k", "model"}
    assert [each.name for each in describe_tunables("constructed.Made")[0].space.ranges] == ["lr"]
    making = making_of(spec)
    assert making.keywords == spec.hyperparameters.keys()
    made = making.factory([torch.nn.Parameter(torch.zeros(2))], lr=0.25)
    assert made.param_groups[0]["lr"] == 0.25
    if making.bare:
        assert making.bare([torch.nn.Parameter(torch.zeros(2))]).param_groups[0]["lr"] == 0.5


@pytest.mark.parametrize("arguments", ["lr=0.1, *, params", "*, params, lr=0.1", "lr, params"])
def test_only_classes_that_take_parameters_first_promise_torchs_forms(arguments):
    assert takes_torchs_forms(made_class("params, lr=0.1"))
    assert not takes_torchs_forms(made_class(arguments))


@pytest.mark.parametrize("code", [0, 2, None, "no licence"])
@pytest.mark.parametrize("wraps", [False, True])
def test_a_class_that_exits_raises_an_error_and_ends_nothing(monkeypatch, code, wraps):
    monkeypatch.setattr("tests.plugins.contracts.Exits.code", code)
    name = "tests.plugins.contracts.Exits"
    words = f"tests.plugins.contracts.Wrapper:optimizer={name}" if wraps else name
    expected = code if isinstance(code, str) else f"sys.exit({'' if code is None else code})"
    with pytest.raises(SpecError, match=re.escape(expected)):
        parse(words)


def test_an_argument_that_cannot_be_given_by_name_is_refused_with_its_cure():
    for given in ("", ":total_steps=3"):
        with pytest.raises(SpecError, match="move total_steps behind it"):
            describe(f"tests.plugins.contracts.ByPlace{given}")


def test_a_wrapper_may_take_its_optimizer_by_place_alone():
    [spec] = parse("tests.plugins.contracts.WrapsByPlace:optimizer=torch.optim.SGD")
    assert spec.hyperparameters["optimizer"] == "torch.optim.SGD"
