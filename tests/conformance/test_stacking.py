"""Stacked optimizers: a member's bits are those that it has alone, in any company.

The rules of all forms in the table step K members with hyperparameters, schedules and weight decays
of their own. There is no tolerance here: bits are compared at every step.
"""

import copy
from functools import cache

import pytest
import torch

from optimizers import SGD, Adam, Momentum, NAdam, RMSprop
from optimizers.packing import SLICE
from optimizers.registry import OPTIMIZERS
from optimizers.schedules import Schedule
from optimizers.stacking import stack, stack_of
from tests.conformance.cases import CASES, every_case, every_case_by_kind, every_row_by_kind
from tests.conformance.references import class_of
from tests.grids import taking_turns

every_width = pytest.mark.parametrize(
    "dtype", [torch.float32, pytest.param(torch.float64, marks=pytest.mark.slow)], ids=str
)
STEPS = 14
SEEN = (0, 5, 9, 13)  # steps after which bits are compared
SHAPES = ((), (5,), (17, 9), (2, 3, 4, 5))
ALL = tuple(range(14))
FEW = (0, 5, 13)  # one of each schedule
SCHEDULES = (
    Schedule(),
    Schedule(kind="cosine", warmup=3),
    Schedule(kind="1/sqrt(t)"),
)


def values_of(case, member):
    """Return the hyperparameters of a member, which no other member has."""
    defaults = case.build([torch.nn.Parameter(torch.zeros(1))]).param_groups[0]
    found = {"lr": defaults["lr"] * 1.37 ** (member - 7)}
    for name in ("betas", "rho", "alpha", "momentum"):
        base = case.values.get(name, defaults.get(name)) if name in case_arguments(case) else 0
        if base:
            shrunk = 1 - 0.021 * member
            found[name] = (base[0] * shrunk, base[1] * shrunk) if name == "betas" else base * shrunk
    if "eps" in defaults:
        found["eps"] = defaults["eps"] * 1.9**member
    found["weight_decay"] = 0.0 if member % 3 == 0 else 0.013 * member
    return found


def case_arguments(case):
    return class_of(case.row).bounds


def starts(member, dtype, shapes=SHAPES):
    draw = torch.Generator().manual_seed(member)
    return [
        torch.nn.Parameter(torch.randn(shape, generator=draw, dtype=torch.float64).to(dtype))
        for shape in shapes
    ]


@cache
def gradients(member, dtype, shapes=SHAPES, steps=STEPS):
    draw = torch.Generator().manual_seed(1000 + member)
    return [
        [
            (torch.randn(s, generator=draw, dtype=torch.float64) * 10.0 ** (-(t % 4))).to(dtype)
            for s in shapes
        ]
        for t in range(steps)
    ]


def build(case, member, dtype, **changes):
    return case.build(starts(member, dtype), **values_of(case, member) | changes)


def schedule(optimizer, case, member, t):
    """Set the rate of step `t`, counted from 1, as the runner does."""
    factor = SCHEDULES[member % 3].factor(t, STEPS, epoch_steps=STEPS)
    lr = values_of(case, member)["lr"] * factor
    optimizer.param_groups[0]["lr"] = lr


def params_of(optimizer):
    return [param for group in optimizer.param_groups for param in group["params"]]


def bits_of(optimizer):
    """Return the bytes of parameters and state of an optimizer, with the names of the state."""
    params = params_of(optimizer)
    entries = [sorted(optimizer.state.get(param, {}).items()) for param in params]
    values = [*params, *(value for own in entries for _, value in own)]
    names = [[name for name, _ in own] for own in entries]
    return names, torch.cat([v.detach().reshape(-1).view(torch.uint8) for v in values])


def give(stacked, gradients):
    """Give the stacked parameters the gradients of all members."""
    for param, rows in zip(params_of(stacked), zip(*gradients, strict=True), strict=True):
        param.grad = torch.stack(rows)


@cache
def stacked_course(name, members, dtype=torch.float32):
    """Return parameters and state of each member at each step of a stack of `members`."""
    case = CASES[name]
    stacked = stack([build(case, member, dtype) for member in members])
    drawn = [gradients(member, dtype) for member in members]
    course = {member: {} for member in members}
    for t in range(STEPS):
        for optimizer, member in zip(stacked.members, members, strict=True):
            schedule(optimizer, case, member, t + 1)
        give(stacked, [each[t] for each in drawn])
        stacked.step()
        if t in SEEN:
            for optimizer, member in zip(stacked.members, members, strict=True):
                course[member][t] = bits_of(optimizer)
    return course


def course_alone(optimizer, case, member, dtype=torch.float32, begin=0):
    course = {}
    drawn = gradients(member, dtype)
    for t in range(begin, STEPS):
        schedule(optimizer, case, member, t + 1)
        for param, grad in zip(params_of(optimizer), drawn[t], strict=True):
            param.grad = grad.clone()
        optimizer.step()
        if t in SEEN:
            course[t] = bits_of(optimizer)
    return course


def assert_same_bits(found, expected):
    """Compare two results of `bits_of`."""
    assert found[0] == expected[0]
    assert torch.equal(found[1], expected[1])


def assert_same_course(found, expected):
    """Compare the bits after the steps that `found` has with those of the whole course."""
    assert found
    for t, bits in found.items():
        assert_same_bits(bits, expected[t])


@pytest.mark.one_in(2)
@every_case_by_kind
def test_the_bits_of_a_member_do_not_depend_on_its_company(case):
    full = stacked_course(case.name, ALL)
    for company in ((4,), (13,), (9, 4, 2), ALL[::-1]):
        course = stacked_course(case.name, company)
        for member in company:
            assert_same_course(course[member], full[member])


@every_case
@every_width
def test_a_member_has_the_bits_of_the_optimizer_alone(case, dtype):
    course = stacked_course(case.name, FEW, dtype)
    for member in FEW:
        alone = course_alone(build(case, member, dtype), case, member, dtype)
        assert_same_course(alone, course[member])


@every_case_by_kind
def test_the_state_of_a_member_goes_on_in_an_optimizer_of_its_own(case):
    half = STEPS // 2
    stacked = stack([build(case, member, torch.float32) for member in FEW])
    for t in range(half):
        for optimizer, member in zip(stacked.members, FEW, strict=True):
            schedule(optimizer, case, member, t + 1)
        give(stacked, [gradients(member, torch.float32)[t] for member in FEW])
        stacked.step()
    for k, member in enumerate(FEW):
        params = [torch.nn.Parameter(p[k].detach().clone()) for p in params_of(stacked)]
        alone = case.build(params, **values_of(case, member))
        alone.load_state_dict(stacked.member_state_dict(k))
        rest = course_alone(alone, case, member, begin=half)
        assert_same_course(rest, stacked_course(case.name, FEW)[member])


@every_case_by_kind
def test_a_state_dict_of_a_stack_goes_on_in_another(case):
    def step(stacked, t):
        give(stacked, [gradients(member, torch.float32)[t] for member in (1, 3)])
        stacked.step()

    first, second = (stack([build(case, m, torch.float32) for m in (1, 3)]) for _ in range(2))
    for t in range(4):
        step(first, t)
    first.freeze(1)
    for new, old in zip(params_of(second), params_of(first), strict=True):
        new.data.copy_(old.data)
    second.load_state_dict(first.state_dict())
    assert second.frozen == {1}
    for t in range(4, 8):
        step(first, t)
        step(second, t)
    for left, right in zip(first.members, second.members, strict=True):
        assert_same_bits(bits_of(left), bits_of(right))


@every_row_by_kind
def test_a_frozen_member_stays_and_the_others_move_as_before(row):
    case, members = CASES[next(name for name in CASES if CASES[name].row == row)], ALL[:5]
    stacked = stack([build(case, member, torch.float32) for member in members])
    for t in range(STEPS):
        if t == 6:
            stacked.freeze(2)
            stacked.freeze(-1)
        for optimizer, member in zip(stacked.members, members, strict=True):
            schedule(optimizer, case, member, t + 1)
        drawn = [gradients(member, torch.float32)[t] for member in members]
        if t > 6:
            drawn[2] = [torch.full_like(each, torch.nan) for each in drawn[2]]
        give(stacked, drawn)
        stacked.step()
    assert stacked.frozen == {2, 4}
    full = stacked_course(case.name, ALL)
    for k, optimizer in enumerate(stacked.members):
        expected = full[k][5] if k in stacked.frozen else full[k][STEPS - 1]
        assert_same_bits(bits_of(optimizer), expected)


@every_row_by_kind
def test_a_member_that_is_not_finite_touches_no_other(row):
    case, members = CASES[next(name for name in CASES if CASES[name].row == row)], FEW
    stacked = stack([build(case, member, torch.float32) for member in members])
    for t in range(STEPS):
        for optimizer, member in zip(stacked.members, members, strict=True):
            schedule(optimizer, case, member, t + 1)
        drawn = [gradients(member, torch.float32)[t] for member in members]
        drawn[1] = [each * torch.inf for each in drawn[1]]
        give(stacked, drawn)
        stacked.step()
    entries = stacked.members[1].state.values()
    seen = [*params_of(stacked.members[1]), *(v for own in entries for v in own.values())]
    assert not all(value.isfinite().all() for value in seen)
    full = stacked_course(case.name, FEW)
    for k in (0, 2):
        assert_same_bits(bits_of(stacked.members[k]), full[FEW[k]][STEPS - 1])


@pytest.mark.parametrize("frozen", [(), (1, 2)])
def test_members_that_are_left_can_be_stacked_again(frozen):
    members = (3, 4, 6, 7)
    case = CASES["adam lr=0.05"]
    stacked = stack([build(case, member, torch.float32) for member in members])
    kept = [k for k in range(4) if k not in frozen]
    for t in range(STEPS):
        if t == 9:
            stacked = stack([stacked.members[k] for k in kept])
            members = [members[k] for k in kept]
        for optimizer, member in zip(stacked.members, members, strict=True):
            schedule(optimizer, case, member, t + 1)
        give(stacked, [gradients(member, torch.float32)[t] for member in members])
        stacked.step()
    for optimizer, member in zip(stacked.members, members, strict=True):
        assert_same_bits(bits_of(optimizer), stacked_course(case.name, ALL)[member][STEPS - 1])


def compare_steps(build, drawn, steps=6):
    """Step K optimizers alone and as a stack with the gradients `drawn(k, t)`; compare bits."""
    singles, stacked = [build(k) for k in range(3)], stack([build(k) for k in range(3)])
    for t in range(steps):
        grads = [drawn(k, t) for k in range(3)]
        for optimizer, own in zip(singles, grads, strict=True):
            for param, grad in zip(params_of(optimizer), own, strict=True):
                param.grad = None if grad is None else grad.clone()
            optimizer.step()
        for param, rows in zip(params_of(stacked), zip(*grads, strict=True), strict=True):
            param.grad = None if rows[0] is None else torch.stack(rows)
        stacked.step()
        for single, member in zip(singles, stacked.members, strict=True):
            assert_same_bits(bits_of(member), bits_of(single))
    return stacked


@taking_turns(("row", "dtype"), list(OPTIMIZERS), [torch.bfloat16, torch.complex64])
def test_other_types_of_parameters_have_the_bits_of_the_optimizer_alone(row, dtype):
    shapes = ((3, 7), (35,))

    def draw(seed):
        generator = torch.Generator().manual_seed(seed)
        return [torch.randn(s, generator=generator, dtype=torch.complex64) for s in shapes]

    def cast(tensor):
        return tensor if dtype.is_complex else tensor.real.to(dtype)

    compare_steps(
        lambda k: class_of(row)(
            [torch.nn.Parameter(cast(p)) for p in draw(k)], lr=0.01 * (k + 1), weight_decay=0.1
        ),
        lambda k, t: [cast(g) for g in draw(100 * t + k)],
    )


@every_row_by_kind
def test_a_row_longer_than_a_slice_and_parameters_at_different_steps(row):
    shapes = ((3,), (SLICE + 77,))

    def draw(seed):
        return [p.detach() for p in starts(seed, torch.float32, shapes)]

    compare_steps(
        lambda k: class_of(row)(map(torch.nn.Parameter, draw(k)), lr=0.01 * (k + 1)),
        lambda k, t: [None if t == 1 else draw(9 * t + k)[0], draw(9 * t + k)[1]],
        steps=4,
    )


def test_flags_momentum_and_groups_may_differ_between_members():
    def make(k):
        groups = [
            {"params": starts(k, torch.float32, [(4, 3)]), "lr": 0.1},
            {"params": starts(k + 9, torch.float32, [(5,)]), "momentum": 0.3 * k},
        ]
        return RMSprop(groups, lr=0.01, maximize=k == 1, centered=k == 2)

    compare_steps(make, lambda k, t: gradients(k, torch.float32, ((4, 3), (5,)))[t])


def test_a_momentum_that_a_schedule_sets_gets_its_state():
    members = [SGD(starts(k, torch.float32, [(4,)]), lr=0.1) for k in range(2)]
    stacked = stack(members)
    give(stacked, [gradients(k, torch.float32, ((4,),))[0] for k in range(2)])
    stacked.step()
    members[1].param_groups[0]["momentum"] = 0.9
    stacked.step()
    assert not members[0].state.get(members[0].param_groups[0]["params"][0])
    velocity = members[1].state[params_of(members[1])[0]]["momentum_buffer"]
    assert torch.equal(velocity, params_of(stacked)[0].grad[1])


@pytest.mark.parametrize("features", [50, SLICE // 5], ids=["one piece", "many pieces"])
@pytest.mark.parametrize("order", [(1, 2, 0), (2, 1, 0), (0, 2, 1), (0, 1, 2)], ids=str)
def test_stacked_parameters_keep_their_memory_layout(order, features):
    """Tensors of shape (K, classes, features) are stepped in place, whatever their order is."""
    shape = [0, 0, 0]
    for size, place in zip((3, 4, features), order, strict=True):
        shape[place] = size
    table = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    param = torch.nn.Parameter(table.permute(order))
    stacked = stack_of(Adam, [param], lr=torch.tensor([0.1, 0.2, 0.3], dtype=torch.float64))
    singles = [
        Adam([torch.nn.Parameter(row.clone())], lr=lr)
        for row, lr in zip(param.detach(), (0.1, 0.2, 0.3), strict=True)
    ]
    for t in range(3):
        param.grad = torch.randn(3, 4, features, generator=torch.Generator().manual_seed(t))
        for single, grad in zip(singles, param.grad, strict=True):
            params_of(single)[0].grad = grad.clone()
            single.step()
        stacked.step()
    assert param.data_ptr() == table.data_ptr()
    assert stacked.state[param]["exp_avg"].stride() == param.stride()
    for member, single in zip(stacked.members, singles, strict=True):
        assert_same_bits(bits_of(member), bits_of(single))


def test_hyperparameters_of_shape_k_are_those_of_the_members():
    betas = torch.tensor([0.8, 0.9], dtype=torch.float64)
    param = torch.nn.Parameter(torch.zeros(2, 3))
    stacked = stack_of(NAdam, [param], betas=(betas, 0.99), eps=1e-6, weight_decay=betas / 9)
    found = [member.param_groups[0] for member in stacked.members]
    assert [group["betas"] for group in found] == [(0.8, 0.99), (0.9, 0.99)]
    assert [group["weight_decay"] for group in found] == [0.8 / 9, 0.9 / 9]
    assert [group["eps"] for group in found] == [1e-6, 1e-6]
    assert params_of(stacked)[0] is param


def test_models_of_the_members_hold_the_rows():
    nets = [torch.nn.Linear(3, 2) for _ in range(2)]
    stacked = stack([Momentum(net.parameters(), lr=1.0) for net in nets])
    give(stacked, [[torch.ones(2, 3) * k, torch.ones(2)] for k in range(2)])
    before = nets[1].weight.detach().clone()
    assert stacked.step(lambda: "the loss") == "the loss"
    torch.testing.assert_close(nets[1].weight.detach(), before - 1)
    assert torch.equal(params_of(stacked)[0][1], nets[1].weight)


def test_a_copy_of_a_stack_steps_by_itself():
    stacked = stack([Adam(starts(k, torch.float32), lr=0.1) for k in range(2)])
    give(stacked, [gradients(k, torch.float32)[0] for k in range(2)])
    other = copy.deepcopy(stacked)
    before = bits_of(stacked.members[0])
    give(other, [gradients(k, torch.float32)[0] for k in range(2)])
    other.step()
    assert_same_bits(bits_of(stacked.members[0]), before)
    stacked.step()
    for left, right in zip(stacked.members, other.members, strict=True):
        assert_same_bits(bits_of(left), bits_of(right))


def test_replaced_data_and_state_are_noticed():
    stacked, other = (
        stack([Adam(starts(k, torch.float32), lr=0.1) for k in range(2)]) for _ in range(2)
    )
    for t in range(4):
        for each in (stacked, other):
            give(each, [gradients(k, torch.float32)[t] for k in range(2)])
            each.step()
        for param in params_of(stacked):
            param.data = param.data.clone()
        stacked.members[1].load_state_dict(stacked.member_state_dict(1))
    for left, right in zip(stacked.members, other.members, strict=True):
        assert_same_bits(bits_of(left), bits_of(right))
    assert torch.equal(params_of(stacked)[0], params_of(other)[0])


def test_a_member_state_dict_holds_the_memory_of_one_member():
    stacked = stack([Adam(starts(k, torch.float32), lr=0.1) for k in range(4)])
    state = stacked.member_state_dict(1)["state"]
    moment = state[2]["exp_avg"]
    assert moment.untyped_storage().nbytes() == moment.nbytes


def zero(*shape, **options):
    return torch.nn.Parameter(torch.zeros(*shape, **options))


SHARED = zero(2)
MISTAKES = {
    "none": (lambda: stack([]), "at least one optimizer"),
    "classes": (lambda: stack([Adam([zero(2)]), NAdam([zero(2)])]), "Adam and, as member 1, NAdam"),
    "shapes": (lambda: stack([Adam([zero(2)]), Adam([zero(3)])]), "member 1 differs from member 0"),
    "types": (
        lambda: stack([Adam([zero(2)]), Adam([zero(2, dtype=torch.float64)])]),
        "member 1 differs from member 0",
    ),
    "others": (lambda: stack([torch.optim.Adam([zero(2)])]), "only optimizers of this package"),
    "twice": (lambda: stack([Adam([SHARED]), Adam([SHARED])]), "two share a parameter"),
    "tensor": (lambda: stack([Adam([zero(2)], lr=torch.tensor(0.1))]), "lr as a number"),
    "compiled": (lambda: stack([Adam([zero(2)], execution="compiled")]), "execution 'compiled'"),
    "sizes": (lambda: stack_of(Adam, [zero(2), zero(3)]), "with one K, got K in {2, 3}"),
    "scalar": (lambda: stack_of(Adam, [zero(())]), "with one K"),
    "length": (lambda: stack_of(Adam, [zero(2)], lr=torch.ones(3)), r"lr: .*shape \(2,\).*\(3,\)"),
    "bounds": (lambda: stack_of(Adam, [zero(2)], lr=torch.tensor([1.0, -1])), "lr to be a number"),
    "columns": (lambda: Adam([zero(2)], lr=torch.ones(2)), "lr to be a number"),
    "group": (
        lambda: stack([SGD([zero(2)])]).add_param_group({"params": []}),
        "add groups to them",
    ),
    "dicts": (
        lambda: stack([SGD([zero(2)])]).load_state_dict({"members": []}),
        "expected 1 members, got 0",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_in_one_line(mistake):
    make, words = MISTAKES[mistake]
    with pytest.raises(ValueError, match=words) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_a_member_that_does_not_exist_cannot_be_frozen():
    with pytest.raises(IndexError):
        stack([SGD([zero(2)])]).freeze(1)


def test_sparse_gradients_are_refused():
    param = zero(2, 3)
    stacked = stack_of(SGD, [param])
    param.grad = torch.ones(2, 3).to_sparse()
    with pytest.raises(RuntimeError, match="sparse=False"):
        stacked.step()
