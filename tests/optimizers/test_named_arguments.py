"""State and scalars go to a rule by name: their order cannot be got wrong, a wrong name is told."""

import inspect
import itertools
from pkgutil import resolve_name

import pytest
import torch

from optimizers.motion import RuleArguments
from optimizers.registry import OPTIMIZERS

rows = pytest.mark.parametrize("row", OPTIMIZERS.values(), ids=OPTIMIZERS)


def backwards(cls):
    """Return a subclass whose rule takes its state, and its scalars, in the opposite order."""
    optimizer = cls([torch.nn.Parameter(torch.ones(2))])
    group = optimizer.param_groups[0]
    theta, g, *rest = inspect.signature(cls.rule).parameters
    num_state = len(optimizer.entries(group))
    state, scalars = rest[:num_state][::-1], rest[num_state:][::-1]
    names = ", ".join([theta, g, *state, *scalars])
    known = {"rule": cls.rule}
    given = ", ".join(f"{name}={name}" for name in rest)
    exec(f"def turned({names}): rule({theta}, {g}, {given})", known)
    return type("Backwards", (cls,), {"rule": staticmethod(known["turned"])})


def trained(cls, execution):
    draw = torch.Generator().manual_seed(0)
    start = [torch.randn(size, generator=draw, dtype=torch.float64) for size in (5, 7)]
    params = [torch.nn.Parameter(each) for each in start]
    optimizer = cls(params, execution=execution)
    for _ in range(6):
        for param in params:
            param.grad = torch.randn(param.shape, generator=draw, dtype=param.dtype)
        optimizer.step()
    state = [value for each in optimizer.state.values() for _, value in sorted(each.items())]
    return [*params, *state]


@rows
@pytest.mark.parametrize("execution", ["loop", "auto", "packed"])
def test_the_order_in_which_a_rule_takes_its_arguments_changes_no_bit(row, execution):
    cls = resolve_name(row.target)
    turned = backwards(cls)
    assert turned.rule_arguments.names != cls.rule_arguments.names or row.state_tensors < 2
    for one, other in zip(trained(cls, execution), trained(turned, execution), strict=True):
        assert torch.equal(one, other)


@rows
@pytest.mark.parametrize("part", ["entries", "scalars"])
def test_a_name_that_the_rule_does_not_have_is_told(row, part):
    cls = resolve_name(row.target)

    def misnamed(self, *arguments):
        first, *others = getattr(cls, part)(self, *arguments).items()
        return {"misnamed": first[1], **dict(others)}

    param = torch.nn.Parameter(torch.ones(2))
    param.grad = torch.ones(2)
    with pytest.raises(TypeError, match=rf"{cls.rule.__name__} has no argument 'misnamed' there"):
        type("Misnamed", (cls,), {part: misnamed})([param]).step()


@rows
def test_state_and_scalars_make_up_all_arguments_of_the_rule(row):
    cls = resolve_name(row.target)
    optimizer = cls([torch.nn.Parameter(torch.ones(2))])
    group = optimizer.param_groups[0]
    numbers = dict.fromkeys(cls.counters, 0.5)
    names = [*optimizer.entries(group), *optimizer.scalars(group, numbers)]
    assert sorted(names) == sorted(cls.rule_arguments.names)


def test_state_is_not_taken_for_a_scalar():
    def rule(theta, g, m, beta1): ...

    with pytest.raises(TypeError, match="no argument 'm' there"):
        RuleArguments.of(rule).order_scalars({"m": 0.5})


def swapped(cls, part, one, other):
    """Return a subclass that gives two arguments of its rule each other's value."""

    def swap(self, *arguments):
        given = getattr(cls, part)(self, *arguments)
        return {**given, one: given[other], other: given[one]}

    return type("Swapped", (cls,), {part: swap})


def pairs():
    for row in OPTIMIZERS.values():
        optimizer = resolve_name(row.target)([torch.nn.Parameter(torch.ones(2))])
        group, numbers = optimizer.param_groups[0], dict.fromkeys(optimizer.counters, 0.5)
        state = [name for name, entry in optimizer.entries(group).items() if entry]
        for part, names in (("entries", state), ("scalars", optimizer.scalars(group, numbers))):
            for one, other in itertools.combinations(names, 2):
                yield pytest.param(row, part, one, other, id=f"{row.name} {one} {other}")


@pytest.mark.parametrize(("row", "part", "one", "other"), [*pairs()])
def test_two_arguments_that_change_places_show_in_the_parameters_or_the_state(
    row, part, one, other
):
    cls = resolve_name(row.target)
    right, wrong = trained(cls, "loop"), trained(swapped(cls, part, one, other), "loop")
    assert not all(map(torch.equal, right, wrong))
