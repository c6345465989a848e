"""What the conformance tests run over: every optimizer of the table in every form of its rule."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pkgutil import resolve_name
from typing import Any

import pytest
import torch

from optimizers.registry import OPTIMIZERS
from tests.conformance import references


@dataclass(frozen=True, kw_only=True)
class Case:
    """One form of one optimizer.

    Args:
        row: Its name in OPTIMIZERS.
        rule: Its reference, from `references`.
        values: Hyperparameters, ours and torch's.
        torch: Name of torch's class of the same rule, None where there is none.
        torch_only: Hyperparameters that make torch's class take this form.
    """

    row: str
    rule: Callable[..., Any]
    values: dict[str, Any] = field(default_factory=dict)
    torch: str | None = None
    torch_only: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self):
        return " ".join([self.row, *(f"{name}={value}" for name, value in self.values.items())])

    @property
    def tolerance(self):
        """Of a comparison with torch: none where the rule rounds in torch's order."""
        return 1e-12 if self.row in BIAS_CORRECTED_IN_THE_STEPSIZE else 0.0

    @property
    def decoupled(self):
        return OPTIMIZERS[self.row].decoupled

    def build(self, params, **changes):
        return class_of(self.row)(params, **self.values | changes)

    def build_torch(self, params, **changes):
        cls = getattr(torch.optim, self.torch)
        loops = {"foreach": False, "fused": False}
        plain = {name: value for name, value in loops.items() if takes(cls, name)}
        return cls(params, **self.values | self.torch_only | plain | changes)


def class_of(row):
    return resolve_name(OPTIMIZERS[row].target)


def takes(cls, name):
    return name in cls.__init__.__annotations__


BIAS_CORRECTED_IN_THE_STEPSIZE = {"adam", "adamw", "nadam", "radam"}  # as the Adam paper proposes


def adam_like(row, rule, torch_class, **values):
    return Case(row=row, rule=rule, torch=torch_class, values={"lr": 0.05, **values})


_CASES = (
    Case(row="sgd", rule=references.sgd, values={"lr": 0.1}, torch="SGD"),
    Case(
        row="momentum",
        rule=references.momentum,
        values={"lr": 0.1, "momentum": 0.8},
        torch="SGD",
    ),
    Case(
        row="nesterov",
        rule=references.nesterov,
        values={"lr": 0.1, "momentum": 0.8},
        torch="SGD",
        torch_only={"nesterov": True},
    ),
    Case(row="adagrad", rule=references.adagrad, torch="Adagrad"),
    Case(
        row="adagrad",
        rule=references.adagrad,
        values={"lr": 0.1, "lr_decay": 0.1, "initial_accumulator_value": 0.3, "eps": 1e-3},
        torch="Adagrad",
    ),
    Case(row="adadelta", rule=references.adadelta, torch="Adadelta"),
    Case(
        row="adadelta",
        rule=references.adadelta,
        values={"rho": 0.95, "eps": 1e-3},
        torch="Adadelta",
    ),
    Case(row="rmsprop", rule=references.rmsprop, torch="RMSprop"),
    Case(
        row="rmsprop",
        rule=references.rmsprop_centered,
        values={"centered": True, "alpha": 0.9, "eps": 1e-2},
        torch="RMSprop",
    ),
    Case(
        row="rmsprop",
        rule=references.rmsprop_momentum,
        values={"momentum": 0.9, "alpha": 0.9},
        torch="RMSprop",
    ),
    Case(
        row="rmsprop",
        rule=references.rmsprop_centered_momentum,
        values={"centered": True, "momentum": 0.5, "eps": 1e-2},
        torch="RMSprop",
    ),
    adam_like("adam", references.adam, "Adam"),
    adam_like("adam", references.adam, "Adam", betas=(0.3, 0.6), eps=1e-2),
    adam_like("adam", references.amsgrad, "Adam", amsgrad=True, betas=(0.8, 0.7)),
    adam_like("adam", references.adam_uncorrected, None, bias_correction=False),
    adam_like("adam", references.amsgrad_uncorrected, None, amsgrad=True, bias_correction=False),
    adam_like("adamax", references.adamax, "Adamax"),
    adam_like("adamax", references.adamax, "Adamax", betas=(0.6, 0.8), eps=1e-2),
    adam_like("adamw", references.adam, "AdamW"),
    adam_like("adamw", references.amsgrad, "AdamW", amsgrad=True, weight_decay=0.2),
    adam_like(
        "adamw",
        references.adam_uncorrected,
        None,
        bias_correction=False,
        betas=(0.3, 0.6),
        eps=1e-2,
    ),
    adam_like("nadam", references.nadam, "NAdam"),
    adam_like("nadam", references.nadam, "NAdam", momentum_decay=0.2, betas=(0.8, 0.9), eps=1e-2),
    adam_like("radam", references.radam, "RAdam"),
    adam_like("radam", references.radam, "RAdam", betas=(0.8, 0.7), eps=1e-2),
    adam_like("lion", references.lion, None),
    adam_like("lion", references.lion, None, betas=(0.95, 0.98)),
)

CASES = {case.name: case for case in _CASES if case.row in OPTIMIZERS}
every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)

with_torch = {name: case for name, case in CASES.items() if case.torch}
every_case_of_torchs = pytest.mark.parametrize("case", with_torch.values(), ids=with_torch)

_has_compiler = any(map(shutil.which, (os.environ.get("CXX", "g++"), "clang++")))
needs_compiler = pytest.mark.skipif(not _has_compiler, reason="no C++ compiler is installed")

every_row = pytest.mark.parametrize("row", OPTIMIZERS)


def kinds_of_state():
    """Yield the first row of each kind: by counters, and tensors that state is made of."""
    seen = set()
    for row in OPTIMIZERS:
        optimizer = class_of(row)([torch.nn.Parameter(torch.zeros(1))])
        kind = len(optimizer.counters), len(optimizer.state_names(optimizer.param_groups[0]))
        if kind not in seen:
            seen.add(kind)
            yield row


every_kind_of_state = pytest.mark.parametrize("row", list(kinds_of_state()))

# What groups may have beside the rule.
VARIANTS = {
    "plain": {},
    "decay": {"weight_decay": 0.1},
    "maximize": {"maximize": True},
    "decay and maximize": {"weight_decay": 0.1, "maximize": True},
}
every_variant = pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
