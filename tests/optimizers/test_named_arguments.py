"""State and scalars go to a rule by name: their order cannot be got wrong, a wrong name is told."""

import inspect
import itertools
from pkgutil import resolve_name

import pytest
import torch

from optimizers.motion import RuleArguments
from optimizers.registry import OPTIMIZERS

KINDS = {  # the methods that give each rule of a class its arguments
    "rule": ("entries", "scalars"),
    "whole_rule": ("whole_entries", "whole_scalars"),
}
RULES = [
    pytest.param(row, rule, id=f"{row.name} {rule}")
    for row in OPTIMIZERS.values()
    for rule in KINDS
    if hasattr(resolve_name(row.target), rule)
]
rules = pytest.mark.parametrize(("row", "rule"), RULES)


def given_to(optimizer, rule):
    """Return the state and the scalars that an optimizer gives its rule, by argument name."""
    entries, scalars = (getattr(optimizer, name) for name in KINDS[rule])
    group, numbers = optimizer.param_groups[0], dict.fromkeys(optimizer.counters, 0.5)
    return entries(group), scalars(group, numbers) if rule == "rule" else scalars(group)


def backwards(cls, rule):
    """Return a subclass whose rule takes its state, and its scalars, in the opposite order."""
    optimizer = cls([torch.nn.Parameter(torch.ones(2))])
    theta, g, *rest = inspect.signature(getattr(cls, rule)).parameters
    num_state = len(given_to(optimizer, rule)[0])
    state, scalars = rest[:num_state][::-1], rest[num_state:][::-1]
    names = ", ".join([theta, g, *state, *scalars])
    known = {"rule": getattr(cls, rule)}
    given = ", ".join(f"{name}={name}" for name in rest)
    exec(f"def turned({names}): rule({theta}, {g}, {given})", known)
    return type("Backwards", (cls,), {rule: staticmethod(known["turned"])})


def trained(cls, execution):
    draw = torch.Generator().manual_seed(0)
    shapes = ((5,), (7,), (3, 4), (4, 2))
    start = [torch.randn(shape, generator=draw, dtype=torch.float64) for shape in shapes]
    params = [torch.nn.Parameter(each) for each in start]
    optimizer = cls(params, execution=execution)
    for _ in range(6):
        for param in params:
            param.grad = torch.randn(param.shape, generator=draw, dtype=param.dtype)
        optimizer.step()
    state = [value for each in optimizer.state.values() for _, value in sorted(each.items())]
    return [*params, *state]


@rules
@pytest.mark.parametrize("execution", ["loop", "auto", "packed"])
def test_the_order_in_which_a_rule_takes_its_arguments_changes_no_bit(row, rule, execution):
    cls = resolve_name(row.target)
    turned = backwards(cls, rule)
    assert turned.rule_arguments.names != cls.rule_arguments.names or row.state_tensors < 2
    for one, other in zip(trained(cls, execution), trained(turned, execution), strict=True):
        assert torch.equal(one, other)


@rules
@pytest.mark.parametrize("kind", [0, 1], ids=["entries", "scalars"])
def test_a_name_that_the_rule_does_not_have_is_told(row, rule, kind):
    cls, part = resolve_name(row.target), KINDS[rule][kind]

    def misnamed(self, *arguments):
        first, *others = getattr(cls, part)(self, *arguments).items()
        return {"misnamed": first[1], **dict(others)}

    params = [torch.nn.Parameter(torch.ones(shape)) for shape in ((2,), (2, 2))]
    for param in params:
        param.grad = torch.ones_like(param)
    named = getattr(cls, rule).__name__
    with pytest.raises(TypeError, match=rf"{named} has no argument 'misnamed' there"):
        type("Misnamed", (cls,), {part: misnamed})(params).step()


@rules
def test_state_and_scalars_make_up_all_arguments_of_the_rule(row, rule):
    cls = resolve_name(row.target)
    state, scalars = given_to(cls([torch.nn.Parameter(torch.ones(2))]), rule)
    assert sorted([*state, *scalars]) == sorted(RuleArguments.of(getattr(cls, rule)).names)


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
    for row, rule in (param.values for param in RULES):
        optimizer = resolve_name(row.target)([torch.nn.Parameter(torch.ones(2))])
        entries, scalars = given_to(optimizer, rule)
        state = [name for name, entry in entries.items() if entry]
        for part, names in zip(KINDS[rule], (state, scalars), strict=True):
            for one, other in itertools.combinations(names, 2):
                yield pytest.param(row, part, one, other, id=f"{row.name} {one} {other}")


@pytest.mark.parametrize(("row", "part", "one", "other"), [*pairs()])
def test_two_arguments_that_change_places_show_in_the_parameters_or_the_state(
    row, part, one, other
):
    cls = resolve_name(row.target)
    right, wrong = trained(cls, "loop"), trained(swapped(cls, part, one, other), "loop")
    assert not all(map(torch.equal, right, wrong))
