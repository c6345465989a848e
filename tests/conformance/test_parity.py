"""In lock-step with the paper and with torch: parameters and state, after every step, 64 bits."""

import io
from types import SimpleNamespace

import pytest
import torch

from optimizers.registry import OPTIMIZERS
from tests.conformance import course
from tests.conformance.cases import (
    CASES,
    VARIANTS,
    class_of,
    every_case_of_torchs,
    with_torch,
)
from tests.conformance.references import step as reference_step
from tests.grids import taking_turns

TOLERANCE = 1e-12


pytestmark = pytest.mark.usefixtures("count_in_64_bits", "orthogonal_in_full")


@taking_turns(("case", "variant"), list(CASES.values()), VARIANTS)
def test_every_step_is_the_papers(case, variant):
    ours = case.build(course.groups(), **VARIANTS[variant], execution="loop")
    assert_every_step_is_the_papers(case, ours)


def assert_every_step_is_the_papers(case, ours):
    params = course.flat(ours)
    theta = [param.detach().numpy().copy() for param in params]
    state = [{} for _ in params]
    groups = [group for group in ours.param_groups for _ in group["params"]]
    for step in course.walk(ours):
        for index, grad in enumerate(course.gradients(step)):
            if grad is not None:
                h = SimpleNamespace(**groups[index])
                theta[index] = reference_step(
                    case.rule, theta[index], grad.numpy(), state[index], h, decoupled=case.decoupled
                )
            where = f"parameter {index}, step {step}"
            expected = torch.as_tensor(theta[index])
            course.assert_close(params[index].detach(), expected, TOLERANCE, where)
            assert_state(ours.state.get(params[index], {}), state[index], where)


def assert_state(found, expected, where):
    if expected:
        assert found.keys() == expected.keys(), where
    for name, value in expected.items():
        course.assert_close(found[name], torch.as_tensor(value), TOLERANCE, f"{where}, {name}")


@taking_turns(("case", "variant"), list(with_torch.values()), ["plain", "decay and maximize"])
def test_every_step_is_torchs(case, variant):
    values = known_to_torch(case, VARIANTS[variant])
    ours = case.build(course.groups(only=case.only), **values, execution="loop")
    theirs = case.build_torch(course.groups(only=case.only), **values)
    course.assert_same(ours, theirs, 0, "before the first")
    for step in course.walk(ours, theirs, only=case.only):
        course.assert_same(ours, theirs, case.tolerance, step)


def known_to_torch(case, variant):
    """Return a variant without what torch's class has built in, such as a direction."""
    return {name: value for name, value in variant.items() if case.torch.takes({name: value})}


@every_case_of_torchs
def test_every_step_is_torchs_in_32_bits(case):
    torch.set_default_dtype(torch.float32)
    params = [course.parameters(dtype=torch.float32, only=case.only) for _ in range(2)]
    ours, theirs = case.build(params[0], execution="loop"), case.build_torch(params[1])
    tolerance = 1e-5 if case.tolerance else 0.0
    for step in course.walk(ours, theirs, dtype=torch.float32, only=case.only):
        course.assert_same(ours, theirs, tolerance, step)


@pytest.mark.one_in(5)
@taking_turns(("case", "direction"), list(with_torch.values()), ["ours to torch", "torch to ours"])
def test_a_state_dict_goes_on_in_the_other_library(case, direction):
    makers = [case.build, case.build_torch]
    first, second = makers if direction == "ours to torch" else reversed(makers)
    unbroken = first(course.groups(only=case.only), weight_decay=0.1)
    for _ in course.walk(unbroken, steps=range(1, 7), only=case.only):
        pass
    resumed = second(copied_groups(unbroken))
    resumed.load_state_dict(through_a_file(unbroken.state_dict()))
    for step in course.walk(unbroken, resumed, steps=range(7, 15), only=case.only):
        for param, twin in zip(course.flat(resumed), course.flat(unbroken), strict=True):
            course.assert_close(param, twin, TOLERANCE, f"step {step}")


def copied_groups(optimizer):
    """Return groups of copies, laid out in memory as the originals, with default settings."""
    return [
        {"params": [torch.nn.Parameter(like(p.detach())) for p in group["params"]]}
        for group in optimizer.param_groups
    ]


def like(tensor):
    return torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype).copy_(tensor)


def through_a_file(state_dict):
    file = io.BytesIO()
    torch.save(state_dict, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


@pytest.mark.parametrize(
    "case", [pytest.param(c, id=name) for name, c in with_torch.items() if not c.torch.rest]
)
def test_complex_parameters_move_as_torchs(case):
    # Where a variance cancels, a larger ε keeps the rounding of the root small.
    changes = VARIANTS["decay and maximize"] | ({"eps": 0.1} if "centered" in case.values else {})
    draws = [complex_tensor(seed) for seed in range(9)]
    params = [torch.nn.Parameter(draws[0].clone()) for _ in range(2)]
    both = (
        case.build(params[:1], **changes, execution="loop"),
        case.build_torch(params[1:], **changes),
    )
    for step, draw in enumerate(draws[1:]):
        for optimizer, param in zip(both, params, strict=True):
            param.grad = draw.clone()
            optimizer.step()
        course.assert_same(*both, 1e-11, step)


def complex_tensor(seed):
    draw = torch.Generator().manual_seed(seed)
    return torch.randn(9, dtype=torch.complex128, generator=draw)


@every_case_of_torchs
def test_defaults_are_torchs(case):
    ours, theirs = (
        make([torch.nn.Parameter(torch.zeros(2, 2))]).param_groups[0]
        for make in (class_of(case.row), case.torch.load())
    )
    shared = (ours.keys() & theirs.keys()) - {"params"}
    lacking = {*case.torch.elsewhere, *case.torch.built_in}
    assert {"lr", "weight_decay", "maximize", *case.values} - lacking <= shared
    differ = {name: ours[name] for name in shared if ours[name] != theirs[name]}
    assert differ == {  # torch has one class for three rules
        "momentum": {"momentum": 0.9},
        "nesterov": {"momentum": 0.9, "nesterov": True},
        "muon": {"eps": 1e-8, "adjust_lr_fn": "match_rms_adamw"},
    }.get(case.row, {})


def test_every_listed_optimizer_has_a_reference():
    assert {case.row for case in CASES.values()} == set(OPTIMIZERS)
