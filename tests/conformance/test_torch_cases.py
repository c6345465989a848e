"""The cases by which torch tests its own optimizers, on ours, against torch's class."""

import itertools
from functools import cache

import pytest
import torch

from optimizers.registry import OPTIMIZERS
from tests.conformance import course
from tests.conformance.cases import CASES, class_of
from tests.conformance.references import takes

TORCHS = sorted({case.torch.name for case in CASES.values() if case.torch})
every_class_of_torchs = pytest.mark.parametrize("name", TORCHS)
WAYS = [  # hundreds of cases: the others are slow in sum
    pytest.param(torch.float64, "auto"),
    *(
        pytest.param(dtype, execution, marks=pytest.mark.slow)
        for dtype, execution in itertools.product(
            (torch.float64, torch.float32), ("auto", "packed", "loop")
        )
        if (dtype, execution) != (torch.float64, "auto")
    ),
]

# What torch's classes take and ours do not; docs/optimizers.md says so.
NOT_OURS = {"dampening", "decoupled_weight_decay", "foreach", "ns_steps", "ns_coefficients"}
ALLOWED_HERE = [
    "betas must be either both floats or both Tensors",
    "Muon only supports 2D parameters",
    "Muon does not support complex parameters",
]
NOT_KNOWN = {"adjust_lr_fn": "spectral_unclamped"}
# Where defaults differ.
TORCHS_DEFAULTS = {"Muon": {"adjust_lr_fn": "original", "eps": 1e-7}}


@cache
def infos():
    """Return torch's table by the names of its classes; its import takes seconds."""
    from torch.testing._internal.common_optimizers import optim_db

    return {info.optim_cls.__name__: info for info in optim_db}


def row_of(info, kwargs):
    """Return the name of our class for torch's, and the arguments for it."""
    name = info.optim_cls.__name__
    if info.optim_cls is not torch.optim.SGD:
        return name.lower(), TORCHS_DEFAULTS.get(name, {}) | kwargs
    row = "nesterov" if kwargs.get("nesterov") else "momentum" if "momentum" in kwargs else "sgd"
    return row, {name: value for name, value in kwargs.items() if name != "nesterov"}


@pytest.mark.slow
def test_torch_has_cases_for_every_rule_of_ours_that_it_has():
    for name in TORCHS:
        assert infos()[name].optim_inputs_func("cpu")
        assert infos()[name].optim_error_inputs_func("cpu", torch.float32)
    with_torch = {name for name, row in OPTIMIZERS.items() if row.torch}
    assert {case.row for case in CASES.values() if case.torch} >= with_torch


@pytest.mark.one_in(3)
@pytest.mark.parametrize(("dtype", "execution"), WAYS)
@every_class_of_torchs
@pytest.mark.usefixtures("orthogonal_in_full")
def test_ours_goes_as_torchs(name, dtype, execution):
    for case in infos()[name].optim_inputs_func("cpu"):
        assert_goes_as_torchs(infos()[name], case, dtype, execution)


def assert_goes_as_torchs(info, case, dtype, execution):
    row, kwargs = row_of(info, case.kwargs)
    only = course.matrices if OPTIMIZERS[row].torch.rest else course.every
    params = course.parameters(dtype=dtype, only=only)
    if taken := NOT_OURS & kwargs.keys():
        with pytest.raises(TypeError, match=taken.pop()):
            class_of(row)(params, **kwargs)
        return
    if NOT_KNOWN.items() & kwargs.items():
        with pytest.raises(ValueError, match="expected adjust_lr_fn to be one of"):
            class_of(row)(params, **kwargs)
        return
    ours = class_of(row)(params, **kwargs, execution=execution)
    loops = {"foreach": False} if takes(info.optim_cls, "foreach") else {}
    theirs = info.optim_cls(course.parameters(dtype=dtype, only=only), **case.kwargs, **loops)
    tolerance = 1e-12 if dtype is torch.float64 else 1e-5
    for step in course.walk(ours, theirs, dtype=dtype, only=only):
        for index, (param, twin) in enumerate(zip(*map(course.flat, (ours, theirs)), strict=True)):
            course.assert_close(
                param, twin, tolerance, f"{case.desc}: parameter {index}, step {step}"
            )


@every_class_of_torchs
def test_what_torch_refuses_ours_refuses(name):
    for case in infos()[name].optim_error_inputs_func("cpu", torch.float32):
        assert_refuses(infos()[name], case)


def assert_refuses(info, case):
    from torch.testing._internal.common_optimizers import OptimizerErrorEnum

    is_built = case.error_on is OptimizerErrorEnum.CONSTRUCTION_ERROR
    assert is_built or case.error_regex in ALLOWED_HERE
    row, kwargs = row_of(info, case.optimizer_error_input.kwargs)
    params = case.optimizer_error_input.params
    if params is None:
        params = [torch.nn.Parameter(torch.zeros(2))]

    def build():
        return class_of(row)(params, **kwargs)

    if case.error_regex in ALLOWED_HERE:
        build()
    elif issubclass(case.error_type, Warning):
        with pytest.warns(case.error_type, match=case.error_regex):
            build()
    else:
        with pytest.raises(TypeError if NOT_OURS & kwargs.keys() else case.error_type):
            build()
